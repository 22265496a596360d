"""What metrics add to a conclusion: a chart, targets that are down, silences; and nothing where they cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.investigation.measuring import measured
from bot.investigation.rules import NOTHING_KNOWN, Conclusion
from deploy.sandbox.prometheus import Metrics, Prometheus, Rule
from deploy.sandbox.prometheus.server import Target
from deploy.sandbox.serving import LoopbackServer
from storage.tables import Alert
from tools.clients import Readers
from tools.clients.prometheus import AlertmanagerReader, PrometheusReader
from tools.evidence import Finding, Proposal, Severity
from tools.resources import kubernetes

AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
ONSET = AT - timedelta(minutes=20)
LABELS = {"alertname": "HighErrorRate", "service": "checkout", "job": "demo"}
NOTHING = Conclusion(
    proposal=Proposal(hypothesis=NOTHING_KNOWN, confidence=1), gaps=("It names nothing.",), advice=NOTHING_KNOWN
)
FINDING = Finding(
    code="k8s.bad_env",
    title="t",
    statement="s",
    severity=Severity.SEV2,
    confidence=9,
    resource=kubernetes("shop", "Deployment", "checkout"),
    evidence_ids=(),
)
KNOWN = Conclusion(proposal=Proposal(hypothesis="s", findings=(FINDING,), confidence=9))


def alert(name: str = "HighErrorRate", status: str = "firing", **labels: str) -> Alert:
    return Alert(
        fingerprint="f",
        source="alertmanager",
        name=name,
        severity="sev2",
        status=status,
        labels=LABELS | {"alertname": name} | labels,
        annotations={},
        starts_at=ONSET,
        received_at=ONSET,
        last_seen_at=ONSET,
    )


@pytest.fixture(scope="module")
def readers() -> Iterator[Readers]:
    metrics = Metrics()
    labels = {"service": "checkout", "job": "demo"}
    metrics.record("demo_error_ratio", labels, AT.timestamp() - 7200, 0.004)
    metrics.record("demo_error_ratio", labels, ONSET.timestamp(), 0.08)
    down = Target({"job": "demo", "instance": "checkout:8080"}, error="refused")
    rules = (Rule("HighErrorRate", "demo_error_ratio > 0.05"),)
    with Prometheus(metrics, rules, (down,), clock=AT.timestamp) as server:
        yield Readers(kubernetes=None, aws=None, prometheus=PrometheusReader(server.url))


def test_where_no_cause_is_known_people_learn_what_the_metric_did(readers: Readers) -> None:
    found = measured(NOTHING, [alert()], AT, readers)

    assert found.proposal == NOTHING.proposal
    assert found.advice == (
        "HighErrorRate checkout: demo_error_ratio 0.4 % → 8 % since 09:40 UTC, threshold > 5 %. "
        "1 of 1 scrape targets beside it are down: checkout:8080. No rule knows the cause: a person has to look."
    )
    assert [one.tool for one in found.evidence] == ["prom_query_range", "prom_targets"]
    assert found.chart is not None
    assert found.chart.onset == ONSET
    assert found.gaps == NOTHING.gaps


def test_a_known_cause_keeps_its_words_and_gains_a_chart(readers: Readers) -> None:
    found = measured(KNOWN, [alert()], AT, readers)

    assert (found.proposal, found.advice) == (KNOWN.proposal, KNOWN.advice)
    assert found.chart is not None
    assert found.remarks == ("1 of 1 scrape targets beside it are down: checkout:8080.",)


def test_ten_alerts_of_one_rule_make_one_chart(readers: Readers) -> None:
    found = measured(KNOWN, [alert(instance=f"checkout-{n}") for n in range(10)], AT, readers)

    assert [one.tool for one in found.evidence].count("prom_query_range") == 1


@pytest.mark.parametrize("alerts", [[], [Alert(**alert().model_dump() | {"labels": {"AlarmName": "x"}})]])
def test_alerts_of_another_kind_ask_prometheus_nothing(readers: Readers, alerts: list[Alert]) -> None:
    assert measured(KNOWN, alerts, AT, readers) == KNOWN


def test_metrics_that_cannot_be_read_are_a_gap_and_nothing_else() -> None:
    silent = Readers(kubernetes=None, aws=None, prometheus=PrometheusReader("http://127.0.0.1:1/"))

    found = measured(KNOWN, [alert()], AT, silent)

    assert found.proposal == KNOWN.proposal
    assert [gap.split(" could not")[0] for gap in found.gaps] == ["The alert's own metrics", "Scrape targets"]


def test_a_silenced_alert_is_told_to_be() -> None:
    def alerts(_: Request) -> Response:
        status = {"state": "suppressed", "silencedBy": ["s-1"]}
        return JSONResponse([{"labels": LABELS, "status": status, "startsAt": "2026-11-21T09:40:00Z"}])

    def silences(_: Request) -> Response:
        quiet = {"id": "s-1", "createdBy": "bob", "status": {"state": "active"}, "comment": ""}
        quiet |= {"startsAt": "2026-11-21T09:40:00Z", "endsAt": "2026-11-21T14:00:00Z"}
        return JSONResponse([quiet | {"matchers": [{"name": "service", "value": "checkout"}]}])

    app = Starlette(routes=[Route("/api/v2/alerts", alerts), Route("/api/v2/silences", silences)])
    with LoopbackServer(app) as server:
        readers = Readers(kubernetes=None, aws=None, alertmanager=AlertmanagerReader(server.url))

        found = measured(KNOWN, [alert()], AT, readers)

    assert found.remarks == ('HighErrorRate is silenced by bob until 21 Nov 14:00 UTC (service="checkout")',)
