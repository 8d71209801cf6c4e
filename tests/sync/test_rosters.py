"""Where a SIS shows no roster, a student is who the LMS's SIS id says she is, and nobody else."""

from __future__ import annotations

from sync import rosters
from sync.lms import records as lms


def book(*members: lms.Member) -> lms.Gradebook:
    sections = (lms.Section("x1", "20271/11"), lms.Section("x2", "20271/12"))
    return lms.Gradebook(members, (), (), sections)


def member(user_id: str, sis_id: str, *sections: str, **fields: object) -> lms.Member:
    return lms.Member(user_id, sis_id=sis_id, section_ids=sections, **fields)  # type: ignore[arg-type]  # a shorthand


def ids(gradebook: lms.Gradebook, class_id: str, *, alone: bool) -> list[str]:
    return [one.sourced_id for one in rosters.of_lms(gradebook, class_id, alone=alone)]


def test_all_students_with_a_sis_id_are_in_a_class_that_is_linked_alone() -> None:
    read = book(member("u1", " N001 "), member("u2", ""), member("u3", "N003", "x2"))
    assert ids(read, "20271/11", alone=True) == ["N001", "N003"]


def test_of_several_classes_each_has_the_students_of_its_own_section() -> None:
    read = book(member("u1", "N001", "x1"), member("u2", "N002", "x2"), member("u3", "N003"))
    assert ids(read, "20271/11", alone=False) == ["N001"]
    assert ids(read, "20271/12", alone=False) == ["N002"]
    assert ids(read, "20271/13", alone=False) == []


def test_teachers_test_students_and_those_who_left_are_no_students() -> None:
    read = book(
        member("u1", "T001", is_student=False, is_teacher=True),
        member("u2", "N002", test=True),
        member("u3", "N003", active=False),
    )
    assert ids(read, "20271/11", alone=True) == []


def test_nothing_but_the_id_can_match_her() -> None:
    read = book(member("u1", "N001", login="anna", email="a@b.example", name="Anna Berg", family_name="Berg"))
    (found,) = rosters.of_lms(read, "20271/11", alone=True)
    assert (found.username, found.email, found.user_ids) == ("", "", ())
    assert (found.sourced_id, found.identifier, found.family_name) == ("N001", "N001", "Berg")


def test_two_people_with_one_sis_id_are_both_listed_so_that_matching_asks() -> None:
    read = book(member("u1", "N001"), member("u2", "N001"))
    assert ids(read, "20271/11", alone=True) == ["N001", "N001"]
