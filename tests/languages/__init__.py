"""Texts for people and their translations: where they stand in the source, and whether every language says them."""
