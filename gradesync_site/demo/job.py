"""What the demo's working process is told: which LMS, which SIS, which class. Handed over through its standard input."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sis:
    """How to reach the SIS. `class_id` names the one class of a SIS that is not ours; empty: the sandbox's own."""

    base_url: str
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    class_id: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_foreign(self) -> bool:
        return bool(self.class_id)


@dataclass(frozen=True)
class Job:
    """`lms` is what the sandbox LMS said of itself when it started."""

    lms: Mapping[str, Any]
    sis: Sis
    as_json: bool = False

    def dumps(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> Job:
        data = json.loads(text)
        return cls(**data | {"sis": Sis(**data["sis"])})
