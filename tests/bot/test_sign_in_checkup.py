"""What doctor says of fresh sign-ins: asked of the rules, the settings and the issuer itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.doctor import Status
from bot.doctor.rules import sign_ins as look
from bot.settings import Settings
from deploy.sandbox.identity import Identity
from policies.loading import SHIPPED


@pytest.fixture
def strict(tmp_path: Path) -> str:
    """Rules of which some want a fresh sign-in."""
    rules = tmp_path / "rules.yaml"
    asked = "not_requester: false, expires: 15m"
    rules.write_text(SHIPPED.read_text().replace(asked, f"step_up: true, {asked}"))
    return str(rules)


def test_where_nothing_wants_a_sign_in_nothing_is_said() -> None:
    assert list(look(Settings.load({}))) == []


def test_rules_that_want_what_nobody_can_give_are_told_of(strict: str) -> None:
    (check,) = look(Settings.load({"SAYSO_RULES": strict, "SAYSO_PUBLIC_URL": "https://sayso.example.com"}))

    assert check.status is Status.MISSING
    assert "staging-fix" in check.detail
    assert check.fix == "set SAYSO_OIDC_ISSUER, SAYSO_OIDC_CLIENT_ID, SAYSO_OIDC_CLIENT_SECRET"


def test_an_issuer_that_answers_is_told_of(strict: str) -> None:
    with Identity() as issuer:
        environment = {"SAYSO_RULES": strict, "SAYSO_PUBLIC_URL": "https://sayso.example.com", **issuer.environment()}

        (check,) = look(Settings.load(environment))

    assert check.status is Status.OK
    assert "https://sayso.example.com/sign-in/" in check.detail


def test_an_issuer_that_does_not_answer_is_broken(strict: str) -> None:
    environment = {
        "SAYSO_RULES": strict,
        "SAYSO_PUBLIC_URL": "https://sayso.example.com",
        "SAYSO_OIDC_ISSUER": "http://127.0.0.1:1",
        "SAYSO_OIDC_CLIENT_ID": "client",
        "SAYSO_OIDC_CLIENT_SECRET": "not-a-secret",
    }

    (check,) = look(Settings.load(environment))

    assert (check.status, check.fix) == (Status.BROKEN, "check SAYSO_OIDC_ISSUER")
