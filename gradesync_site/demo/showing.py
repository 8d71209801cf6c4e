"""What a running demo tells its visitor: where to begin, as whom, and how to play the other side."""

from __future__ import annotations

import json
import sys
from typing import Any

from gradesync_site.demo.home import Home
from gradesync_site.sandbox.data import MAIN_COURSE, TEACHER


def welcome(home: Home, lms: dict[str, Any], sis: dict[str, Any]) -> dict[str, Any]:
    courses = {str(one["id"]): one["url"] for one in lms["courses"]}
    return {
        "start_here": courses.get(MAIN_COURSE, lms["base_url"]),
        "you_are": f"{TEACHER.name}, a teacher",
        "tool": home.public_url,
        "courses": list(courses.values()),
        "lms_control": lms["control_url"],
        "sis_control": sis["control_url"],
        "home": str(home.path),
    }


def show_it(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(f"{json.dumps(found)}\n")
    else:
        sys.stdout.write(
            f"\n  Open  {found['start_here']}  and choose “Grades to SIS”. You are {found['you_are']}.\n"
            f"  The tool itself:   {found['tool']}\n"
            f"  The LMS's control: {found['lms_control']}/  (state, journal, faults)\n"
            f"  The SIS's control: {found['sis_control']}/  (state, journal, faults; edit a grade by hand)\n"
            f"  Kept in:           {found['home']}\n"
            "  Ctrl-C ends it.\n\n"
        )
    sys.stdout.flush()
