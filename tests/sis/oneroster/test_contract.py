"""The shipped contract in each version, by each way of signing, and by each preset against a server of that product."""

from __future__ import annotations

from sync.sis.contract import SisContract
from tests.sis.oneroster.worlds import VENDOR, World


class TestVersion11(World, SisContract):
    dialect = "oneroster11"
    options = {"version": "1.1"}


class TestVersion11Signed(World, SisContract):
    """OAuth 1.0a: the server takes nothing else."""

    dialect = "oneroster11"
    options = {"version": "1.1", "auth": "oauth1", "oauth1_method": "HMAC-SHA256"}
    extra = {"auth": "oauth1"}


class TestVersion12Signed(World, SisContract):
    options = {"auth": "oauth1", "create": "put"}
    extra = {"auth": "oauth1"}


class TestEverySwitch(World, SisContract):
    """Whatever no preset turns, at a SIS that takes what the market sends."""

    lenient = True
    options = {
        "refs": "sourcedId",
        "flags": "status",
        "letters": "metadata",
        "letters_key": "letter",
        "exempt_score": "zero",
        "token_auth": "body",
        "line_items": "post",
        "categories": "class",
        "session_ref": "gradingPeriod",
    }


class TestStrict(World, SisContract):
    """1.2 to the letter, new results by POST."""

    options = {"preset": "strict"}


class TestByPut(World, SisContract):
    options = {"create": "put", "withdraw": "delete", "batch": "3"}


class TestLenient(World, SisContract):
    """A SIS that says less than it should: sparse references, no total, no words."""

    lenient = True
    faults = ("sparse-refs", "no-total-count", "pairs-as-object", "error-shape-3")
    options = {"score_date": "datetime"}


class TestInfiniteCampus(World, SisContract):
    dialect = "infinite_campus"
    options = {"preset": "infinite_campus", "header.x-vendor-authorization": VENDOR}


class TestVeracross(World, SisContract):
    dialect = "veracross"
    options = {"preset": "veracross"}


class TestBlackbaud(World, SisContract):
    dialect = "blackbaud"
    options = {"preset": "blackbaud"}


class TestSkyward(World, SisContract):
    dialect = "skyward"
    options = {"preset": "skyward", "category": "Homework"}


class TestAspen(World, SisContract):
    dialect = "aspen"
    options = {"preset": "aspen", "category": "Homework"}


class TestSynergy(World, SisContract):
    dialect = "synergy"
    options = {"preset": "synergy"}


class TestAeries(World, SisContract):
    dialect = "aeries"
    options = {"preset": "aeries"}


class TestGoogle(World, SisContract):
    dialect = "google"
    options = {"preset": "google"}
