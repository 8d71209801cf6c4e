"""Settings are read at process start: each test starts a process of its own and sees what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parents[2]
SHOW = """
import json, sys
from django.conf import settings
names = sys.argv[1:]
print(json.dumps({name: getattr(settings, name) for name in names}, default=str))
"""


def start(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "VIRTUAL_ENV"}}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=kept
        | {"GRADESYNC_HOME": str(home), "DJANGO_SETTINGS_MODULE": "gradesync_site.settings"}
        | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def show(home: Path, *names: str, **environment: str) -> dict[str, object]:
    process = start(home, "-c", SHOW, *names, **environment)
    assert process.returncode == 0, process.stderr
    shown: dict[str, object] = json.loads(process.stdout)
    return shown


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("DEBUG", "perhaps", "DEBUG must be true or false"),
        ("PUBLIC_URL", "grades.example.edu", "PUBLIC_URL must be"),
        ("PUBLIC_URL", "ftp://grades.example.edu", "PUBLIC_URL must be"),
        ("OUTBOUND_ALLOW", "10.0.0.0/99", "OUTBOUND_ALLOW"),
        ("OUTBOUND_FOLDERS", "drops", "OUTBOUND_FOLDERS"),
        ("OUTBOUND_FOLDERS", "/", "OUTBOUND_FOLDERS"),
        ("HTTP_DEADLINE_S", "soon", "HTTP_DEADLINE_S must be a whole number"),
        ("LEASE_S", "30", "LEASE_S must be longer"),
        ("DOORBELL_S", "1.5", "DOORBELL_S must be a whole number"),
        ("CACHE_URL", "memcached://127.0.0.1", "CACHE_URL must be"),
        ("EMAIL_URL", "pigeon://roof", "EMAIL_URL must be"),
        ("HSTS_SECONDS", "long", "HSTS_SECONDS must be a whole number"),
        ("BEHIND_PROXY", "2", "BEHIND_PROXY must be true or false"),
    ],
)
def test_nonsense_is_refused_at_start_and_named(tmp_path: Path, name: str, value: str, told: str) -> None:
    process = start(tmp_path, "-c", SHOW, "DEBUG", **{name: value})
    assert process.returncode != 0
    assert told in process.stderr


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("from-a-file\n")
    assert show(tmp_path, "SECRET_KEY", SECRET_KEY_FILE=str(secret)) == {"SECRET_KEY": "from-a-file"}


def test_the_embedded_default_makes_its_own_secrets_once_and_keeps_them_private(tmp_path: Path) -> None:
    first = show(tmp_path, "SECRET_KEY", "FIELD_KEYS")
    assert show(tmp_path, "SECRET_KEY", "FIELD_KEYS") == first
    assert len(str(first["SECRET_KEY"])) >= 50
    for name in ("secret_key", "field_key"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_field_keys_are_kept_in_the_order_given(tmp_path: Path) -> None:
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    assert show(tmp_path, "FIELD_KEYS", FIELD_KEYS=",".join(keys)) == {"FIELD_KEYS": keys}


def test_nothing_private_may_be_reached_by_default(tmp_path: Path) -> None:
    shown = show(tmp_path, "OUTBOUND_ALLOW", "OUTBOUND_FOLDERS", DEBUG="1")
    assert shown == {"OUTBOUND_ALLOW": "frozenset()", "OUTBOUND_FOLDERS": []}


def test_postgresql_redis_and_mail_by_environment_alone(tmp_path: Path) -> None:
    shown = show(
        tmp_path,
        "DATABASES",
        "CELERY_BROKER_URL",
        "CACHES",
        "EMAIL_HOST",
        "EMAIL_USE_TLS",
        DATABASE_URL="postgres://someone@db.example.edu:5433/grades",
        CELERY_BROKER_URL="redis://broker.example.edu:6379/0",
        CACHE_URL="redis://cache.example.edu:6379/1",
        EMAIL_URL="submission://mail.example.edu",
    )
    database = shown["DATABASES"]["default"]  # type: ignore[index]
    assert (database["ENGINE"], database["HOST"], database["PORT"]) == (
        "django.db.backends.postgresql",
        "db.example.edu",
        5433,
    )
    assert shown["CELERY_BROKER_URL"] == "redis://broker.example.edu:6379/0"
    assert shown["CACHES"]["default"]["LOCATION"] == "redis://cache.example.edu:6379/1"  # type: ignore[index]
    assert (shown["EMAIL_HOST"], shown["EMAIL_USE_TLS"]) == ("mail.example.edu", True)
    assert not list(tmp_path.glob("*.sqlite3"))


def test_a_real_installation_passes_the_deployment_check(tmp_path: Path) -> None:
    process = start(
        tmp_path,
        "manage.py",
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
        PUBLIC_URL="https://grades.example.edu",
        SECRET_KEY="x7" * 40 + "Kq9-",
    )
    assert process.returncode == 0, process.stderr


def test_a_registered_secret_reference_is_read_where_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lti_tool.fields import resolve_secret

    (tmp_path / "secret").write_text("of-the-file\n")
    monkeypatch.setenv("SIS_SECRET", "of-the-environment")
    assert resolve_secret("env:SIS_SECRET") == "of-the-environment"
    assert resolve_secret(f"file:{tmp_path / 'secret'}") == "of-the-file"
    assert resolve_secret("itself") == "itself"
