"""Settings, read from the environment and loud on nonsense. README “Operate” lists what an administrator sets."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str = "") -> str:
    """The variable NAME, or the content of the file that NAME_FILE names, or the default."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        return Path(path).read_text().strip()
    return os.environ.get(name, default)


def env_bool(name: str, default: bool) -> bool:
    text = env(name, "1" if default else "0").strip().lower()
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off", ""}:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false.")


def env_int(name: str, default: int) -> int:
    try:
        return int(env(name, str(default)))
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number.") from None


def env_list(name: str) -> list[str]:
    return [part.strip() for part in env(name).replace(" ", ",").split(",") if part.strip()]


TESTING = "pytest" in sys.modules
DEBUG = env_bool("DEBUG", False)
HOME = Path(env("GRADESYNC_HOME") or BASE_DIR / ".gradesync").resolve()


def home_secret(name: str) -> str:
    """A secret of the embedded default: made once, kept in HOME, readable by its owner alone."""
    path = HOME / name
    if not path.exists():
        HOME.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = path.with_suffix(f".{os.getpid()}")
        made.touch(mode=0o600)
        made.write_text(base64.urlsafe_b64encode(os.urandom(48)).decode())
        try:
            os.link(made, path)  # the first of several starting processes wins
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return path.read_text().strip()


SECRET_KEY = env("SECRET_KEY") or home_secret("secret_key")


def field_keys() -> list[str]:
    """Fernet keys, newest first: FIELD_KEYS, else one derived from the embedded default's own secret."""
    given = env_list("FIELD_KEYS")
    if given:
        return given
    seed = home_secret("field_key") if not env("SECRET_KEY") else "field:" + SECRET_KEY
    return [base64.urlsafe_b64encode(hashlib.sha256(seed.encode()).digest()).decode()]


FIELD_KEYS = field_keys()

PUBLIC_URL = env("PUBLIC_URL", "https://localhost:8000").rstrip("/")
if urlsplit(PUBLIC_URL).scheme not in {"http", "https"} or not urlsplit(PUBLIC_URL).hostname:
    raise ImproperlyConfigured(
        "PUBLIC_URL must be the tool's own origin, such as https://grades.example.edu."
    )
SECURE = urlsplit(PUBLIC_URL).scheme == "https"

ALLOWED_HOSTS = env_list("ALLOWED_HOSTS") or [str(urlsplit(PUBLIC_URL).hostname)]


def outbound_allow() -> frozenset[str]:
    """Hosts and networks that may be reached although they are private, or by plain http."""
    entries = env_list("OUTBOUND_ALLOW")
    for entry in entries:
        if "/" in entry:
            try:
                ipaddress.ip_network(entry, strict=False)
            except ValueError:
                raise ImproperlyConfigured(f"OUTBOUND_ALLOW: {entry} is not a network.") from None
    return frozenset(entry.lower() for entry in entries)


OUTBOUND_ALLOW = outbound_allow()


def outbound_folders() -> tuple[str, ...]:
    """Folders of this machine into which a SIS connection may put files, or folders of its own beneath them."""
    entries = tuple(env_list("OUTBOUND_FOLDERS"))
    for entry in entries:
        if not Path(entry).is_absolute() or Path(entry) == Path("/"):
            raise ImproperlyConfigured(f"OUTBOUND_FOLDERS: {entry} is no full path of a folder.")
    return entries


OUTBOUND_FOLDERS = outbound_folders()
HTTP_DEADLINE_S = env_int("HTTP_DEADLINE_S", 30)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_htmx",
    "lti_tool",
    "sync",
    "gradesync_site",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # outside those below: it takes X-Frame-Options off where frame-ancestors says more, and makes their cookies fit a frame
    "lti_tool.middleware.LtiMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "gradesync_site.urls"
WSGI_APPLICATION = "gradesync_site.wsgi.application"
ASGI_APPLICATION = "gradesync_site.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["sync.templatetags.sync_words"],
        },
    }
]


def database() -> dict[str, Any]:
    url = env("DATABASE_URL") or f"sqlite:///{HOME / 'gradesync.sqlite3'}"
    config: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=60))
    if "sqlite" in str(config["ENGINE"]):
        HOME.mkdir(parents=True, exist_ok=True, mode=0o700)
        config["OPTIONS"] = {
            "timeout": 30,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        }
        config["TEST"] = {"NAME": str(HOME / f"test-{os.getpid()}.sqlite3")} if not TESTING else {}
    return config


DATABASES = {"default": database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def cache() -> dict[str, Any]:
    url = env("CACHE_URL")
    if not url:
        return {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "gradesync_cache"}
    if url.startswith(("redis://", "rediss://")):
        return {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url}
    if url.startswith("locmem://"):
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    raise ImproperlyConfigured("CACHE_URL must be redis://, rediss:// or locmem://.")


CACHES = {"default": cache()}


def email() -> dict[str, Any]:
    """EMAIL_URL: smtp://user:password@host:port, smtps:// or submission:// (STARTTLS); empty: mails are printed."""
    url = env("EMAIL_URL")
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps", "submission"}:
        raise ImproperlyConfigured("EMAIL_URL must be smtp://, smtps:// or submission://.")
    return {
        "EMAIL_HOST": parts.hostname or "localhost",
        "EMAIL_PORT": parts.port or {"smtp": 25, "smtps": 465, "submission": 587}[parts.scheme],
        "EMAIL_HOST_USER": parts.username or "",
        "EMAIL_HOST_PASSWORD": parts.password or "",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "submission",
        "EMAIL_TIMEOUT": 30,
    }


globals().update(email())
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", f"gradesync@{urlsplit(PUBLIC_URL).hostname}")

# Celery: no server needed by default (kombu's filesystem transport); a lost message costs time, not grades.
CELERY_BROKER_URL = env("CELERY_BROKER_URL", "filesystem://")
if CELERY_BROKER_URL.startswith("filesystem"):
    _broker = HOME / "broker"
    for _folder in ("queue", "processed", "control"):
        (_broker / _folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_broker / "queue"),
        "data_folder_out": str(_broker / "queue"),
        "processed_folder": str(_broker / "processed"),
        "control_folder": str(_broker / "control"),
        "store_processed": False,
    }
    CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600} if "redis" in CELERY_BROKER_URL else {}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 5
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
DOORBELL_S = env_int("DOORBELL_S", 15)
# hourly, not daily: a beat that is started anew each day would never come to a daily step
CELERY_BEAT_SCHEDULE = {
    "due-runs": {"task": "sync.tasks.ring_due_runs", "schedule": DOORBELL_S},
    "schedules": {"task": "sync.tasks.ring_schedules", "schedule": 60},
    "mails": {"task": "sync.tasks.send_mails", "schedule": 60},
    "kept-reads": {"task": "sync.tasks.forget_kept_reads", "schedule": 3600},
    "grants": {"task": "sync.tasks.sweep_grants", "schedule": 3600},
    "signing-keys": {"task": "lti_tool.tasks.rotate_keys", "schedule": 3600},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(HOME / "beat-schedule")

# The engine's own times, in seconds (design §4). LEASE_S must be longer than HTTP_DEADLINE_S.
LEASE_S = env_int("LEASE_S", 90)
RETRY_S = env_int("RETRY_S", 60)
if LEASE_S <= HTTP_DEADLINE_S:
    raise ImproperlyConfigured(
        "LEASE_S must be longer than HTTP_DEADLINE_S, or two workers could send at once."
    )

# where an LMS lists no members: how long after a teacher's last launch her schedule still goes on
SCHEDULE_LAUNCH_DAYS = env_int("SCHEDULE_LAUNCH_DAYS", 60)

# an LMS that tells its changes is read on from its former read, and whole at least so often; 0: whole each time
WHOLE_READ_S = env_int("WHOLE_READ_S", 24 * 3600)

LTI_LAUNCH_REDIRECT = "sync:course"
LTI_SESSION_IDLE_S = env_int("LTI_SESSION_IDLE_S", 3600)
LTI_SESSION_MAX_S = env_int("LTI_SESSION_MAX_S", 12 * 3600)
# how long a signing key signs before the next one takes over; 0: only by hand
LTI_KEY_DAYS = env_int("LTI_KEY_DAYS", 90)
if LTI_KEY_DAYS < 0:
    raise ImproperlyConfigured("LTI_KEY_DAYS must be a number of days, or 0 to rotate keys by hand only.")

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español"), ("fr", "Français")]
# one catalogue for all rooms and templates; `python -m tests.languages` brings it up to date
LOCALE_PATHS = [BASE_DIR / "gradesync_site" / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = Path(env("STATIC_ROOT") or HOME / "static")
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env_bool("BEHIND_PROXY", False) else None
SECURE_SSL_REDIRECT = SECURE and env_bool("SSL_REDIRECT", SECURE) and not TESTING
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = env_int("HSTS_SECONDS", 31_536_000) if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env_bool("HSTS_INCLUDE_SUBDOMAINS", SECURE)
SECURE_HSTS_PRELOAD = env_bool("HSTS_PRELOAD", SECURE)
SECURE_REFERRER_POLICY = "same-origin"
# a window that we open ourselves, to connect to an LMS, can tell us when it is done; nobody else's can
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin-allow-popups"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_NAME = "gradesync_admin"
# pages in the LMS frame are allowed by frame-ancestors (lti_tool.middleware); all others are not framed at all
X_FRAME_OPTIONS = "DENY"
MESSAGE_STORAGE = "lti_tool.notices.Storage"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_FAILURE_VIEW = "gradesync_site.health.csrf_failure"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.BasicAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "COERCE_DECIMAL_TO_STRING": True,
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# a teacher may tick every grade of a very large course: 64 characters each
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200_000
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "filters": {"without_tokens": {"()": "lti_tool.logs.WithoutTokens"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", "INFO")},
    # these log URLs or bodies below WARNING; ours never do
    "loggers": {name: {"level": "WARNING"} for name in ("urllib3", "requests", "pylti1p3", "kombu", "amqp")}
    | {name: {"filters": ["without_tokens"]} for name in ("django.request", "django.security.csrf")},
}
