"""The Acme SIS, pretended: a real HTTP server that keeps what it is sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

KEY = "acme-key"
CLASSES = {"bio/1": ["p1", "p2", "p3", "p4"], "empty": []}
COLUMNS = {"bio/1": ["c1", "c2"], "empty": []}
Answer = tuple[int, Any]


@dataclass
class School:
    """`grades` by column and student. `loses_answers`: it stores, and hangs up."""

    grades: dict[tuple[str, str], str] = field(default_factory=dict)
    loses_answers: bool = False
    term_closed: bool = False
    url: str = ""

    def read(self, class_id: str, rest: list[str]) -> Answer:
        if class_id not in CLASSES:
            return 404, {}
        match rest:
            case []:
                return 200, {"id": class_id, "name": "Biology", "section": "1"}
            case ["students"]:
                return 200, [_person(one) for one in CLASSES[class_id]]
            case ["teachers"]:
                return 200, [_person("teacher")]
            case ["columns"]:
                return 200, [{"id": one, "name": f"Quiz {one}", "outOf": "100"} for one in COLUMNS[class_id]]
            case ["grades"]:
                keys = [key for key in sorted(self.grades) if key[0] in COLUMNS[class_id]]
                return 200, [self._grade(key) for key in keys]
            case ["columns", column, "grades", student]:
                return 200, self._grade((column, student))
        return 404, {}

    def _grade(self, key: tuple[str, str]) -> dict[str, str]:
        return {"column": key[0], "student": key[1], "points": self.grades[key]}

    def write(self, class_id: str, column: str, student: str, points: str | None, *, new: bool) -> Answer:
        refused = self._refused(class_id, column, student)
        if refused:
            return 409, {"code": refused, "text": "Acme says no."}
        if new and (column, student) in self.grades:
            return 412, {}
        if points is None:
            self.grades.pop((column, student), None)
        else:
            self.grades[column, student] = points
        return 204, None

    def _refused(self, class_id: str, column: str, student: str) -> str:
        if column not in COLUMNS[class_id]:
            return "NO_COLUMN"
        if self.term_closed:
            return "TERM_CLOSED"
        return "" if student in CLASSES[class_id] else "NOT_IN_CLASS"


def _person(number: str) -> dict[str, str]:
    return {"id": number, "first": "Zoë", "last": "Łukasz", "number": f"N{number}"}


@contextmanager
def serve() -> Iterator[School]:
    school = School()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            self._answer(lambda parts: self._read(parts))

        def do_PUT(self) -> None:
            points = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["points"]
            self._answer(lambda parts: self._write(parts, points))

        def do_DELETE(self) -> None:
            self._answer(lambda parts: self._write(parts, None))

        def _read(self, parts: list[str]) -> Answer:
            if parts == ["me"]:
                return 200, {"classes": len(CLASSES)}
            if parts == ["classes"]:
                return 200, [{"id": "bio/1", "name": "Biology", "section": "1"}]
            return school.read(parts[1], parts[2:])

        def _write(self, parts: list[str], points: str | None) -> Answer:
            return school.write(parts[1], parts[3], parts[5], points, new="If-None-Match" in self.headers)

        def _answer(self, step: Any) -> None:
            parts = [unquote(one) for one in urlsplit(self.path).path.strip("/").split("/")]
            good = self.headers.get("X-Acme-Key") == KEY
            status, body = step(parts) if good else (401, {})
            if school.loses_answers and self.command != "GET":
                self.close_connection = True
                return
            content = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    school.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield school
    finally:
        server.shutdown()
        server.server_close()
