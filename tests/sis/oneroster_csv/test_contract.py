"""The shipped contract, with a SIS that takes in what was dropped: in a folder, at an SFTP server, as deltas and whole."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from gradesync_site.sandbox.sis.sftp import PASSWORD, SftpSandbox
from sync.sis import records as sis
from sync.sis.base import Sis
from sync.sis.contract import SisContract
from tests.sis.oneroster_csv.conftest import CLASS, EMPTY, STUDENTS, Importer, by_folder, by_sftp


class ByFiles(SisContract):
    of: Sis
    sis_side: Importer

    def make(self) -> Sis:
        return self.of

    @property
    def class_id(self) -> str:
        return CLASS

    @property
    def empty_class_id(self) -> str:
        return EMPTY

    @property
    def line_item_ids(self) -> Collection[str]:
        return ["li-1", "li-2"]

    @property
    def student_ids(self) -> Collection[str]:
        return STUDENTS

    @property
    def personal(self) -> Collection[str]:
        return ["Łukasz", PASSWORD]

    def lose_answers(self) -> AbstractContextManager[None]:
        raise NotImplementedError("a file has no answer to lose")

    def stored(self, of: Sis) -> dict[sis.Key, sis.Value | None]:
        return self.sis_side.values(dict.fromkeys(self.line_item_ids, CLASS))

    def record(self, of: Sis, key: sis.Key) -> str:
        self.sis_side.run()
        rows = self.sis_side.results.values()
        wanted = (key.line_item_id, key.student_id)
        ids = [
            one["sourcedId"] for one in rows if (one["lineItemSourcedId"], one["studentSourcedId"]) == wanted
        ]
        return ids[0] if ids else ""


class TestDeltasInAFolder(ByFiles):
    @pytest.fixture(autouse=True)
    def _world(self, folder: Path) -> None:
        self.of, self.sis_side = by_folder(folder), Importer(folder)


class TestBulkInAFolder(ByFiles):
    @pytest.fixture(autouse=True)
    def _world(self, folder: Path) -> None:
        self.of, self.sis_side = by_folder(folder, mode="bulk"), Importer(folder)


class TestOldDeltasInAFolder(ByFiles):
    @pytest.fixture(autouse=True)
    def _world(self, folder: Path) -> None:
        self.of, self.sis_side = by_folder(folder, version="1.1"), Importer(folder)


class TestDeltasBySftp(ByFiles):
    @pytest.fixture(autouse=True)
    def _world(self, server: SftpSandbox) -> Iterator[None]:
        self.of, self.sis_side = by_sftp(server), Importer(server.root)
        yield
        self.of.close()
