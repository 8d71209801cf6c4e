"""Products whose OneRoster differs: the options that they want, each with its source. Nothing here was tried on a live site.

A preset fills in what an administrator left empty; what she states wins. Sources by number:

1. kb.infinitecampus.com/help/connecting-to-oneroster-grade-book-endpoints (the vendor's page)
2. cepster/OneRosterAssignmentSyncTester, util.js (a third party's tester of Infinite Campus)
3. help.otus.com 2826758, 4467758 (Infinite Campus), 4881312 (Skyward), 6386718 (Aeries): an integrator's help pages
4. api-docs.veracross.com, "Using the OneRoster API" and its OpenAPI (the vendor's, 1.1)
5. community.blackbaud.com 69498, 289941; ed.link/docs/providers/blackbaud/details
6. ed.link's provider pages: Skyward Qmlativ, Aspen
7. support.aeries.com 14000065667 (the vendor's page: OneRoster 1.1)
8. Google's conformance suite for SISs that its Classroom writes to
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PRESETS: Final[Mapping[str, Mapping[str, str]]] = {
    # the standard to the letter: whatever this adapter does by itself
    "strict": {},
    "infinite_campus": {
        "title_limit": "49",  # 3: titles under 50 characters
        "whole_maximum": "true",  # 3: whole points
        "score_date": "datetime",  # 2
        "letters": "metadata",  # 2: a final grade's letter
        "letters_key": "ext_infiniteCampus_scoreGrade",  # 2
        "categories": "none",  # 1, 2: a column arrives uncategorized, its teacher picks the category
    },
    "veracross": {
        "version": "1.1",  # 4
        "create": "put_without_id",  # 4: recommended there; the answer shows the record that was made
        "line_items": "put_without_id",  # 4
        "category_limit": "50",  # 4
    },
    "blackbaud": {
        "version": "1.1",  # 5
        "score_date": "datetime",  # 5
        "letters": "refuse",  # 5: 1.1 cannot carry them
        "exempt_score": "refuse",  # 5: what is accepted becomes fully graded, so its zero would be a grade
        "withdraw": "none",  # 5: nothing is deleted there, and "not submitted" shows as missing
    },
    "skyward": {
        "title_limit": "49",  # 3: titles under 50 characters
        "whole_maximum": "true",  # 3: 8.5 of 10 goes, 8 of 10.5 does not
        "categories": "all",  # 6: not listed by class
        "create_categories": "false",  # 3: they are the district's
    },
    "aspen": {
        "version": "1.1",  # 6
        "categories": "all",  # 6: not listed by class
        "create_categories": "false",  # 6: cannot be created
    },
    # 1.1 is all that is known of it (its vendor's listing of what it serves)
    "synergy": {"version": "1.1"},
    "aeries": {
        "version": "1.1",  # 7
        "whole_maximum": "true",  # 3
    },
    "google": {
        "create": "put",  # 8: its suite asks for no right to POST
        "score_date": "datetime",  # 8
        "over_max": "true",  # 8: a score above the maximum must be taken
    },
}

# headers without which a product answers 401, and how they are written
NEEDED_HEADERS: Final[Mapping[str, tuple[str, str]]] = {
    "infinite_campus": ("x-vendor-authorization", "KEY:SECRET of the vendor"),  # 1
}
