"""The seam between the engine and an LMS: one class that reads a course's gradebook (design §1, idea 2)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from sync.auth import TokenStore
from sync.lms import records as lms
from sync.options import Finding, Option


class LtiServices(Protocol):
    """The AGS and NRPS client of one registration (`lti_tool.services.Services`), as readers use it.

    Every method reads all pages, or raises: `lti_tool.services.ServiceRefused`, `ServiceAway`, `ServiceBroken`.
    Items are the JSON objects of the spec, with numbers as Decimal.
    """

    def line_items(self, url: str) -> list[dict[str, Any]]: ...

    def results(self, line_item_url: str) -> list[dict[str, Any]]: ...

    def members(self, url: str) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Settings:
    """One LMS connection as plain values. `token` is the resolved access token; it is left out of the repr."""

    name: str
    base_url: str = ""
    token: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict)


class Lms(ABC):
    """Reads a course's gradebook. Never decides, never touches models, never sees the SIS.

    `supports` says what this reader can see beyond points: any of "course_total", "schemes", "excused",
    "missing", "late", "timestamps", "sections".
    """

    name: ClassVar[str]
    label: ClassVar[str]
    options: ClassVar[tuple[Option, ...]] = ()
    supports: ClassVar[frozenset[str]] = frozenset()

    def __init__(
        self, settings: Settings, services: LtiServices | None = None, tokens: TokenStore | None = None
    ) -> None:
        self.settings = settings
        self.services = services
        self.tokens = tokens

    @abstractmethod
    def check(self) -> list[Finding]: ...

    @abstractmethod
    def read_gradebook(self, course: lms.Course) -> lms.Gradebook:
        """The whole course, or an error: TryLater, Unreachable (treated as TryLater) or Misconfigured.

        Course totals are line items `lms.COURSE_TOTAL_CURRENT` and `lms.COURSE_TOTAL_FINAL` of kind `course_total`.
        """
