"""A folder at an SFTP server. The connection goes to the address that the guard checked, and nothing is said to a server
whose key is not the one that the connection names.
"""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import socket
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import paramiko

from lti_tool import http
from sync.errors import AdapterError, Misconfigured, TryLater
from sync.sis.oneroster_csv.places import MOST_BYTES, Place, lost, too_large

ANSWER_S: Final = 20.0
PIECE: Final = 256 * 1024
KEY_TYPES: Final[Sequence[type[paramiko.PKey]]] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
# what a connection that broke raises, in this library and beneath it
BROKEN: Final = (paramiko.SSHException, EOFError, socket.timeout, ConnectionError)

# its other lines say who connects, and name every file
logging.getLogger("paramiko").setLevel(logging.WARNING)


class Sftp(Place):
    """`host_keys`: SHA256 fingerprints of keys that the server may show. `secret`: a password, or a private key in PEM."""

    def __init__(
        self, host: str, port: int, folder: str, user: str, secret: str, host_keys: frozenset[str]
    ) -> None:
        self._host, self._port, self._folder = host, port, folder.rstrip("/")
        self._user, self._secret, self._host_keys = user, secret, host_keys
        self._transport: paramiko.Transport | None = None
        self._client: paramiko.SFTPClient | None = None

    # --- the folder ---

    def read(self, name: str) -> bytes | None:
        """Where a server cannot replace a file at once, its former version stands aside for a moment: see `_replace`."""
        found = self._read(name)
        return self._read(f"{name}.old") if found is None else found

    def _read(self, name: str) -> bytes | None:
        with self._asked() as client:
            try:
                size = client.stat(self._at(name)).st_size or 0
            except FileNotFoundError:
                return None
            if size > MOST_BYTES:
                raise too_large(name)
            with client.open(self._at(name), "rb") as file:
                file.prefetch(size)
                return file.read(MOST_BYTES)

    def _write(self, name: str, content: bytes) -> None:
        with self._asked() as client:
            with client.open(self._at(name), "wxb") as file:
                file.set_pipelined(True)
                for start in range(0, len(content), PIECE):
                    file.write(content[start : start + PIECE])
            if client.stat(self._at(name)).st_size != len(content):
                raise TryLater("The SFTP server did not keep the whole file.")

    def _replace(self, name: str, target: str) -> None:
        """In one step where the server knows how (OpenSSH's extension); else the former file is moved aside first."""
        with self._asked(committing=True) as client:
            source, place, aside = self._at(name), self._at(target), self._at(f"{target}.old")
            try:
                client.posix_rename(source, place)
            except OSError as error:
                if isinstance(error, TimeoutError | ConnectionError):
                    raise
                with suppress(OSError):
                    client.remove(aside)
                with suppress(OSError):
                    client.rename(place, aside)
                client.rename(source, place)
                with suppress(OSError):
                    client.remove(aside)

    def _remove(self, name: str) -> None:
        with self._asked() as client, suppress(FileNotFoundError):
            client.remove(self._at(name))

    def _make_lock(self, name: str) -> bool:
        with self._asked() as client:
            try:
                client.mkdir(self._at(name))
            except PermissionError:
                raise
            except OSError:
                # the protocol has no word for "it is there": asked for, it tells
                if _is_folder(client, self._at(name)):
                    return False
                raise
            return True

    def _drop_lock(self, name: str) -> None:
        with self._asked() as client, suppress(FileNotFoundError):
            client.rmdir(self._at(name))

    def _age(self, name: str) -> float:
        with self._asked() as client, suppress(FileNotFoundError):
            return time.time() - (client.stat(self._at(name)).st_mtime or 0)
        return 0.0

    def _at(self, name: str) -> str:
        return f"{self._folder}/{name}" if self._folder else name

    # --- the connection ---

    def close(self) -> None:
        transport, self._transport, self._client = self._transport, None, None
        if transport is not None:
            transport.close()

    @contextmanager
    def _asked(self, *, committing: bool = False) -> Iterator[paramiko.SFTPClient]:
        """The server's refusals as the seam's. A connection that broke is made anew by whoever asks next."""
        client = self._connected()
        try:
            yield client
        except BROKEN:
            self.close()
            raise (lost() if committing else _away()) from None
        except OSError:
            raise _folder_refused() from None

    def _connected(self) -> paramiko.SFTPClient:
        if self._client is None:
            try:
                self._client = self._opened()
            except AdapterError:
                self.close()
                raise
            except (*BROKEN, OSError):
                self.close()
                raise _away() from None
        return self._client

    def _opened(self) -> paramiko.SFTPClient:
        self._transport = transport = paramiko.Transport(self._socket())
        transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = ANSWER_S
        transport.start_client(timeout=ANSWER_S)
        self._check_host(transport.get_remote_server_key())
        self._sign_in(transport)
        channel = transport.open_session(timeout=ANSWER_S)
        channel.settimeout(ANSWER_S)
        channel.invoke_subsystem("sftp")
        return paramiko.SFTPClient(channel)

    def _socket(self) -> socket.socket:
        try:
            return http.open_socket(self._host, self._port)
        except http.Refused as error:
            raise Misconfigured(str(error), "address_refused") from error
        except http.NotSent:
            raise _away() from None

    def _check_host(self, key: paramiko.PKey) -> None:
        shown = fingerprint(key)
        if shown not in self._host_keys:
            text = (
                f"The SFTP server shows the key {shown}, which is not the one of the connection's option “host_key”. Nothing "
                "was sent. An administrator must ask the SIS's staff whether the key is theirs before she enters it."
            )
            raise Misconfigured(text, "host_key_differs")

    def _sign_in(self, transport: paramiko.Transport) -> None:
        try:
            if self._secret.lstrip().startswith("-----BEGIN"):
                transport.auth_publickey(self._user, private_key(self._secret))
            else:
                transport.auth_password(self._user, self._secret)
        except paramiko.AuthenticationException:
            text = "The SFTP server refused the user name or the secret. An administrator must ask the SIS's staff for new ones."
            raise Misconfigured(text, "sign_in_refused") from None


def _is_folder(client: paramiko.SFTPClient, path: str) -> bool:
    try:
        return stat.S_ISDIR(client.stat(path).st_mode or 0)
    except FileNotFoundError:
        return False


def fingerprint(key: paramiko.PKey) -> str:
    """As `ssh-keygen -l` writes it: SHA256:…"""
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode()
    return f"SHA256:{digest.rstrip('=')}"


def private_key(text: str) -> paramiko.PKey:
    """Raises Misconfigured when it is none, or is locked by a passphrase."""
    for kind in KEY_TYPES:
        with suppress(paramiko.SSHException, ValueError, IndexError):
            return kind.from_private_key(io.StringIO(text))
    text = "The connection's secret is no private key without passphrase (Ed25519, ECDSA or RSA). An administrator must enter one."
    raise Misconfigured(text, "private_key_unreadable")


def _away() -> TryLater:
    return TryLater("The SFTP server cannot be reached, or does not answer in time.")


def _folder_refused() -> Misconfigured:
    text = (
        "The SFTP server refused to read, write or rename in the connection's folder. An administrator must correct the "
        "folder, or ask the SIS's staff for the rights."
    )
    return Misconfigured(text, "folder_unusable")
