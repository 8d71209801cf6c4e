"""What has run out is deleted by the way: at a launch, every ten minutes in each process."""

from __future__ import annotations

import time
from datetime import timedelta

from django.utils import timezone

from lti_tool.models import CachedToken, DownloadTicket, LoginState, LtiSession

EVERY_S = 600
_last = -EVERY_S * 1.0


def now_and_then() -> None:
    """Sweeps at most every ten minutes: most launches pay nothing for it."""
    global _last
    if time.monotonic() - _last >= EVERY_S:
        _last = time.monotonic()
        sweep()


def sweep() -> None:
    """Logins an hour after their end, sessions a day after, tickets and tokens at once."""
    now = timezone.now()
    LoginState.objects.filter(expires_at__lt=now - timedelta(hours=1)).delete()
    LtiSession.objects.filter(expires_at__lt=now - timedelta(days=1)).delete()
    DownloadTicket.objects.filter(expires_at__lt=now).delete()
    CachedToken.objects.filter(expires_at__lt=now).delete()
