"""What Django itself logs of a request is its path, and one of our paths holds a one-time invite."""

from __future__ import annotations

import logging
import re

_INVITE = re.compile(r"(/lti/register/)[^/\s?]+")


class WithoutInvites(logging.Filter):
    """Takes invites out of the lines of Django's own loggers; every line stays."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                _INVITE.sub(r"\1...", one) if isinstance(one, str) else one for one in record.args
            )
        return True
