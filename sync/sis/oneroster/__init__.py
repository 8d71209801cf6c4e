"""The OneRoster adapter. Start at `adapter.py`; `wire.py` is the translation, `results.py` the writing of grades."""

from sync.sis.oneroster.adapter import OneRoster

__all__ = ["OneRoster"]
