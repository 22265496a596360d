"""The HTTP door over real HTTP: who is let in, what they are told, and what is kept when it could not be used."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.alerts import ParsedAlert
from bot.doctor import Check, Status
from bot.intake import Receipt
from bot.metrics import Metrics
from bot.settings import Settings
from bot.web import MAXIMUM_BODY, Doors, HttpServer, create_web
from deploy.sandbox.aws.notifications import Change, Signer, eventbridge_event, sns_confirmation, sns_notification
from storage import inbox
from storage.database import Database, migrate

if TYPE_CHECKING:
    from slack_bolt import App

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"
TOKEN = "fixture-alertmanager-token"
BRIDGE = "fixture-eventbridge-token"
ENVIRON = {
    "SAYSO_ALERTMANAGER_TOKEN": TOKEN,
    "SAYSO_EVENTBRIDGE_TOKEN": BRIDGE,
    "SAYSO_SNS_TOPICS": TOPIC,
    "SAYSO_SNS_LOOPBACK_CERTS": "true",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
}
ALARM = Change(
    name="prod-web-cpu",
    arn="arn:aws:cloudwatch:eu-west-1:123456789012:alarm:prod-web-cpu",
    region="eu-west-1",
    account="123456789012",
    description="CPU of the web fleet",
    namespace="AWS/EC2",
    metric="CPUUtilization",
    dimensions={"AutoScalingGroupName": "web"},
    statistic="Average",
    threshold=80,
    before="OK",
    after="ALARM",
    reason="Threshold crossed",
    since=NOW,
    at=NOW,
)


def alertmanager_body(*statuses: str) -> bytes:
    alerts = [
        {
            "status": status,
            "labels": {"alertname": "KubePodCrashLooping", "namespace": "shop", "severity": "critical"},
            "annotations": {"summary": "checkout restarts"},
            "startsAt": "2026-11-21T08:59:00Z",
            "endsAt": "2026-11-21T09:00:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example/graph",
            "fingerprint": f"fp{number}",
        }
        for number, status in enumerate(statuses or ("firing",))
    ]
    return json.dumps({"version": "4", "groupKey": "{}:{}", "status": "firing", "alerts": alerts}).encode()


@dataclass
class Intake:
    """What stands where the flows stand: it keeps what it is given, or fails as often as it is told to."""

    alerts: list[ParsedAlert] = field(default_factory=list)
    failures: int = 0
    gate: threading.Event | None = None
    busy: threading.Event = field(default_factory=threading.Event)

    def receive(self, alerts: tuple[ParsedAlert, ...]) -> Receipt:
        self.busy.set()
        if self.gate is not None:
            self.gate.wait(10)
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the secret inside of the server")
        self.alerts += alerts
        return Receipt(opened=len(alerts))


@dataclass
class Site:
    """A running server, and what it opens on to."""

    doors: Doors
    intake: Intake
    server: HttpServer
    confirmed: list[tuple[str, str]]

    def post(self, path: str, body: bytes, **headers: str) -> httpx.Response:
        with httpx.Client(base_url=self.server.url, trust_env=False, timeout=10) as client:
            return client.post(path, content=body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def get(self, path: str) -> httpx.Response:
        with httpx.Client(base_url=self.server.url, trust_env=False, timeout=10) as client:
            return client.get(path)

    def alertmanager(self, body: bytes, token: str = TOKEN) -> httpx.Response:
        return self.post("/webhooks/alertmanager", body, Authorization=f"Bearer {token}")

    def kept(self) -> list[tuple[str, bytes, str]]:
        with self.doors.database.reading() as session:
            return [(each.source, each.body, each.reason) for each in inbox.refused(session, 100)]


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty record, migrated once; each test gets a copy."""
    path = tmp_path_factory.mktemp("record") / "blank.sqlite"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path


@pytest.fixture
def make_site(blank: Path, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    opened: list[Site] = []

    def make(environ: dict[str, str] = ENVIRON, **changes: object) -> Site:
        path = tmp_path / f"{len(opened)}.sqlite"
        shutil.copy(blank, path)
        intake = Intake()
        confirmed: list[tuple[str, str]] = []
        doors = Doors(
            settings=Settings.load(environ),
            database=Database(f"sqlite:///{path}"),
            metrics=Metrics(),
            receive=intake.receive,
            ready=lambda: (Check(name="database", status=Status.OK, detail="sqlite"),),
            confirm=lambda topic, token: confirmed.append((topic, token)),
            now=lambda: NOW,
        )
        doors = replace(doors, **changes)  # type: ignore[arg-type]
        site = Site(doors, intake, HttpServer(create_web(doors), "127.0.0.1", 0).start(), confirmed)
        opened.append(site)
        return site

    yield make
    for site in opened:
        site.server.stop()
        site.doors.database.close()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()


@pytest.fixture
def signer() -> Iterator[Callable[[dict[str, str]], bytes]]:
    """Signs SNS messages with a key of its own, whose certificate it serves on loopback."""
    key = Signer()

    class Certificate(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(key.certificate())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Certificate)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    yield lambda message: json.dumps(key.signed(message, url)).encode()
    server.shutdown()
    server.server_close()
    thread.join()


def test_alerts_of_a_known_sender_are_received_and_counted(site: Site) -> None:
    answer = site.alertmanager(alertmanager_body("firing", "resolved"))

    assert answer.status_code == 202
    assert answer.json() == {"opened": 2, "joined": 0, "folded": 0, "resolved": 0}
    assert [(alert.name, alert.status) for alert in site.intake.alerts] == [
        ("KubePodCrashLooping", "firing"),
        ("KubePodCrashLooping", "resolved"),
    ]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer wrong",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {BRIDGE}",
        "Bearer t\u00f6k\u00ebn",
    ],
)
def test_a_sender_without_the_token_is_turned_away_and_nothing_is_kept(site: Site, header: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.server.port)
    headers = {"Authorization": header.encode("latin-1")} if header else {}
    connection.request("POST", "/webhooks/alertmanager", b"{not even json", headers)

    status = connection.getresponse().status
    connection.close()

    assert status == 401
    assert not site.intake.alerts
    assert not site.kept()
    forged = 'sayso_refused_deliveries_total{reason="forged",source="alertmanager"} 1.0'
    assert forged in site.doors.metrics.exposition().decode()


@pytest.mark.parametrize(
    ("source", "variable"),
    [
        ("alertmanager", "SAYSO_ALERTMANAGER_TOKEN"),
        ("eventbridge", "SAYSO_EVENTBRIDGE_TOKEN"),
        ("sns", "SAYSO_SNS_TOPICS"),
    ],
)
@pytest.mark.parametrize("token", ["x", "None", "anything"])
def test_a_source_that_is_not_configured_says_which_variable_enables_it(
    make_site: Callable[..., Site], source: str, variable: str, token: str
) -> None:
    answer = make_site({}).post(f"/webhooks/{source}", alertmanager_body(), Authorization=f"Bearer {token}")

    assert answer.status_code == 403
    assert variable in answer.json()["error"]


def test_an_unknown_source_is_told_the_known_ones(site: Site) -> None:
    answer = site.post("/webhooks/pigeon", b"{}")

    assert answer.status_code == 404
    assert all(name in answer.json()["error"] for name in ("alertmanager", "eventbridge", "sns", "'pigeon'"))


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b"{", "JSON"),
        (b"", "JSON"),
        (b"\xff\xfe\x00", "body"),
        (b"[]", "object"),
        (b'{"version": "9", "groupKey": "g", "alerts": []}', "version"),
        (b'{"version": "4", "groupKey": "g", "alerts": {}}', "alerts"),
        (b'{"version": "4", "groupKey": "g", "alerts": [7]}', "alerts[0]"),
        (alertmanager_body().replace(b'"firing", "labels"', b'"smoking", "labels"'), "status"),
        (alertmanager_body().replace(b"2026-11-21T08:59:00Z", b"yesterday"), "startsAt"),
    ],
)
def test_a_malformed_body_is_refused_with_what_was_wrong_and_kept_as_it_came(
    site: Site, body: bytes, names: str
) -> None:
    answer = site.alertmanager(body)

    ((source, kept, reason),) = site.kept()
    assert answer.status_code == 400
    assert names in answer.json()["error"]
    assert answer.json()["kept_as"] == 1
    assert (source, kept, reason) == ("alertmanager", body, answer.json()["error"])
    assert not site.intake.alerts


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=400)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(repr).map(str.encode)
)
def test_no_body_of_a_known_sender_breaks_the_server(site: Site, body: bytes) -> None:
    assert site.alertmanager(body).status_code in (202, 400)


def test_a_body_that_is_too_large_is_not_read(site: Site) -> None:
    allowed = site.alertmanager(b"x" * MAXIMUM_BODY)
    announced = site.alertmanager(b"x" * (MAXIMUM_BODY + 1))
    chunked = httpx.post(
        f"{site.server.url}/webhooks/alertmanager",
        content=iter([b"x" * MAXIMUM_BODY, b"x"]),
        headers={"Authorization": f"Bearer {TOKEN}"},
        trust_env=False,
    )

    assert (allowed.status_code, announced.status_code, chunked.status_code) == (400, 413, 413)
    assert len(site.kept()) == 1
    too_large = 'sayso_refused_deliveries_total{reason="too_large",source="alertmanager"} 2.0'
    assert too_large in site.doors.metrics.exposition().decode()


def test_the_server_hangs_up_on_a_body_beyond_all_measure(site: Site) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.server.port)
    connection.putrequest("POST", "/webhooks/alertmanager")
    connection.putheader("Content-Length", str(10**9))
    connection.endheaders()

    assert connection.getresponse().status == 413
    connection.close()


def test_a_failure_inside_makes_the_sender_come_again_and_tells_nothing(site: Site) -> None:
    site.intake.failures = 1

    failed, repeated = site.alertmanager(alertmanager_body()), site.alertmanager(alertmanager_body())

    assert failed.status_code == 500
    assert set(failed.json()) == {"error", "reference"}
    assert "secret inside" not in failed.text
    assert "Traceback" not in failed.text
    assert repeated.status_code == 202


def test_a_wrong_method_is_refused_in_the_same_voice(site: Site) -> None:
    answer = site.get("/webhooks/alertmanager")

    assert answer.status_code == 405
    assert answer.json() == {"error": "method not allowed"}


def test_an_alarm_by_eventbridge_needs_its_own_token(site: Site) -> None:
    body = json.dumps(eventbridge_event(ALARM)).encode()

    refused = site.post("/webhooks/eventbridge", body, Authorization=f"Bearer {TOKEN}")
    accepted = site.post("/webhooks/eventbridge", body, Authorization=f"Bearer {BRIDGE}")

    assert (refused.status_code, accepted.status_code) == (401, 202)
    assert [alert.name for alert in site.intake.alerts] == ["prod-web-cpu"]


def test_a_genuine_sns_message_is_heard_once(site: Site, signer: Callable[[dict[str, str]], bytes]) -> None:
    body = signer(sns_notification(ALARM, TOPIC))

    first = site.post("/webhooks/sns", body, Content_Type="text/plain; charset=UTF-8")
    second = site.post("/webhooks/sns", body)

    assert (first.status_code, first.json()["opened"]) == (202, 1)
    assert (second.status_code, second.json()) == (202, {"note": "duplicate"})
    assert len(site.intake.alerts) == 1


def test_an_sns_message_that_could_not_be_received_is_heard_when_it_comes_again(
    site: Site, signer: Callable[[dict[str, str]], bytes]
) -> None:
    site.intake.failures = 1
    body = signer(sns_notification(ALARM, TOPIC))

    first, second = site.post("/webhooks/sns", body), site.post("/webhooks/sns", body)

    assert (first.status_code, second.status_code) == (500, 202)
    assert len(site.intake.alerts) == 1


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("Message", "{}"),
        ("Subject", "another"),
        ("TopicArn", "arn:aws:sns:eu-west-1:123456789012:other"),
        ("SigningCertURL", "http://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-00112233.pem"),
        ("Signature", "AAAA"),
        ("SignatureVersion", "3"),
        ("Timestamp", "2026-11-21T07:00:00.000Z"),
    ],
)
def test_a_forged_sns_message_is_turned_away(
    site: Site, signer: Callable[[dict[str, str]], bytes], change: str, value: str
) -> None:
    message = {**json.loads(signer(sns_notification(ALARM, TOPIC))), change: value}

    answer = site.post("/webhooks/sns", json.dumps(message).encode())

    assert answer.status_code == 401
    assert answer.json() == {"error": "not authenticated"}
    assert not site.intake.alerts
    assert not site.kept()


def test_a_loopback_certificate_is_not_believed_without_the_development_switch(
    make_site: Callable[..., Site], signer: Callable[[dict[str, str]], bytes]
) -> None:
    site = make_site({"SAYSO_SNS_TOPICS": TOPIC})

    answer = site.post("/webhooks/sns", signer(sns_notification(ALARM, TOPIC)))

    assert answer.status_code == 401


def test_a_subscription_is_confirmed_by_token_and_only_when_genuine(
    site: Site, signer: Callable[[dict[str, str]], bytes]
) -> None:
    offer = sns_confirmation(TOPIC, "fixture-confirmation", "http://127.0.0.1:1", NOW)

    forged = site.post("/webhooks/sns", json.dumps({**json.loads(signer(offer)), "Token": "another"}).encode())
    genuine = site.post("/webhooks/sns", signer(offer))

    assert (forged.status_code, genuine.status_code) == (401, 202)
    assert genuine.json() == {"note": "confirmed"}
    assert site.confirmed == [(TOPIC, "fixture-confirmation")]


def test_an_sns_message_about_something_else_is_accepted_and_opens_nothing(
    site: Site, signer: Callable[[dict[str, str]], bytes]
) -> None:
    answer = site.post("/webhooks/sns", signer({**sns_notification(ALARM, TOPIC), "Message": "deploy finished"}))

    assert (answer.status_code, answer.json()) == (202, {"note": "nothing in it is an alert"})
    assert not site.intake.alerts


def test_an_alarm_in_a_genuine_message_that_cannot_be_read_is_kept_aside(
    site: Site, signer: Callable[[dict[str, str]], bytes]
) -> None:
    broken = json.dumps({"AlarmName": "prod-web-cpu", "NewStateValue": "MAYBE"})

    answer = site.post("/webhooks/sns", signer({**sns_notification(ALARM, TOPIC), "Message": broken}))

    assert answer.status_code == 400
    assert [source for source, _, _ in site.kept()] == ["sns"]


def test_health_says_that_the_process_is_alive_whatever_else_is_wrong(make_site: Callable[..., Site]) -> None:
    def ready() -> tuple[Check, ...]:
        raise RuntimeError("the database is gone")

    site = make_site(ready=ready)

    assert (site.get("/healthz").status_code, site.get("/healthz").json()) == (200, {"status": "alive"})
    assert site.get("/readyz").status_code == 500


@pytest.mark.parametrize(
    ("status", "code"), [(Status.OK, 200), (Status.SKIPPED, 200), (Status.MISSING, 503), (Status.BROKEN, 503)]
)
def test_readiness_follows_the_parts_and_keeps_details_to_itself(
    make_site: Callable[..., Site], status: Status, code: int
) -> None:
    checks = (
        Check(name="database", status=Status.OK, detail="sqlite"),
        Check(name="slack", status=status, detail="socket to 10.1.2.3 lost"),
    )

    answer = make_site(ready=lambda: checks).get("/readyz")

    assert answer.status_code == code
    assert answer.json() == {"ready": code == 200, "parts": {"database": "ok", "slack": status}}


def test_metrics_are_served_in_prometheus_own_format(site: Site) -> None:
    site.doors.metrics.plans.labels(outcome="succeeded").inc()

    answer = site.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'sayso_plans_total{outcome="succeeded"} 1.0' in answer.text


def test_slacks_address_is_closed_in_socket_mode(site: Site) -> None:
    answer = site.post("/slack/events", b"{}")

    assert answer.status_code == 404
    assert "SAYSO_SLACK_MODE" in answer.json()["error"]


@contextmanager
def bolt() -> Iterator[App]:
    from slack_bolt import App
    from slack_bolt.authorization import AuthorizeResult

    def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T0TEAM0001", bot_token="xoxb-fixture", bot_id="B0BOT00001")

    yield App(signing_secret="fixture-signing-secret", authorize=authorize)


def signed(body: bytes, ahead: int = 0) -> dict[str, str]:
    stamp = str(int(time.time()) + ahead)
    base = b"v0:" + stamp.encode() + b":" + body
    signature = hmac.new(b"fixture-signing-secret", base, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={signature}"}


def test_in_http_mode_slacks_signed_requests_reach_bolt_and_others_do_not(make_site: Callable[..., Site]) -> None:
    from slack_bolt.adapter.flask import SlackRequestHandler

    body = json.dumps({"type": "url_verification", "token": "fixture", "challenge": "say it back"}).encode()
    with bolt() as app:
        site = make_site(slack=SlackRequestHandler(app).handle)

        genuine = site.post("/slack/events", body, Content_Type="application/json", **signed(body))
        forged = site.post("/slack/events", body + b" ", Content_Type="application/json", **signed(body))

    assert (genuine.status_code, genuine.json()) == (200, {"challenge": "say it back"})
    assert forged.status_code == 401


@pytest.mark.parametrize(("ahead", "status"), [(25, 200), (32, 401), (299, 401)])
def test_a_request_signed_for_later_is_turned_away(make_site: Callable[..., Site], ahead: int, status: int) -> None:
    """Bolt would take it for ten minutes: the five before its stamp, and the five after."""
    from slack_bolt.adapter.flask import SlackRequestHandler

    body = json.dumps({"type": "url_verification", "token": "fixture", "challenge": "say it back"}).encode()
    with bolt() as app:
        site = make_site(slack=SlackRequestHandler(app).handle)

        answer = site.post("/slack/events", body, Content_Type="application/json", **signed(body, ahead))

    assert answer.status_code == status


def test_stopping_answers_what_is_being_answered_and_frees_the_port(make_site: Callable[..., Site]) -> None:
    site = make_site()
    site.intake.gate = threading.Event()
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(site.alertmanager(alertmanager_body()).status_code))
    asking.start()
    assert site.intake.busy.wait(5)

    threading.Timer(0.2, site.intake.gate.set).start()
    site.server.stop()
    asking.join()

    assert answers == [202]
    with socket.create_server(("127.0.0.1", site.server.port)):
        pass


def test_stopping_does_not_wait_for_idle_connections(make_site: Callable[..., Site]) -> None:
    site = make_site()
    idle = http.client.HTTPConnection("127.0.0.1", site.server.port)
    idle.request("GET", "/healthz")
    idle.getresponse().read()
    started = time.monotonic()

    site.server.stop()

    assert time.monotonic() - started < 3
    idle.close()


def test_a_taken_port_is_told_before_anything_is_served(site: Site) -> None:
    with pytest.raises(OSError, match="Address already in use"):
        HttpServer(create_web(site.doors), "127.0.0.1", site.server.port)
