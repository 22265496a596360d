"""Prometheus and Alertmanager read over HTTP: the alert's own series, targets, silences, and every way it can fail."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.responses import RedirectResponse, Response, StreamingResponse

from deploy.sandbox.prometheus import Prometheus
from tests.conftest import needs
from tests.tools.prometheus.conftest import AT, ONSET, RATIO, TOKEN, Canned
from tools.charts import chart_of
from tools.clients import Readers
from tools.clients.prometheus import AlertmanagerReader, PrometheusReader
from tools.errors import Forbidden, PermanentError, TemporaryError, Unreachable
from tools.evidence import Evidence, Trust
from tools.reads.alertmanager import asking as alertmanager
from tools.reads.alertmanager import table as alertmanager_table
from tools.reads.prometheus import asking, table
from tools.reads.prometheus.around import down_targets, series_of_alert

ALERT = {
    "alertname": "HighErrorRate",
    "service": "checkout",
    "job": "demo",
    "instance": "checkout:8080",
    "severity": "critical",
    "team": "payments",
}


@pytest.fixture
def reader(prometheus: Prometheus) -> PrometheusReader:
    return PrometheusReader(prometheus.url, TOKEN)


def call(name: str, readers: Readers, **asked: object) -> Evidence:
    read = next(one for one in (*table.READS, *alertmanager_table.READS) if one.name == name)
    (piece,) = read.run(read.arguments.model_validate(asked), AT, readers)
    return piece


# --- the alert's own series -------------------------------------------------------------------------------------


def test_an_alert_is_charted_by_its_rules_own_expression(reader: PrometheusReader, prometheus: Prometheus) -> None:
    found = series_of_alert(ALERT, "http://evil.example/graph?g0.expr=up", AT, ONSET, reader)

    assert found is not None
    assert found.chart is not None
    assert found.rule is not None
    assert found.rule.query == f"{RATIO} > 0.05"
    assert prometheus.asked[-1] == RATIO
    assert (found.chart.threshold, found.chart.comparison, found.chart.unit) == (0.05, ">", "ratio")
    assert [one.points[-1].value for one in found.chart.curves] == [0.08]
    assert found.chart.curves[0].points[0].value == 0.004
    piece = found.evidence(AT)
    assert "0.4 % → 8 % since 09:30 UTC, threshold > 5 %" in piece.summary
    assert piece.trust is Trust.STATUS
    assert chart_of([piece]) == found.chart


def test_without_a_rule_the_expression_in_the_address_is_evaluated_here(
    reader: PrometheusReader, prometheus: Prometheus
) -> None:
    address = f"http://elsewhere.example:9090/graph?g0.expr={RATIO}+%3C+0.001"

    found = series_of_alert({"alertname": "Unknown", "service": "cart"}, address, AT, ONSET, reader)

    assert found is not None
    assert found.chart is not None
    assert (found.chart.threshold, found.chart.comparison) == (0.001, "<")
    assert prometheus.asked[-1] == RATIO


@pytest.mark.parametrize("address", [None, "http://p.example/graph?g0.expr=Unknown", "nonsense"])
def test_an_alert_nobody_knows_the_expression_of_has_no_series(reader: PrometheusReader, address: str | None) -> None:
    assert series_of_alert({"alertname": "Unknown"}, address, AT, ONSET, reader) is None


def test_a_series_without_values_is_no_zero(reader: PrometheusReader) -> None:
    found = series_of_alert({"alertname": "NoData"}, None, AT, ONSET, reader)

    assert found is not None
    assert found.chart is None
    assert "not the same as zero" in found.evidence(AT).summary


def test_a_series_that_has_just_begun_is_looked_at_more_closely(reader: PrometheusReader) -> None:
    found = series_of_alert({"alertname": "Young", "service": "orders"}, None, AT, AT, reader)

    assert found is not None
    assert found.chart is not None
    assert [point.value for point in found.chart.curves[0].points][-12:] == [1] + [3] * 11


def test_an_expression_prometheus_refuses_is_an_error_in_its_words(reader: PrometheusReader) -> None:
    with pytest.raises(PermanentError, match="Prometheus refused: bad_data 1:1: parse error"):
        series_of_alert({"alertname": "TooClever"}, None, AT, ONSET, reader)


def test_the_targets_beside_an_alert_that_are_down_are_found(reader: PrometheusReader) -> None:
    down, scraped = down_targets({"job": "demo"}, reader)

    assert scraped == 2
    assert [(one.labels["instance"], one.last_error) for one in down] == [("checkout:8080", "connection refused")]
    assert down_targets({"alertname": "x"}, reader) == ((), 0)


# --- reads ------------------------------------------------------------------------------------------------------


def test_every_read_answers_with_what_was_measured(reader: PrometheusReader) -> None:
    readers = Readers(kubernetes=None, aws=None, prometheus=reader)

    now = call("prom_query", readers, expression=RATIO)
    over = call("prom_query_range", readers, expression=RATIO, minutes=60)
    rule = call("prom_alert_rule", readers, alert="HighErrorRate")
    firing = call("prom_alert_rule", readers)
    targets = call("prom_targets", readers)

    assert 'demo_error_ratio{instance="checkout:8080", job="demo", service="checkout"} 8 %' in now.excerpt
    assert "now 8 %, was 0.4 % at 09:00, lowest 0.4 % at 09:00, highest 8 % at 09:3" in over.excerpt
    assert f"HighErrorRate (sandbox) is firing: {RATIO} > 0.05 for 0 s" in rule.excerpt
    assert "NoData" not in firing.excerpt
    assert targets.summary == "1 of 3 targets are down"
    assert 'instance="checkout:8080", job="demo" is down: connection refused' in targets.excerpt


def test_more_series_than_anyone_reads_are_cut_and_counted(reader: PrometheusReader) -> None:
    found = asking.instant("many", AT, reader)
    shown = call("prom_query", Readers(kubernetes=None, aws=None, prometheus=reader), expression="many")

    assert len(found.series) == 50
    assert found.partial == ("only 50 of 60 series are shown",)
    assert "and 20 more series\nonly 50 of 60 series are shown" in shown.excerpt


def test_a_range_has_no_more_points_than_can_be_shown(reader: PrometheusReader) -> None:
    for minutes in (5, 60, 90, 1440, 10_080):
        found = asking.over(RATIO, AT - timedelta(minutes=minutes), AT, reader)

        assert all(1 < len(one.points) <= asking.MOST_POINTS for one in found.series)
        assert all(one.latest is not None and one.latest.at == AT for one in found.series)


def test_label_values_are_redacted_and_a_sentence_in_one_is_text(reader: PrometheusReader) -> None:
    readers = Readers(kubernetes=None, aws=None, prometheus=reader)

    sentence = call("prom_query", readers, expression="hits")
    secret = call("prom_query", readers, expression="hits_by_user")

    assert sentence.trust is Trust.TEXT
    assert "hunter2" not in secret.excerpt
    assert "‹secret:password:" in secret.excerpt


def test_what_is_no_number_is_no_measurement(canned: Canned) -> None:
    values = [[AT.timestamp(), "NaN"], [AT.timestamp() + 15, "+Inf"], [AT.timestamp() + 30, "2"], ["x", "3"], 7]
    result = [{"metric": {"a": "b", "c": 4}, "values": values}, {"metric": {}, "histograms": []}, "nonsense"]
    body = {
        "status": "success",
        "warnings": ["a store did not answer"],
        "data": {"resultType": "matrix", "result": result},
    }
    canned.by_path = {"/api/v1/query_range": json.dumps(body)}

    found = asking.over("x", AT - timedelta(hours=1), AT, PrometheusReader(canned.server.url))

    assert [(one.labels, [point.value for point in one.points]) for one in found.series] == [
        ({"a": "b"}, [2.0]),
        ({}, []),
    ]
    assert found.partial == ("Prometheus warns: a store did not answer", "native histograms are left out")
    canned.by_path = {}


# --- what can go wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (
            Response('{"status":"error","errorType":"bad_data","error":"parse error"}', 400),
            PermanentError,
            "parse error",
        ),
        (Response('{"status":"error","error":"late"}', 200), PermanentError, "Prometheus refused: late"),
        (Response("no token", 401), Forbidden, "does not let us read it: no token"),
        (Response("", 403), Forbidden, "no explanation given"),
        (Response("", 404), PermanentError, "no Prometheus API at .*SAYSO_PROMETHEUS_URL"),
        (RedirectResponse("http://elsewhere.example/login", 302), PermanentError, "redirects elsewhere"),
        (Response("slow down", 429), TemporaryError, "answers no more for now"),
        (
            Response('{"errorType":"timeout","error":"query timed out"}', 503),
            Unreachable,
            "503: timeout query timed out",
        ),
        (Response("<html>sign in</html>", 200), PermanentError, "no Prometheus"),
        (Response("[1, 2]", 200), PermanentError, "no Prometheus"),
        (Response('{"status":"success","data":[]}', 200), PermanentError, "something else"),
        (Response("x" * (9 * 1024 * 1024), 200), PermanentError, "more than 8 MiB"),
    ],
)
def test_every_refusal_says_whether_to_try_again(
    canned: Canned, answer: Response, error: type[Exception], words: str
) -> None:
    canned.answer = answer
    before = len(canned.paths)

    with pytest.raises(error, match=words) as raised:
        asking.instant("up", AT, PrometheusReader(canned.server.url))

    assert type(raised.value) is error
    assert len(canned.paths) == before + 1


def test_an_answer_that_drips_is_given_up(canned: Canned) -> None:
    def drops() -> Iterator[bytes]:
        for _ in range(40):
            yield b" "
            time.sleep(0.05)

    canned.answer = StreamingResponse(drops())
    started = time.monotonic()

    with pytest.raises(Unreachable, match=r"did not finish its answer in 0\.3 s"):
        asking.instant("up", AT, PrometheusReader(canned.server.url, seconds=0.3))

    assert time.monotonic() - started < 1.5


def test_a_closed_port_is_unreachable() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"

    with pytest.raises(Unreachable, match="did not answer"):
        asking.instant("up", AT, PrometheusReader(url))


def test_the_token_goes_to_prometheus_alone(canned: Canned) -> None:
    canned.answer = Response("[]", 200)
    canned.tokens.clear()

    with pytest.raises(PermanentError):
        asking.instant("up", AT, PrometheusReader(canned.server.url, TOKEN))
    alertmanager.alerts(AlertmanagerReader(canned.server.url))

    assert canned.tokens == [f"Bearer {TOKEN}", None]


def test_an_endless_expression_is_not_sent(canned: Canned) -> None:
    before = len(canned.paths)

    with pytest.raises(PermanentError, match="more than 4000 characters"):
        asking.instant("a" * 5_000, AT, PrometheusReader(canned.server.url))

    assert len(canned.paths) == before


# --- Alertmanager -----------------------------------------------------------------------------------------------

FIRES = [
    {
        "labels": {"alertname": "HighErrorRate", "service": "orders", "region": "eu"},
        "annotations": {"summary": "orders error ratio 50%"},
        "startsAt": "2026-11-21T09:26:14.568Z",
        "status": {"state": "suppressed", "silencedBy": ["s-1"], "inhibitedBy": []},
    },
    {
        "labels": {"alertname": "HighErrorRate", "service": "cart"},
        "annotations": {},
        "startsAt": "2026-11-21T09:26:06.568Z",
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
    },
    {"labels": {"alertname": "Broken"}},
]
QUIET = [
    {
        "id": "s-1",
        "status": {"state": "active"},
        "comment": "deploying\npassword=hunter2hunter2",
        "createdBy": "bob",
        "startsAt": "2026-11-21T09:26:19.480Z",
        "endsAt": "2026-11-21T14:00:00.000Z",
        "matchers": [{"isEqual": True, "isRegex": False, "name": "service", "value": "orders"}],
    },
    {
        "id": "s-2",
        "status": {"state": "expired"},
        "startsAt": "2026-11-20T09:26:19Z",
        "endsAt": "2026-11-20T10:00:00Z",
        "matchers": [],
    },
    {"id": "s-3"},
]


@pytest.fixture
def quiet(canned: Canned) -> AlertmanagerReader:
    canned.by_path = {"/api/v2/alerts": json.dumps(FIRES), "/api/v2/silences": json.dumps(QUIET)}
    return AlertmanagerReader(canned.server.url)


def test_a_silence_is_told_with_who_and_until_when(quiet: AlertmanagerReader) -> None:
    readers = Readers(kubernetes=None, aws=None, alertmanager=quiet)
    fires, silences = alertmanager.alerts(quiet), alertmanager.silences(quiet)

    found = alertmanager.silences_of({"alertname": "HighErrorRate", "service": "orders"}, fires, silences)
    listed = call("am_silences", readers)
    alerts = call("am_alerts", readers)

    assert [one.id for one in found] == ["s-1"]
    assert alertmanager.silences_of({"alertname": "HighErrorRate", "service": "cart"}, fires, silences) == ()
    assert 'silenced by bob until 21 Nov 14:00 UTC (service="orders"): deploying' in listed.excerpt
    assert "hunter2" not in listed.excerpt
    assert listed.trust is Trust.TEXT
    assert alerts.summary == "2 alerts fire, 1 of them silenced or inhibited"


# --- the real one -----------------------------------------------------------------------------------------------

REAL_RULES = """
groups:
- name: demo
  interval: 1s
  rules:
  - alert: ScrapesHappen
    expr: sum(scrape_samples_scraped) by (job) > 0
    labels: {severity: info}
"""


@pytest.mark.soak
def test_a_real_prometheus_answers_as_the_stand_in_does(tmp_path: Path) -> None:
    program = needs("prometheus")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "rules.yml").write_text(REAL_RULES)
    scrape = f"- job_name: self\n  static_configs: [{{targets: ['127.0.0.1:{port}', '127.0.0.1:1']}}]\n"
    head = "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules.yml]\nscrape_configs:\n"
    (tmp_path / "prometheus.yml").write_text(head + scrape)
    arguments = [f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={tmp_path / 'data'}"]
    arguments.append(f"--config.file={tmp_path / 'prometheus.yml'}")
    reader = PrometheusReader(f"http://127.0.0.1:{port}")
    server = subprocess.Popen([program, *arguments], stderr=subprocess.DEVNULL)
    try:
        time.sleep(6)
        at = datetime.now(UTC)
        found = series_of_alert({"alertname": "ScrapesHappen", "job": "self"}, None, at, at, reader)
        down, scraped = down_targets({"job": "self"}, reader)
    finally:
        server.terminate()
        server.wait(timeout=10)
        shutil.rmtree(tmp_path / "data", ignore_errors=True)

    assert found is not None
    assert found.chart is not None
    assert found.chart.threshold == 0
    assert (len(down), scraped) == (1, 2)
