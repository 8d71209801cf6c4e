"""OneRoster's CSV binding: gradebook zips that a SIS takes in, and the roster zip that it gives out."""

from sync.sis.oneroster_csv.adapter import OneRosterCsv

__all__ = ["OneRosterCsv"]
