"""Everything that the pretend LMS can be told to get wrong, by name (see `sandbox.faults`)."""

from __future__ import annotations

FAULTS: dict[str, str] = {
    # lists, of AGS, NRPS and Canvas alike; `path` narrows where
    "results-page-repeats": "the second page of results brings the first page's once more",
    "next-link-loops": "the next link leads to the page it stands on",
    "next-link-other-host": "the next link leads to another host (setting host)",
    "members-short": "the list of people ends after its first half, as if that were all",
    "results-short": "the list of results ends after its first half, as if that were all",
    "results-500": "500 instead of results",
    "rate-limit": "the caller asked too often: 403 in Canvas's own words, 429 in AGS and NRPS (setting status)",
    "html-instead-of-json": "200 with a log-in page instead of data",
    "bearer-refused": "401 for a token that was good",
    "wrong-scope": "403: the token may not do this",
    "course-gone": "404 for the course",
    "slow": "waits before it answers (setting seconds)",
    # values
    "score-not-a-number": "the first score of each list is a word",
    "score-nan": "the first score of each list is NaN, which is not JSON",
    "negative": "the first score of each list is below zero",
    "scheme-gap": "the grading standard ends at 70 %, with nothing below",
    "scheme-unsorted": "the grading standard comes lowest first",
    "scheme-doubled": "two entries of the grading standard share one bound",
    # Moodle's web services; `path` narrows to a function's name
    "moodle-off": "web services are switched off: 403 and nothing else",
    "moodle-maintenance": "503 with a page that says so",
    "moodle-exception": "200 with an exception instead of data (setting errorcode)",
    "moodle-right-missing": "the report keeps the first assignment back, and says nothing",
    "moodle-hidden-grade": "the report keeps one student's grade of the first assignment back, and says nothing",
    "moodle-setting-off": "a display setting of the user report is off (setting: grade, range, weight, percentage, feedback)",
    # Blackboard's services
    "blackboard-gap": "each grading schema leaves a point between its first and its second symbol",
    # launch
    "no-ags-claim": "the launch names no line items",
    "no-nrps-claim": "the launch names no members",
    "no-context": "the launch names no course",
    "no-roles": "the launch names no role",
    "wrong-signature": "the id_token is signed with a key that is not published",
    "wrong-nonce": "the id_token carries another nonce",
    "wrong-audience": "the id_token is meant for another client",
    "old-token": "the id_token ended an hour ago",
    "other-deployment": "the launch comes from a deployment that nobody approved",
    # the key set; POST /_sandbox/rotate changes the key itself
    "jwks-down": "the key set's connection is cut",
    "jwks-500": "500 instead of the key set",
    "jwks-html": "a log-in page instead of the key set",
    "jwks-huge": "a key set of two megabytes",
    "jwks-slow": "the key set comes late (setting seconds)",
    "jwks-duplicate-kid": "two keys of the set share one kid",
    "jwks-wrong-use": "the key of the set is for encryption",
    "jwks-other-alg": "the key of the set is for another algorithm",
    # what the browser keeps for tools; strikes when the page that answers is loaded (setting subject narrows it)
    "storage-silent": "the storage for tools never answers",
    "storage-wrong-value": "the storage for tools answers another value",
    "storage-error": "the storage for tools answers that it is full",
    "storage-late": "the storage for tools answers late (setting ms)",
    # tokens of the services
    "token-refused": "no access token for this client",
    # teachers' own access
    "token-away": "503 instead of a teacher's tokens",
    "token-answer-late": "a renewal is done, and its answer comes late (setting seconds)",
    "token-answer-lost": "a renewal is done, and its answer never comes: 502",
}
