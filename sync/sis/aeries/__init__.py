"""Aeries (California's and others' schools): gradebooks, their assignments and scores, through its API v5."""

from sync.sis.aeries.adapter import Aeries

__all__ = ["Aeries"]
