"""Files that a person uploads to the registrar: one for each class and kind of grade, by a mapping of columns."""

from sync.sis.registrar_file.adapter import RegistrarFile

__all__ = ["RegistrarFile"]
