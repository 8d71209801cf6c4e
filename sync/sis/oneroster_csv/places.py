"""Where zips are dropped and read: a folder here, or a folder at an SFTP server (`sftp.py`).

A file appears under its name whole or not at all: it is written under another name first and then renamed.
"""

from __future__ import annotations

import errno
import os
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from lti_tool import http
from sync.errors import AdapterError, Misconfigured, TryLater, Unreachable

MOST_BYTES: Final = 100 * 1024 * 1024
# how long another run may hold the place: longer is the lock of a process that died
LOCK_S: Final = 15 * 60
PATIENCE_S, PAUSE_S = 10.0, 0.2


class Place(ABC):
    """One folder. Whatever it raises before a file has its name means that nothing was dropped.

    `TryLater`, `Misconfigured`, and from `drop` also `Unreachable`: the file may be there.
    """

    patience_s = PATIENCE_S

    @abstractmethod
    def read(self, name: str) -> bytes | None:
        """The file's content; None when there is none of that name."""

    @abstractmethod
    def _write(self, name: str, content: bytes) -> None: ...

    @abstractmethod
    def _replace(self, name: str, target: str) -> None:
        """Rename over what may stand there. Raises Unreachable where it may have happened."""

    @abstractmethod
    def _remove(self, name: str) -> None: ...

    @abstractmethod
    def _make_lock(self, name: str) -> bool:
        """False when it is there already."""

    @abstractmethod
    def _drop_lock(self, name: str) -> None: ...

    @abstractmethod
    def _age(self, name: str) -> float:
        """Seconds since it was made; 0 when it is gone."""

    def close(self) -> None:  # noqa: B027 - nothing to close is a fine default
        """Let go of connections."""

    def drop(self, name: str, content: bytes) -> None:
        """The file appears, in the place of a former one of its name."""
        part = f"{name}.{secrets.token_hex(4)}.part"
        try:
            self._write(part, content)
        except AdapterError:
            with suppress(AdapterError):
                self._remove(part)
            raise
        self._replace(part, name)

    def probe(self) -> None:
        """Raises when no file can be made here."""
        name = f"gradesync-{secrets.token_hex(4)}.part"
        self._write(name, b"")
        self._remove(name)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Alone here until the end, by a folder that only one can make. Raises TryLater when others stay too long."""
        give_up = time.monotonic() + self.patience_s
        while not self._make_lock(name):
            if self._age(name) > LOCK_S:
                self._drop_lock(name)
            elif time.monotonic() > give_up:
                raise TryLater("Another run is writing files for this SIS just now.", after=30)
            else:
                time.sleep(PAUSE_S)
        try:
            yield
        finally:
            # left behind it holds up others for a while, and is no reason to doubt what was dropped
            with suppress(AdapterError):
                self._drop_lock(name)


class Folder(Place):
    """A folder of the machine that the tool runs on, beneath one that the site's operator names in OUTBOUND_FOLDERS."""

    def __init__(self, path: str) -> None:
        try:
            self._path = Path(http.checked_folder(path))
        except http.Refused as error:
            raise Misconfigured(str(error), "folder_refused") from error

    def read(self, name: str) -> bytes | None:
        with _asked():
            path = self._path / name
            if not path.exists():
                return None
            if path.stat().st_size > MOST_BYTES:
                raise too_large(name)
            return path.read_bytes()

    def _write(self, name: str, content: bytes) -> None:
        with _asked(), (self._path / name).open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def _replace(self, name: str, target: str) -> None:
        with _asked():
            (self._path / name).replace(self._path / target)

    def _remove(self, name: str) -> None:
        with _asked():
            (self._path / name).unlink(missing_ok=True)

    def _make_lock(self, name: str) -> bool:
        with _asked():
            try:
                (self._path / name).mkdir()
            except FileExistsError:
                return False
            return True

    def _drop_lock(self, name: str) -> None:
        with _asked(), suppress(FileNotFoundError):
            (self._path / name).rmdir()

    def _age(self, name: str) -> float:
        with _asked(), suppress(FileNotFoundError):
            return time.time() - (self._path / name).stat().st_mtime
        return 0.0


@contextmanager
def _asked() -> Iterator[None]:
    """The operating system's refusals as the seam's: a full disk passes, a missing right does not."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EAGAIN, errno.ESTALE):
            raise TryLater("The folder for files takes nothing just now. Is the disk full?") from None
        raise folder_unusable() from None


def folder_unusable() -> Misconfigured:
    text = (
        "The connection's folder for files cannot be read or written. Whoever runs the server must create it and give "
        "this tool's account the right to read, write and rename there."
    )
    return Misconfigured(text, "folder_unusable")


def too_large(name: str) -> Misconfigured:
    return Misconfigured(f"“{name}” is larger than {MOST_BYTES // 1024 // 1024} MB.", "file_too_large")


def lost() -> Unreachable:
    return Unreachable("The connection broke off while a file was given its name.")
