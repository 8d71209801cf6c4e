"""The roster of a class whose SIS shows none: files for a registrar, exchanges that only take. Pure.

Its students are the course's own, named by the SIS id that the LMS has for them: whoever has none gets no grade there.
Names, logins and e-mail stay out: nothing but the id may decide, as nothing of the SIS is there to compare with.
"""

from __future__ import annotations

from sync.lms import records as lms
from sync.matching import is_course_student
from sync.sis import records as sis


def of_lms(gradebook: lms.Gradebook, class_id: str, *, alone: bool) -> list[sis.Student]:
    """`alone`: the course is linked to this class only, so that all its students are meant.

    Of several classes each has the students of the LMS's section that carries its id; a student of no such section, or
    of two, is in none of them or in both, and matching asks about her.
    """
    sections = {one.section_id for one in gradebook.sections if one.sis_id.strip() == class_id}
    return [
        sis.Person(one.sis_id.strip(), one.given_name, one.family_name, identifier=one.sis_id.strip())
        for one in gradebook.members
        if is_course_student(one) and one.sis_id.strip() and (alone or sections & set(one.section_ids))
    ]
