"""What `sayso doctor` says of Prometheus and Alertmanager."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.doctor import Status
from bot.doctor.metrics import look
from bot.settings import Settings
from deploy.sandbox.prometheus import Metrics, Prometheus, Rule
from deploy.sandbox.serving import LoopbackServer

TOKEN = "sandbox-metrics-token"
SILENT = "http://127.0.0.1:1/"


def seen(environment: dict[str, str]) -> list[tuple[str, Status, str]]:
    return [(check.name, check.status, check.detail) for check in look(Settings.load(environment))]


def test_what_is_not_configured_is_skipped() -> None:
    assert [(name, status) for name, status, _ in seen({})] == [
        ("prometheus", Status.SKIPPED),
        ("alertmanager", Status.SKIPPED),
    ]


@pytest.mark.parametrize(
    ("rules", "token", "status", "words"),
    [
        ((Rule("Down", "up < 1"),), TOKEN, Status.OK, "1 alerting rules at "),
        ((), TOKEN, Status.WARNING, "has no alerting rules"),
        ((), "another-token", Status.BROKEN, "does not let us read it"),
    ],
)
def test_a_prometheus_is_asked_for_its_rules(rules: tuple[Rule, ...], token: str, status: Status, words: str) -> None:
    with Prometheus(Metrics(), rules, token=TOKEN) as server:
        found = seen({"SAYSO_PROMETHEUS_URL": server.url, "SAYSO_PROMETHEUS_TOKEN": token})[0]

    assert found[:2] == ("prometheus", status)
    assert words in found[2]


def test_an_alertmanager_is_asked_for_its_silences() -> None:
    routes = [Route("/api/v2/silences", lambda _: JSONResponse([]))]
    with LoopbackServer(Starlette(routes=routes)) as server:
        found = seen({"SAYSO_ALERTMANAGER_URL": server.url})[1]

    assert found[:2] == ("alertmanager", Status.OK)


def test_what_does_not_answer_is_broken() -> None:
    found = seen({"SAYSO_PROMETHEUS_URL": SILENT, "SAYSO_ALERTMANAGER_URL": SILENT})

    assert [status for _, status, _ in found] == [Status.BROKEN, Status.BROKEN]
