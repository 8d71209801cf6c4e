"""The words of LTI that the pretend LMS uses: claims, scopes and roles (LTI Core 1.3 §5 and §A.2)."""

from __future__ import annotations

from gradesync_site.sandbox.lms.world import ASSISTANT, STUDENT, TEACHER, TEST_STUDENT

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
DEEP_LINKS = "https://purl.imsglobal.org/spec/lti-dl/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/"
LIS = "http://purl.imsglobal.org/vocab/lis/v2/"

AGS_SCOPES = tuple(f"{AGS}scope/{name}" for name in ("lineitem.readonly", "result.readonly"))
NRPS_SCOPE = f"{NRPS}scope/contextmembership.readonly"
SCOPES = (*AGS_SCOPES, NRPS_SCOPE)

CONTEXT_ROLES: dict[str, tuple[str, ...]] = {
    TEACHER: (f"{LIS}membership#Instructor",),
    ASSISTANT: (f"{LIS}membership/Instructor#TeachingAssistant",),
    STUDENT: (f"{LIS}membership#Learner",),
    TEST_STUDENT: (f"{LIS}membership#Learner", "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"),
}
INSTITUTION_ROLES = {
    TEACHER: f"{LIS}institution/person#Instructor",
    ASSISTANT: f"{LIS}institution/person#Instructor",
    STUDENT: f"{LIS}institution/person#Student",
}
