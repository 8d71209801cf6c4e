"""Visitors who launch: each asks the tool to begin a login, has the platform sign, and posts the launch. Nothing else.

They speak HTTP as lean as Python can: what they take of the processor, the servers measured beside them lack.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TEACHERS, COURSES = 200, 60


@dataclass
class Signer:
    """The platform, as far as a launch needs it: `template` is one honest token's claims, `kid` names the key."""

    key: rsa.RSAPrivateKey
    kid: str
    template: dict[str, Any]
    number: int = 0
    # makes persons and courses of their own
    mark: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def token(self, nonce: str) -> str:
        """As for the next of many teachers in the next of many courses."""
        with self.lock:
            self.number += 1
        now, number = int(time.time()), self.number
        context = {"id": f"course-{number % COURSES}{self.mark}", "label": "ALG1", "title": "Algebra 1"}
        own = {"sub": f"teacher-{number % TEACHERS}{self.mark}", "nonce": nonce, "iat": now, "exp": now + 300}
        claims = self.template | own | {"https://purl.imsglobal.org/spec/lti/claim/context": context}
        signed = b".".join([_part({"alg": "RS256", "typ": "JWT", "kid": self.kid}), _part(claims)])
        signature = self.key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return b".".join([signed, _b64(signature)]).decode()


def _part(data: object) -> bytes:
    return _b64(json.dumps(data, separators=(",", ":")).encode())


def _b64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


class Visitor:
    """One kept connection; every launch comes from a new browser, without cookies."""

    def __init__(self, port: int, signer: Signer, login: dict[str, str]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._signer, self._login = signer, urlencode(login).encode()

    def launch(self) -> None:
        location, cookie = self._post("/lti/login/", self._login, "")
        asked = parse_qs(urlsplit(location).query)
        fields = {"state": asked["state"][0], "id_token": self._signer.token(asked["nonce"][0])}
        arrived, _cookie = self._post("/lti/launch/", urlencode(fields).encode(), cookie)
        assert "/courses/" in arrived, arrived

    def _post(self, path: str, body: bytes, cookie: str) -> tuple[str, str]:
        headers = FORM | ({"Cookie": cookie} if cookie else {})
        self._connection.request("POST", path, body, headers)
        answer = self._connection.getresponse()
        page = answer.read()
        assert answer.status == 302, f"{path} answered {answer.status}: {page[-400:]!r}"
        cookies = [each.partition(";")[0] for each in answer.headers.get_all("Set-Cookie") or []]
        return answer.headers["Location"], "; ".join(cookies)


def at_saturation(make: Callable[[], Visitor], visitors: int, seconds: float) -> float:
    """Launches per second when each visitor begins the next as soon as the last is through."""
    until = time.perf_counter() + seconds
    counts: list[int] = []

    def work() -> None:
        visitor, done = make(), 0
        while time.perf_counter() < until:
            visitor.launch()
            done += 1
        counts.append(done)

    started = time.perf_counter()
    _together(work, visitors)
    assert len(counts) == visitors, "a visitor was refused; the reason stands above"
    return sum(counts) / (time.perf_counter() - started)


def at_rate(make: Callable[[], Visitor], rate: float, seconds: float, visitors: int = 16) -> list[float]:
    """Seconds of each launch when they come at a steady rate, however slow the answers are; waiting in line counts."""
    started = time.perf_counter() + 0.1
    due = iter([started + number / rate for number in range(int(rate * seconds))])
    lock, took = threading.Lock(), list[float]()

    def work() -> None:
        visitor = make()
        while True:
            with lock:
                at = next(due, None)
            if at is None:
                return
            time.sleep(max(0.0, at - time.perf_counter()))
            visitor.launch()
            took.append(time.perf_counter() - at)

    _together(work, visitors)
    assert len(took) == int(rate * seconds), "a visitor was refused; the reason stands above"
    return sorted(took)


def _together(work: Callable[[], None], number: int) -> None:
    threads = [threading.Thread(target=work) for _number in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
