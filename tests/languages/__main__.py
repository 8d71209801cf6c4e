"""python -m tests.languages: the catalogues take up new texts of the source and are compiled; says what waits."""

from __future__ import annotations

import sys

from tests.languages import catalogue


def main() -> int:
    catalogue.SENTENCES.write_text(catalogue.sentences())
    waiting = 0
    for language in catalogue.PLURALS:
        catalogue.update(language)
        missing = catalogue.untranslated(language)
        waiting += len(missing)
        sys.stdout.write(f"{language}: {len(missing)} to translate in {catalogue.path_of(language)}\n")
        sys.stdout.writelines(f"  {text}\n" for text in missing)
    return 1 if waiting else 0


if __name__ == "__main__":
    sys.exit(main())
