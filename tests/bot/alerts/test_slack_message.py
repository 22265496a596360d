"""Alert bots' messages in a channel."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.alerts import AlertStatus, MalformedAlert, slack_message
from bot.alerts.subjects import subject
from tools.evidence import Severity
from tools.subjects import KubernetesSubject

TS = "1795252100.000007"
DEFAULT: dict[str, Any] = {
    "type": "message",
    "channel": "C0ALERTS01",
    "bot_id": "B0ALERTS01",
    "ts": TS,
    "text": "",
    "attachments": [
        {
            "color": "a30200",
            "fallback": "[FIRING:1] HighErrorRate demo (cart critical) | http://alertmanager.example.com/#/alerts",
            "title": "[FIRING:1] HighErrorRate demo (cart critical)",
            "title_link": "http://alertmanager.example.com/#/alerts?receiver=slack",
        }
    ],
}
"""What Alertmanager's default Slack template sends: no labels by name, no text."""
DETAILED_TEXT = (
    "*Alert:* 5xx above 5 &amp; rising\n"
    "*Details:*\n"
    " • *alertname:* `HighErrorRate`\n"
    " • *namespace:* `shop`\n"
    " • *deployment:* `checkout`\n"
    " • *service:* `checkout`\n"
    " • *severity:* `critical`\n"
    " • *env:* `prod`\n"
    " • *pod:* `checkout-7d9c5bf7c9-x2x4z`\n"
    "*Graph:* <https://prometheus.example.com/graph?g0.expr=x|:chart:>"
)


def message(**fields: object) -> dict[str, Any]:
    return {**DEFAULT, **fields}


def attached(**fields: object) -> dict[str, Any]:
    return message(attachments=[fields])


def test_the_default_template_gives_name_status_and_link() -> None:
    (alert,) = slack_message.parse(DEFAULT)

    assert (alert.source, alert.name, alert.status) == ("slack", "HighErrorRate", AlertStatus.FIRING)
    assert alert.generator_url == "http://alertmanager.example.com/#/alerts?receiver=slack"
    assert alert.starts_at == datetime.fromtimestamp(1795252100.000007, UTC)
    assert alert.environment is None


def test_a_template_that_lists_labels_gives_them() -> None:
    (alert,) = slack_message.parse(attached(title="[FIRING:1] HighErrorRate (checkout)", text=DETAILED_TEXT))

    assert (alert.severity, alert.service, alert.environment) == (Severity.SEV1, "checkout", "prod")
    assert alert.annotations["alert"] == "5xx above 5 & rising"
    about = subject(alert)
    assert isinstance(about, KubernetesSubject)
    assert (about.namespace, about.deployment) == ("shop", "checkout")


def test_fields_are_labels_too() -> None:
    fields = [{"title": "Severity", "value": "warning", "short": True}, {"title": "env", "value": "staging"}]

    (alert,) = slack_message.parse(attached(title="[FIRING:2] DiskFull (db)", fields=fields))

    assert (alert.severity, alert.environment) == (Severity.SEV3, "staging")


def test_blocks_are_read_where_there_are_no_attachments() -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "*[FIRING:1] QueueStuck* on prod"}}

    (alert,) = slack_message.parse(message(attachments=[], blocks=[section]))

    assert alert.name == "QueueStuck"


def test_resolved_is_the_same_alert_and_has_ended() -> None:
    title, text = "HighErrorRate (checkout)", DETAILED_TEXT
    (firing,) = slack_message.parse(attached(title=f"[FIRING:1] {title}", text=text))
    (resolved,) = slack_message.parse(
        attached(title=f"[RESOLVED] {title}", text=text.replace("x2x4z", "abcde").replace("5xx above 5", "calm"))
    )

    assert resolved.status is AlertStatus.RESOLVED
    assert resolved.ends_at is not None
    assert firing.fingerprint == resolved.fingerprint


def test_different_services_are_different_alerts() -> None:
    title = "[FIRING:1] HighErrorRate"
    (one,) = slack_message.parse(attached(title=title, text="*service:* `cart`"))
    (other,) = slack_message.parse(attached(title=title, text="*service:* `checkout`"))

    assert one.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    "event",
    [
        message(attachments=[], text="good morning"),
        message(attachments=[], text="FIRING everyone? no."),
        message(attachments=[], text="[INFO] deploy done"),
        message(attachments=[], text="", blocks=[{"type": "divider"}]),
        message(attachments=None, text=None),
        message(attachments="x", blocks={"a": 1}, text=5),
    ],
)
def test_a_message_that_is_no_alert_gives_none(event: dict[str, Any]) -> None:
    assert slack_message.parse(event) == ()


@pytest.mark.parametrize("ts", [None, "", "soon", "nan", "1e400"])
def test_an_alert_without_its_time_names_the_field(ts: str | None) -> None:
    with pytest.raises(MalformedAlert, match="ts"):
        slack_message.parse(message(ts=ts))
