"""PowerSchool SIS: PowerTeacher Pro's assignments and scores, through a district's own plugin."""

from sync.sis.powerschool.adapter import PowerSchool

__all__ = ["PowerSchool"]
