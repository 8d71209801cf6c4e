"""Django's messages in the LTI session: they reach her also where the browser keeps no cookie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from django.contrib.messages.storage.base import Message
from django.contrib.messages.storage.fallback import FallbackStorage
from django.http import HttpResponse

from lti_tool.models import LtiSession

Loaded = tuple[list[Message], bool]


class Storage(FallbackStorage):
    """MESSAGE_STORAGE: one list per LTI session; Django's own way on all other pages."""

    def _get(self, *args: Any, **kwargs: Any) -> Loaded:
        session = self._session()
        if session is None:
            return cast(Loaded, super()._get(*args, **kwargs))  # type: ignore[misc]  # not in the stubs
        return [Message(level, text, tags) for level, text, tags in session.notices], True

    def _store(
        self, messages: Sequence[Message], response: HttpResponse, *args: Any, **kwargs: Any
    ) -> list[Message]:
        session = self._session()
        if session is None:
            return cast(list[Message], super()._store(messages, response, *args, **kwargs))  # type: ignore[misc]  # not in the stubs
        notices = _plain(messages)
        if notices != session.notices:
            session.notices = notices
            LtiSession.objects.filter(pk=session.pk).update(notices=notices)
        return []

    def _session(self) -> LtiSession | None:
        lti = getattr(self.request, "lti", None)
        return lti.session if lti else None


def _plain(messages: Iterable[Message]) -> list[list[Any]]:
    return [[one.level, str(one.message), one.extra_tags or ""] for one in messages]
