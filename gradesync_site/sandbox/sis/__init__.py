"""A pretend SIS: OneRoster 1.2 rostering and gradebook, strict to the standard, with faults by name."""

from gradesync_site.sandbox.sis.app import make_app

__all__ = ["make_app"]
