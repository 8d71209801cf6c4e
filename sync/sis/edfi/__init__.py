"""The Ed-Fi ODS/API and what answers like it: a data hub that holds gradebooks (data standards 3.3, 4.0 and 5.0)."""

from sync.sis.edfi.adapter import EdFi

__all__ = ["EdFi"]
