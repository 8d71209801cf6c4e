"""Folders and SFTP servers as they are: keys that differ, disks that are full, connections that break off."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import paramiko
import pytest

from gradesync_site.sandbox.sis.sftp import HOST_KEY, PASSWORD, USER, SftpSandbox
from sync.errors import AdapterError, Misconfigured, TryLater, Unreachable
from sync.sis.oneroster_csv import OneRosterCsv, places
from sync.sis.oneroster_csv.places import Folder
from sync.sis.oneroster_csv.sftp import Sftp, fingerprint, private_key
from tests.sis.oneroster_csv.conftest import CLASS, by_folder, by_sftp, change, files_of, score, states

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
OTHER_KEY = f"SHA256:{'A' * 43}"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def dropped(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("gradesync*.zip"))


def refused(of: OneRosterCsv, word: str, kind: type[AdapterError] = Misconfigured) -> str:
    with pytest.raises(kind, match=word) as error:
        states(of, change("s01", score("1")))
    of.close()
    for personal in ("Łukasz", PASSWORD, "s01"):
        assert personal not in repr(error.value) + repr(error.value.__cause__)
    return str(error.value)


# --- SFTP ---


def test_a_zip_lies_at_the_server_whole_and_nothing_else_is_left(server: SftpSandbox) -> None:
    of = by_sftp(server)
    assert states(of, change("s01", score("1"))) == [("delivered", "")]
    (name,) = dropped(server.root)
    assert (server.root / name).read_bytes() == of.documents[0].content
    assert names(server.root) == {name, "rosters.zip", "gradesync-1.state"}
    verbs = [verb for verb, _ in server.journal]
    assert verbs.index("open") < verbs.index("posix-rename"), "written under another name, then renamed"
    assert name not in [path for verb, path in server.journal if verb == "open"]
    of.close()


@pytest.mark.parametrize("options", [{}, {"mode": "bulk"}])
def test_a_server_that_cannot_rename_over_a_file_gets_it_all_the_same(
    server: SftpSandbox, options: dict[str, str]
) -> None:
    server.faults.add("no-extension")
    of = by_sftp(server, **options)
    states(of, change("s01", score("1")))
    states(of, change("s02", score("2")))
    assert len(of.results(CLASS)) == 2
    assert not [name for name in names(server.root) if name.endswith((".old", ".part", ".lock"))]
    of.close()


def test_the_state_moved_aside_is_found_when_the_worker_died_meanwhile(server: SftpSandbox) -> None:
    of = by_sftp(server)
    states(of, change("s01", score("1")))
    (server.root / "gradesync-1.state").rename(server.root / "gradesync-1.state.old")
    assert len(of.results(CLASS)) == 1
    of.close()


def test_nothing_is_said_to_a_server_with_another_key(server: SftpSandbox) -> None:
    text = refused(by_sftp(server, host_key=OTHER_KEY), "not the one")
    assert fingerprint(HOST_KEY) in text and server.journal == []
    assert states(
        by_sftp(server, host_key=f"{OTHER_KEY}, {fingerprint(HOST_KEY)}="), change("s01", score("1"))
    )


def test_a_wrong_password_is_said_to_an_administrator(server: SftpSandbox) -> None:
    refused(by_sftp(server, secret="wrong"), "refused the user name")


def test_a_private_key_signs_in(server: SftpSandbox) -> None:
    key = paramiko.ECDSAKey.generate()
    server.keys.append(key)
    text = StringIO()
    key.write_private_key(text)
    of = by_sftp(server, secret=text.getvalue())
    assert states(of, change("s01", score("1"))) == [("delivered", "")]
    of.close()
    server.keys.clear()
    refused(by_sftp(server, secret=text.getvalue()), "refused the user name")


def test_a_key_that_is_none_is_said_so() -> None:
    with pytest.raises(Misconfigured, match="no private key"):
        private_key("-----BEGIN OPENSSH PRIVATE KEY-----\nx\n")


def test_a_private_address_is_refused_unless_it_is_allowed(server: SftpSandbox, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = frozenset()
    refused(by_sftp(server), "private or special")
    assert server.journal == []


def test_a_server_that_is_away_is_tried_later(server: SftpSandbox) -> None:
    # a port of the discard service: nobody listens there
    refused(by_sftp(server, sftp="127.0.0.1:9"), "cannot be reached", TryLater)


def test_a_server_that_is_none_is_tried_later(live_socket: int, server: SftpSandbox) -> None:
    refused(by_sftp(server, sftp=f"127.0.0.1:{live_socket}"), "cannot be reached", TryLater)


@pytest.fixture
def live_socket() -> Any:
    """Somebody who takes a connection and hangs up."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def once() -> None:
            connection, _ = listening.accept()
            connection.close()

        thread = threading.Thread(target=once, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(5)


def test_a_broken_connection_is_made_anew(server: SftpSandbox) -> None:
    of = by_sftp(server)
    server.faults.add("hangs-up")
    with pytest.raises(TryLater):
        of.students(CLASS)
    server.faults.clear()
    assert len(of.students(CLASS)) == 7
    of.close()


def test_an_answer_lost_after_the_rename_is_unknown_and_a_repeat_doubles_nothing(server: SftpSandbox) -> None:
    of = by_sftp(server)
    server.faults.add("gone-after-rename")
    assert states(of, change("s01", score("1"))) == [("unknown", "")]
    assert of.documents == []
    server.faults.clear()
    assert states(of, change("s01", score("1"))) == [("delivered", "")]
    rows = [
        row for name in dropped(server.root) for row in files_of((server.root / name).read_bytes())["results"]
    ]
    assert len(rows) == 2 and len({row["sourcedId"] for row in rows}) == 1
    of.close()


def test_an_answer_that_does_not_come_in_time_is_unknown(server: SftpSandbox) -> None:
    server.faults.add("slow-rename")
    place = place_of("sftp", server)
    with place.lock("x.lock"):
        place._client.get_channel().settimeout(0.2)  # type: ignore[attr-defined]
        with pytest.raises(Unreachable):
            place.drop("x.zip", b"x")
    place.close()


@pytest.mark.parametrize("fault", ["full", "short"])
def test_a_server_that_keeps_no_whole_file_has_none_under_its_name(server: SftpSandbox, fault: str) -> None:
    server.faults.add(fault)
    refused(by_sftp(server), "whole file", TryLater)
    assert names(server.root) == {"rosters.zip"}


def test_a_folder_that_is_not_there_is_said_to_an_administrator(server: SftpSandbox) -> None:
    of = by_sftp(server, sftp=f"sftp://{server.address}/no/such", roster="")
    assert [one.ok for one in of.check()] == [True, False]
    refused(of, "refused to read, write")


def test_a_folder_at_the_server_is_found(server: SftpSandbox) -> None:
    (server.root / "in").mkdir()
    of = by_sftp(server, sftp=f"{server.address}/in/", roster="")
    # without a roster and columns of its own there is nothing to send to
    assert states(of, change("s01", score("1"))) == [("rejected", "line_item_missing")]
    assert [one.ok for one in of.check()] == [True, True]
    assert names(server.root / "in") == set()
    of.close()


def test_a_folder_that_may_not_be_written_is_said_so(
    server: SftpSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "mkdir", _refusing(errno.EACCES))
    refused(by_sftp(server), "refused to read, write")


def test_a_file_larger_than_any_gradebook_is_not_read(
    server: SftpSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.sis.oneroster_csv.sftp.MOST_BYTES", 10)
    refused(by_sftp(server), "larger")


# --- two at a time ---


def place_of(kind: str, server: SftpSandbox) -> places.Place:
    if kind == "folder":
        return Folder(str(server.root))
    host, port = server.address.split(":")
    return Sftp(host, int(port), "", USER, PASSWORD, frozenset({fingerprint(HOST_KEY)}))


@pytest.fixture(params=["folder", "sftp"])
def place(request: pytest.FixtureRequest, server: SftpSandbox) -> Any:
    made = place_of(request.param, server)
    made.patience_s = 0.0
    yield made
    made.close()


def test_while_one_writes_the_other_waits_and_is_tried_later(
    place: places.Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "PAUSE_S", 0.01)
    with place.lock("x.lock"):
        place.patience_s = 0.05
        with pytest.raises(TryLater, match="Another run"), place.lock("x.lock"):
            pass
    with place.lock("x.lock"):
        pass


def test_the_lock_of_a_process_that_died_is_taken_over(place: places.Place, server: SftpSandbox) -> None:
    lock = server.root / "x.lock"
    lock.mkdir()
    os.utime(lock, (0, 0))
    with place.lock("x.lock"):
        assert lock.exists()
    assert not lock.exists()


def test_a_lock_that_went_meanwhile_is_no_trouble(place: places.Place, server: SftpSandbox) -> None:
    assert place._age("x.lock") == 0
    with place.lock("x.lock"):
        (server.root / "x.lock").rmdir()


# --- a folder ---


def test_a_folder_is_used_only_where_the_operator_says_so(folder: Path, settings: Any) -> None:
    (folder / "link").symlink_to("/")
    for path in (str(folder.parent.parent), str(folder / "link"), f"{folder}/../..", "sis", "\x00"):
        with pytest.raises(Misconfigured, match="OUTBOUND_FOLDERS"):
            Folder(path)
    settings.OUTBOUND_FOLDERS = ()
    with pytest.raises(Misconfigured, match="OUTBOUND_FOLDERS"):
        by_folder(folder)


def _refusing(code: int) -> Callable[..., None]:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(code, os.strerror(code), "a/name/of/a/file")

    return refuse


@pytest.mark.parametrize(("code", "kind"), [(errno.ENOSPC, TryLater), (errno.EACCES, Misconfigured)])
def test_what_the_disk_refuses_is_not_sent_and_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[AdapterError]
) -> None:
    monkeypatch.setattr(os, "fsync", _refusing(code))
    refused(by_folder(folder), "folder", kind)
    assert names(folder) == {"rosters.zip"}


def test_a_zip_whose_grades_could_not_be_noted_is_unknown(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of, drop = by_folder(folder), Folder.drop

    def full(self: Folder, name: str, content: bytes) -> None:
        if name.endswith(".state"):
            monkeypatch.setattr(os, "fsync", _refusing(errno.ENOSPC))
        drop(self, name, content)

    monkeypatch.setattr(Folder, "drop", full)
    assert states(of, change("s01", score("1"))) == [("unknown", "")]
    assert len(dropped(folder)) == 1


def test_a_large_file_in_the_folder_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "MOST_BYTES", 10)
    refused(by_folder(folder), "larger")


def test_a_lost_connection_in_a_commit_is_no_retry() -> None:
    assert isinstance(places.lost(), Unreachable)
