"""Alertmanager's webhook and its traps."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.alerts import AlertStatus, MalformedAlert, alertmanager
from bot.alerts.subjects import subject
from tests.bot.alerts.conftest import Payload
from tools.evidence import Severity
from tools.subjects import KubernetesSubject

MIXED = "alertmanager_v4_mixed_firing_and_resolved"


def body(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode()


def changed(message: dict[str, Any], **fields: object) -> dict[str, Any]:
    """The message with fields of its first alert replaced; None takes one out."""
    alert = message["alerts"][0] | {name: value for name, value in fields.items() if value is not None}
    message["alerts"] = [{name: value for name, value in alert.items() if fields.get(name, 0) is not None}]
    return message


def labelled(message: dict[str, Any], **labels: str) -> dict[str, Any]:
    """The message with one alert that has exactly these labels."""
    return changed(message, labels=labels)


def test_each_alert_has_its_own_status_whatever_the_group_says(payload: Payload) -> None:
    firing, resolved = alertmanager.parse(body(payload(MIXED)))

    assert (firing.service, firing.status) == ("cart", AlertStatus.FIRING)
    assert (resolved.service, resolved.status) == ("checkout", AlertStatus.RESOLVED)
    assert firing.group_key == resolved.group_key == '{}:{alertname="HighErrorRate", cluster="demo"}'


def test_the_fields_of_an_alert(payload: Payload) -> None:
    alert = alertmanager.parse(body(payload(MIXED)))[0]

    assert alert.fingerprint == "081de88545ec3c9b"
    assert (alert.source, alert.name, alert.severity) == ("alertmanager", "HighErrorRate", Severity.SEV1)
    assert alert.starts_at == datetime(2026, 11, 21, 9, 26, 6, 568000, UTC)
    assert alert.annotations["runbook_url"] == "https://runbooks.example.com/HighErrorRate"
    assert alert.generator_url is not None
    assert alert.environment is None


def test_a_firing_alert_that_ends_in_the_year_one_has_not_ended(payload: Payload) -> None:
    firing, resolved = alertmanager.parse(body(payload(MIXED)))

    assert firing.ends_at is None
    assert resolved.ends_at == datetime(2026, 11, 21, 9, 26, 20, 568000, UTC)


def test_grafana_sends_the_same_with_another_version(payload: Payload) -> None:
    (alert,) = alertmanager.parse(body(payload("grafana_webhook_firing")))

    assert (alert.source, alert.name) == ("grafana", "High memory")
    assert alert.starts_at == datetime(2026, 11, 21, 7, 51, 3, 157076, UTC)


def test_alerts_cut_from_the_list_are_mentioned(payload: Payload) -> None:
    message = payload(MIXED) | {"truncatedAlerts": 7}

    assert "7 more alerts" in alertmanager.parse(body(message))[0].annotations["truncated"]


def test_nanoseconds_are_read(payload: Payload) -> None:
    message = changed(payload(MIXED), startsAt="2026-11-21T09:26:06.568123456Z")

    assert alertmanager.parse(body(message))[0].starts_at == datetime(2026, 11, 21, 9, 26, 6, 568123, UTC)


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("critical", Severity.SEV1),
        ("PAGE", Severity.SEV1),
        ("error", Severity.SEV2),
        ("warning", Severity.SEV3),
        ("info", Severity.SEV4),
        ("P2", Severity.SEV2),
        ("purple", Severity.SEV3),
        ("", Severity.SEV3),
    ],
)
def test_severity_words(word: str, severity: Severity, payload: Payload) -> None:
    message = labelled(payload(MIXED), alertname="A", severity=word)

    assert alertmanager.parse(body(message))[0].severity is severity


@pytest.mark.parametrize(
    ("labels", "environment"),
    [
        ({"env": "production"}, "prod"),
        ({"environment": "stg"}, "staging"),
        ({"env": "blue"}, "blue"),
        ({"cluster": "prod"}, None),
    ],
)
def test_the_environment_is_what_the_labels_say_and_never_a_guess(
    labels: dict[str, str], environment: str | None, payload: Payload
) -> None:
    message = labelled(payload(MIXED), alertname="A", **labels)

    assert alertmanager.parse(body(message))[0].environment == environment


def test_an_exporters_job_is_not_the_service(payload: Payload) -> None:
    message = labelled(payload(MIXED), alertname="KubePodCrashLooping", job="kube-state-metrics", deployment="cart")

    assert alertmanager.parse(body(message))[0].service == "cart"


def test_labels_say_where_in_kubernetes_to_look(payload: Payload) -> None:
    message = labelled(payload(MIXED), alertname="A", namespace="shop", deployment="cart", pod="cart-7d9c5bf7c9-x2x4z")

    about = subject(alertmanager.parse(body(message))[0])

    assert isinstance(about, KubernetesSubject)
    assert (about.namespace, about.deployment, about.pod) == ("shop", "cart", "cart-7d9c5bf7c9-x2x4z")


def test_labels_that_name_no_resource_give_no_subject(payload: Payload) -> None:
    message = labelled(payload(MIXED), alertname="Watchdog")

    assert subject(alertmanager.parse(body(message))[0]) is None


def test_secrets_in_annotations_do_not_pass(payload: Payload) -> None:
    word = "hunter" + "2" * 10
    message = changed(payload(MIXED), annotations={"summary": f"login failed: password={word}"})

    assert word not in alertmanager.parse(body(message))[0].annotations["summary"]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"labels": {"severity": 3}}, r"alerts\[0\]\.labels\.severity"),
        ({"labels": ["a"]}, r"alerts\[0\]\.labels"),
        ({"status": "suppressed"}, r"alerts\[0\]\.status"),
        ({"startsAt": "yesterday"}, r"alerts\[0\]\.startsAt"),
        ({"startsAt": "2026-11-21T09:26:06"}, r"alerts\[0\]\.startsAt"),
        ({"startsAt": "0001-01-01T00:00:00+14:00"}, r"alerts\[0\]\.startsAt"),
        ({"fingerprint": None}, r"alerts\[0\]\.fingerprint"),
        ({"fingerprint": 7}, r"alerts\[0\]\.fingerprint"),
    ],
)
def test_a_malformed_alert_names_the_field(fields: dict[str, object], says: str, payload: Payload) -> None:
    with pytest.raises(MalformedAlert, match=says):
        alertmanager.parse(body(changed(payload(MIXED), **fields)))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"version": "5"}, "version"),
        ({"version": 4}, "version"),
        ({"alerts": {}}, "alerts must be a list"),
        ({"alerts": ["a"]}, r"alerts\[0\]"),
        ({"groupKey": None}, "groupKey"),
        ({"truncatedAlerts": "many"}, "truncatedAlerts"),
    ],
)
def test_a_malformed_message_names_the_field(fields: dict[str, object], says: str, payload: Payload) -> None:
    with pytest.raises(MalformedAlert, match=says):
        alertmanager.parse(body(payload(MIXED) | fields))
