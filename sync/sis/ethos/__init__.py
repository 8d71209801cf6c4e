"""Ellucian Ethos Integration: midterm and final grades of Banner and Colleague, as unverified grades."""

from sync.sis.ethos.adapter import Ethos

__all__ = ["Ethos"]
