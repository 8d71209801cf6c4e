"""Which class looks like the course's: by the ids that the LMS names, else by words that tell them apart."""

from __future__ import annotations

import pytest

from lti_tool import families
from sync.class_hints import PARAMETERS, hints, named_ids

BIOLOGY = {"B1": "Biology (BIO-P1)", "B2": "Biology (BIO-P2)", "A1": "Algebra 1 (ALG1-P3)"}


def test_class_that_the_lms_names_comes_before_one_with_a_like_title() -> None:
    assert hints(BIOLOGY, ids={"A1"}, course="Biology") == {"A1": "named", "B1": "alike", "B2": "alike"}


def test_two_classes_of_a_cross_listed_course_are_alike_and_a_shared_number_is_not() -> None:
    found = hints(BIOLOGY, ids=(), course="Biology, Periods 1 and 2")
    assert found == {"B1": "alike", "B2": "alike", "A1": ""}


@pytest.mark.parametrize("course", ["Algèbre 2", "ALGEBRE 2 – matin"])
def test_number_tells_where_the_subject_is_the_same(course: str) -> None:
    titles = {"one": "Algèbre 1", "two": "algebre 2"}
    assert hints(titles, ids=(), course=course) == {"one": "", "two": "alike"}


def test_titles_that_are_all_as_like_say_nothing() -> None:
    assert set(hints({"a": "Algebra (P1)", "b": "Algebra (P2)"}, ids=(), course="Algebra").values()) == {""}
    assert hints({"a": "Algebra (P1)"}, ids=(), course="Algebra") == {"a": "alike"}
    assert hints({}, ids=(), course="Algebra") == {}


def test_course_of_another_name_looks_like_none() -> None:
    assert set(hints(BIOLOGY, ids=(), course="Kurs 1").values()) == {""}


def test_ids_come_from_the_section_claim_and_the_parameters_that_carry_ids_of_the_sis() -> None:
    lis = {"course_section_sourcedid": " S-9 ", "course_offering_sourcedid": "O-1"}
    custom = {"canvas_section_sis_ids": "A1, B2", "section_sourcedid": "A1", "canvas_course_id": "101"}
    assert named_ids(lis, custom) == {"S-9", "A1", "B2"}
    assert named_ids({}, {"section_sourcedid": ""}) == set()


def test_parameters_are_those_that_registrations_ask_for() -> None:
    assert {*families.COMMON_VARIABLES, *families.CANVAS_VARIABLES} >= set(PARAMETERS)
