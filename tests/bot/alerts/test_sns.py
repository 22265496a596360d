"""SNS at the door: a genuine message passes, everything else does not."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from bot.alerts import sns
from deploy.sandbox.aws.notifications import Signer
from tests.bot.alerts.conftest import Payload
from tools.errors import Unreachable

NOTIFICATION, CONFIRMATION = (
    "cloudwatch_sns_notification_alarm_signed",
    "cloudwatch_sns_subscription_confirmation_signed",
)
TOPIC = "arn:aws:sns:us-east-1:123456789012:ops-alarms"
DOOR = sns.Door(topics=frozenset({TOPIC}))
AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
PEM = "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"

Receive = Callable[..., sns.Accepted]


@pytest.fixture
def confirmed() -> list[tuple[str, str]]:
    """The subscriptions that were confirmed: topic and token."""
    return []


@pytest.fixture
def receive(certificate: bytes, confirmed: list[tuple[str, str]]) -> Receive:
    """`sns.receive` with the test certificate, whatever URL it is fetched from."""

    def run(message: dict[str, Any] | bytes, at: datetime = AT, known: bool = False) -> sns.Accepted:
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        certificates = sns.Certificates(lambda url: certificate)
        return sns.receive(body, DOOR, certificates, at, lambda *asked: confirmed.append(asked), lambda _: known)

    return run


def test_a_genuine_notification_is_accepted(receive: Receive, payload: Payload) -> None:
    accepted = receive(payload(NOTIFICATION))

    assert (accepted.kind, accepted.topic) == ("notification", TOPIC)
    assert accepted.message_id == "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"


def test_a_genuine_subscription_is_confirmed_by_its_token_once(
    receive: Receive, payload: Payload, confirmed: list[tuple[str, str]]
) -> None:
    at = datetime(2026, 11, 21, 9, 1, tzinfo=UTC)

    accepted = receive(payload(CONFIRMATION), at)
    again = receive(payload(CONFIRMATION), at, known=True)

    assert (accepted.kind, again.kind) == ("confirmed", "duplicate")
    assert confirmed == [(TOPIC, "EXAMPLE-CONFIRMATION-TOKEN")]


@pytest.mark.parametrize(
    "fields",
    [
        {"Message": "{}"},
        {"Subject": "OK: nothing to see"},
        {"Subject": None},
        {"Timestamp": "2026-11-21T09:29:18.588Z"},
        {"MessageId": "another"},
        {"TopicArn": "arn:aws:sns:us-east-1:123456789012:somebody-elses"},
        {"Type": "SubscriptionConfirmation", "Token": "t"},
        {"Type": "Advertisement"},
        {"SignatureVersion": "1"},
        {"SignatureVersion": "3"},
        {"SignatureVersion": 2},
        {"Signature": "FAKE"},
        {"Signature": ""},
        {"Signature": "AAAA"},
        {"MessageId": None},
        {"Timestamp": None},
        {"SigningCertURL": None},
    ],
)
def test_a_message_that_was_changed_is_refused(fields: dict[str, object], receive: Receive, payload: Payload) -> None:
    message = payload(NOTIFICATION) | fields
    changed = {name: value for name, value in message.items() if value is not None}

    with pytest.raises(sns.NotFromSns):
        receive(changed)


@pytest.mark.parametrize("name", ["moto_sns_notification_plain", "ministack_sns_subscription_confirmation"])
def test_an_emulators_signature_is_refused(name: str, receive: Receive, payload: Payload) -> None:
    with pytest.raises(sns.NotFromSns):
        receive(payload(name) | {"TopicArn": TOPIC})


@pytest.mark.parametrize(
    "url",
    [
        f"http://sns.us-east-1.amazonaws.com{PEM}",
        f"https://sns.us-east-1.amazonaws.com.evil.example{PEM}",
        f"https://evil.example{PEM}",
        f"https://evil.example/sns.us-east-1.amazonaws.com{PEM}",
        f"https://sns.us-east-1.amazonaws.com@evil.example{PEM}",
        f"https://user@sns.us-east-1.amazonaws.com{PEM}",
        f"https://sns.us-east-1.amazonaws.com:8443{PEM}",
        f"https://snsxus-east-1.amazonaws.com{PEM}",
        f"https://sns.us-east-1.amazonaws.com/x{PEM}",
        f"https://sns.us-east-1.amazonaws.com{PEM}?next=evil",
        f"https://sns.us-east-1.amazonaws.com{PEM}#x",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-fake.pem",
        "https://bucket.s3.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        f"https://sns.us-east-1.amazonaws.com:0x50{PEM}",
        f"http://127.0.0.1:8000{PEM}",
        f"http://localhost{PEM}",
        "",
    ],
)
def test_a_certificate_from_anywhere_else_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        sns.check_certificate_url(url, allow_loopback=False)


@pytest.mark.parametrize(
    "url",
    [f"https://sns.eu-west-1.amazonaws.com{PEM}", f"https://sns.cn-north-1.amazonaws.com.cn:443{PEM}"],
)
def test_a_certificate_from_sns_is_taken(url: str) -> None:
    sns.check_certificate_url(url, allow_loopback=False)


@pytest.mark.parametrize(
    "url", [f"http://192.168.1.9{PEM}", f"http://127.0.0.1.evil.example{PEM}", "http://127.0.0.1/x"]
)
def test_the_development_switch_opens_loopback_and_nothing_else(url: str) -> None:
    sns.check_certificate_url(f"http://127.0.0.1:5555{PEM}", allow_loopback=True)

    with pytest.raises(ValueError, match="bad SigningCertURL"):
        sns.check_certificate_url(url, allow_loopback=True)


@pytest.mark.parametrize("age", [timedelta(minutes=16), timedelta(days=1), timedelta(minutes=-6)])
def test_a_message_from_another_time_is_refused_unless_it_is_known(
    age: timedelta, receive: Receive, payload: Payload
) -> None:
    at = datetime(2026, 11, 21, 9, 29, 18, tzinfo=UTC) + age

    with pytest.raises(sns.NotFromSns, match="old"):
        receive(payload(NOTIFICATION), at)
    assert receive(payload(NOTIFICATION), at, known=True).kind == "duplicate"


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_signature_versions_are_verified(version: str, payload: Payload) -> None:
    signer = Signer()
    message = payload(NOTIFICATION) | {"SignatureVersion": version}
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
    signature = signer._key.sign(sns.string_to_sign(message), padding.PKCS1v15(), algorithm)
    message["Signature"] = base64.b64encode(signature).decode()

    verified = sns.verified(json.dumps(message).encode(), DOOR, sns.Certificates(lambda _: signer.certificate()))

    assert verified["MessageId"] == message["MessageId"]


def test_a_certificate_that_is_none_is_refused(payload: Payload) -> None:
    body = json.dumps(payload(NOTIFICATION)).encode()

    with pytest.raises(sns.NotFromSns):
        sns.verified(body, DOOR, sns.Certificates(lambda _: b"<html>"))


class _Files(HTTPServer):
    """Serves one body, or a redirect to it; counts requests."""

    body = b""
    redirect = False
    asked = 0


class _Handler(BaseHTTPRequestHandler):
    server: _Files

    def do_GET(self) -> None:
        self.server.asked += 1
        if self.server.redirect:
            self.send_response(302)
            self.send_header("Location", "/elsewhere.pem")
            self.server.redirect = False
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def files(certificate: bytes) -> Iterator[_Files]:
    server = _Files(("127.0.0.1", 0), _Handler)
    server.body = certificate
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_certificate_that_cannot_be_fetched_now_is_worth_another_try(payload: Payload) -> None:
    message = payload(NOTIFICATION) | {"SigningCertURL": f"http://127.0.0.1:9{PEM}"}
    door = sns.Door(topics=frozenset({TOPIC}), allow_loopback=True)

    with pytest.raises(Unreachable):
        sns.verified(json.dumps(message).encode(), door, sns.Certificates())


def test_a_certificate_that_is_not_there_is_a_rejection(files: _Files, payload: Payload) -> None:
    files.redirect = True
    message = payload(NOTIFICATION) | {"SigningCertURL": f"http://127.0.0.1:{files.server_port}{PEM}"}
    door = sns.Door(topics=frozenset({TOPIC}), allow_loopback=True)

    with pytest.raises(sns.NotFromSns, match="302"):
        sns.verified(json.dumps(message).encode(), door, sns.Certificates())


def test_a_certificate_is_fetched_once(files: _Files, certificate: bytes) -> None:
    certificates, url = sns.Certificates(), f"http://127.0.0.1:{files.server_port}{PEM}"

    assert certificates.pem(url) == certificates.pem(url) == certificate
    assert files.asked == 1


def test_a_certificate_behind_a_redirect_is_not_fetched(files: _Files) -> None:
    files.redirect = True

    with pytest.raises(OSError, match="302"):
        sns.Certificates().pem(f"http://127.0.0.1:{files.server_port}{PEM}")

    assert files.asked == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(body=some.binary(max_size=200) | some.recursive(
    some.none() | some.booleans() | some.floats() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(
        some.sampled_from(["Type", "TopicArn", "MessageId", "Timestamp", "Signature", "SigningCertURL"]), inner
    ),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_whatever_arrives_is_refused_and_never_a_crash(body: bytes, receive: Receive) -> None:
    with pytest.raises(sns.NotFromSns):
        receive(body)
