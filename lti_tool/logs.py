"""What Django itself logs of a request is its path, and some of ours hold a word that opens something once."""

from __future__ import annotations

import logging
import re

# an invite, and the link to a file
_ONCE = re.compile(r"(/lti/(?:register|files)/)[^/\s?]+")


class WithoutTokens(logging.Filter):
    """Takes such words out of the lines of Django's own loggers; every line stays."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                _ONCE.sub(r"\1...", one) if isinstance(one, str) else one for one in record.args
            )
        return True
