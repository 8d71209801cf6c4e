"""Servers that misbehave below HTTP: whatever bytes a test wants, over a real socket of this machine."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

PIECES = 400


@dataclass
class RawServer:
    """One `speak` per connection. `heard` is what came in first, per connection; `sent` counts pieces of `drip`."""

    speak: Callable[[RawServer, socket.socket], None]
    address: str = "127.0.0.1"
    heard: list[bytes] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)
    port: int = 0
    context: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.port}/"

    def drip(self, connection: socket.socket, piece: bytes, every_s: float = 0.02) -> None:
        """At most PIECES pieces, slowly, until the other side has gone."""
        while len(self.sent) < PIECES and not self.gone.wait(every_s):
            connection.sendall(piece)
            self.sent.append(1)

    def pour(self, connection: socket.socket, piece: bytes, total: int) -> None:
        """As fast as the other side takes it, up to `total` bytes."""
        for _piece in range(total // len(piece)):
            connection.sendall(piece)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), self._dressed(connection) as connection:
            self.heard.append(connection.recv(65_536))
            self.speak(self, connection)

    def _dressed(self, connection: socket.socket) -> socket.socket:
        return self.context.wrap_socket(connection, server_side=True) if self.context else connection

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _peer = listening.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()


@contextlib.contextmanager
def raw_server(
    speak: Callable[[RawServer, socket.socket], None],
    address: str = "127.0.0.1",
    port: int = 0,
    context: ssl.SSLContext | None = None,
) -> Iterator[RawServer]:
    server = RawServer(speak, address, context=context)
    with socket.create_server((address, port)) as listening:
        server.port = listening.getsockname()[1]
        threading.Thread(target=server._accept, args=(listening,), daemon=True).start()
        try:
            yield server
        finally:
            server.gone.set()
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)


def says(*pieces: bytes) -> Callable[[RawServer, socket.socket], None]:
    """Sends these and hangs up."""

    def speak(server: RawServer, connection: socket.socket) -> None:
        connection.sendall(b"".join(pieces))

    return speak
