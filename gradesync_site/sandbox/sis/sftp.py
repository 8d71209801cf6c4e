"""A real SFTP server for one folder: where a SIS fetches the zips that are dropped for it. Faults by name, as elsewhere.

`no-extension`: it cannot rename over a file. `full`: nothing can be written. `short`: what is written is kept by half.
`gone-after-rename`: it renames and hangs up before it answers. `hangs-up`: it hangs up on any request.
`slow-rename`: it takes a second to rename.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from paramiko.sftp import SFTP_FAILURE, SFTP_OK, SFTP_OP_UNSUPPORTED

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

USER, PASSWORD = "gradesync", "sandbox-password"
HOST_KEY = paramiko.ECDSAKey.generate()


@dataclass
class SftpSandbox:
    """What the server's threads share. `journal` holds each request as its verb and the file's name."""

    root: Path
    latency_ms: int = 0
    faults: set[str] = field(default_factory=set)
    journal: list[tuple[str, str]] = field(default_factory=list)
    keys: list[paramiko.PKey] = field(default_factory=list)
    port: int = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def asked(self, verb: str, path: str) -> Path:
        self.journal.append((verb, path.rpartition("/")[2]))
        time.sleep(self.latency_ms / 1000)
        if "hangs-up" in self.faults:
            raise SystemExit  # ends the session's thread, and with it the connection
        return self.root / path.lstrip("/")


@contextmanager
def serve(root: Path, latency_ms: int = 0) -> Iterator[SftpSandbox]:
    sandbox = SftpSandbox(root, latency_ms)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        sandbox.port = listening.getsockname()[1]
        threading.Thread(target=_accept, args=(listening, sandbox), daemon=True).start()
        try:
            yield sandbox
        finally:
            # a thread in accept() keeps the socket open: it is woken, and finds it shut
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, sandbox: SftpSandbox) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listening.accept()
            transport = paramiko.Transport(connection)
            transport.add_server_key(HOST_KEY)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, sandbox, transport)
            with suppress(paramiko.SSHException, EOFError):
                transport.start_server(event=threading.Event(), server=_Door(sandbox))


class _Door(paramiko.ServerInterface):
    def __init__(self, sandbox: SftpSandbox) -> None:
        self._sandbox = sandbox

    def get_allowed_auths(self, username: str) -> str:
        return "password,publickey"

    def check_auth_password(self, username: str, password: str) -> int:
        good = (username, password) == (USER, PASSWORD)
        return AUTH_SUCCESSFUL if good else AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        good = username == USER and key in self._sandbox.keys
        return AUTH_SUCCESSFUL if good else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED


class _File(paramiko.SFTPHandle):
    def __init__(self, path: Path, flags: int, faults: set[str]) -> None:
        super().__init__(flags)
        self._faults = faults
        self._file = os.fdopen(os.open(path, flags, 0o600), "wb" if flags & os.O_WRONLY else "rb")

    def read(self, offset: int, length: int) -> bytes | int:
        self._file.seek(offset)
        return self._file.read(length)

    def write(self, offset: int, data: Buffer) -> int:
        if "full" in self._faults:
            return SFTP_FAILURE
        self._file.seek(offset)
        content = bytes(data)
        self._file.write(content[: len(content) // 2] if "short" in self._faults else content)
        return SFTP_OK

    def close(self) -> None:
        self._file.close()


class _Files(paramiko.SFTPServerInterface):
    def __init__(
        self, server: paramiko.ServerInterface, sandbox: SftpSandbox, transport: paramiko.Transport
    ) -> None:
        super().__init__(server)
        self._sandbox, self._transport = sandbox, transport

    def stat(self, path: str) -> Any:
        return _done(lambda: paramiko.SFTPAttributes.from_stat(self._sandbox.asked("stat", path).stat()))

    def open(self, path: str, flags: int, attr: Any) -> Any:
        return _done(lambda: _File(self._sandbox.asked("open", path), flags, self._sandbox.faults))

    def remove(self, path: str) -> Any:
        return _done(self._sandbox.asked("remove", path).unlink)

    def mkdir(self, path: str, attr: Any) -> Any:
        return _done(self._sandbox.asked("mkdir", path).mkdir)

    def rmdir(self, path: str) -> Any:
        return _done(self._sandbox.asked("rmdir", path).rmdir)

    def rename(self, oldpath: str, newpath: str) -> Any:
        """The protocol's own rename replaces nothing."""
        source, target = self._sandbox.asked("rename", oldpath), self._sandbox.root / newpath.lstrip("/")
        return SFTP_FAILURE if target.exists() else _done(lambda: source.rename(target))

    def posix_rename(self, oldpath: str, newpath: str) -> Any:
        source, target = (
            self._sandbox.asked("posix-rename", oldpath),
            self._sandbox.root / newpath.lstrip("/"),
        )
        time.sleep(1 if "slow-rename" in self._sandbox.faults else 0)
        if "no-extension" in self._sandbox.faults:
            return SFTP_OP_UNSUPPORTED
        done = _done(lambda: source.replace(target))
        if "gone-after-rename" in self._sandbox.faults:
            self._transport.close()
        return done


def _done(step: Any) -> Any:
    """The step's answer, or the protocol's word for why not."""
    try:
        found = step()
    except OSError as error:
        return paramiko.SFTPServer.convert_errno(error.errno or 0)
    return SFTP_OK if found is None or isinstance(found, Path) else found
