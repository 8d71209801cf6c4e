"""A pretend PowerSchool SIS: records, tables behind a plugin's grants, and PowerTeacher Pro's gradebook calls."""
