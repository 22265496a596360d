"""Whatever arrives, a parser answers with alerts or says what is malformed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from bot.alerts import MalformedAlert, ParsedAlert, alertmanager, cloudwatch, slack_message

Parser = Callable[[bytes], tuple[ParsedAlert, ...]]
PAYLOADS = [
    json.loads(path.read_text())["body"] for path in sorted((Path(__file__).parent / "payloads").glob("*.json"))
]
SLACK: dict[str, Any] = {
    "ts": "1795252100.000007",
    "text": "[FIRING:1] A (b)",
    "attachments": [{"title": "[FIRING:1] A", "fields": [{"title": "env", "value": "prod"}]}],
    "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x"}}],
}
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def slack(body: bytes) -> tuple[ParsedAlert, ...]:
    """The Slack parser, which takes an event as Bolt read it."""
    event = json.loads(body)
    return slack_message.parse(event) if isinstance(event, dict) else ()


@some.composite
def spoiled(draw: some.DrawFn, values: list[Any]) -> bytes:
    """A real message with one of its parts replaced by anything; inside SNS' Message, too."""
    message = json.loads(json.dumps(draw(some.sampled_from(values))))
    inner = message.get("Message")
    if isinstance(inner, str) and inner.startswith("{") and draw(some.booleans()):
        nested = json.loads(inner)
        _spoil(draw, nested)
        message["Message"] = json.dumps(nested)
    else:
        _spoil(draw, message)
    return json.dumps(message).encode()


def _spoil(draw: some.DrawFn, message: Any) -> None:
    place = message
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw(some.sampled_from(keys))
        if isinstance(place[key], dict | list) and place[key] and draw(some.booleans()):
            place = place[key]
            continue
        place[key] = draw(JSON)
        return


@pytest.mark.parametrize("parse", [alertmanager.parse, cloudwatch.parse])
@given(body=some.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=80, deadline=None)
def test_any_bytes_are_alerts_or_malformed(parse: Parser, body: bytes) -> None:
    _alerts_or_malformed(parse, body)


@pytest.mark.parametrize("parse", [alertmanager.parse, cloudwatch.parse])
@given(body=spoiled(PAYLOADS))
@settings(max_examples=250, deadline=None)
def test_a_real_message_with_one_part_spoiled_is_alerts_or_malformed(parse: Parser, body: bytes) -> None:
    _alerts_or_malformed(parse, body)


@given(body=spoiled([SLACK]))
@settings(max_examples=250, deadline=None)
def test_a_slack_message_with_one_part_spoiled_is_an_alert_or_malformed(body: bytes) -> None:
    _alerts_or_malformed(slack, body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"version": "4", "groupKey": "\\ud800", "alerts": []}',
        b'{"version": "4", "groupKey": "k", "alerts": [], "truncatedAlerts": ' + b"9" * 5000 + b"}",
    ],
)
@pytest.mark.parametrize("parse", [alertmanager.parse, cloudwatch.parse])
def test_known_nuisances_are_alerts_or_malformed(parse: Parser, body: bytes) -> None:
    _alerts_or_malformed(parse, body)


def test_half_a_character_is_replaced_where_it_would_be_stored() -> None:
    alert = PAYLOADS[0]["alerts"][0] | {"labels": {"alertname": "half"}}
    body = json.dumps(PAYLOADS[0] | {"alerts": [alert]}).replace('"half"', '"\\ud800"').encode()

    (parsed,) = alertmanager.parse(body)

    assert parsed.labels == {"alertname": "?"}


def _alerts_or_malformed(parse: Parser, body: bytes) -> None:
    try:
        alerts = parse(body)
    except MalformedAlert as malformed:
        assert str(malformed)  # noqa: PT017 (either ending is right)
        return
    # Whatever passed can be stored.
    assert [ParsedAlert.model_validate_json(one.model_dump_json()) for one in alerts] == list(alerts)
