"""An alert bot's message in a Slack channel: Alertmanager's and Grafana's Slack notifications.

The fallback where no webhook can be set up, and poorer: Slack is told a title and a text, seldom the labels. Who may
speak as an alert bot is an allow-list of the listener's.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime

from bot.alerts import AlertStatus, MalformedAlert, ParsedAlert
from bot.alerts import fields as read
from tools.redaction import redact
from tools.values import JsonObject, JsonValue

TITLE = re.compile(r"\[(?P<status>FIRING|RESOLVED)(?::\d+)?(?:,\s*RESOLVED(?::\d+)?)?\]\s*(?P<name>[^\s(|<>]+)")
"""How Alertmanager's and Grafana's default templates begin: `[FIRING:1] HighErrorRate demo (cart critical)`."""
PAIR = re.compile(
    r"^[\s•*_-]*(?P<name>[A-Za-z_][A-Za-z0-9_]{0,60})[*_]*\s*[:=][*_]*\s+[`*]*(?P<value>[^`*\n]{1,300})", re.M
)
"""A line of a template that lists labels: `• *severity:* `critical``."""
LINK = re.compile(r"<(https?://[^|>\s]+)(?:\|[^>]*)?>")
VOLATILE = frozenset({"pod", "instance", "replica", "uid", "image", "description", "summary", "runbook_url", "runbook"})
"""Labels and annotations that differ from message to message about the same alert, or say nothing about which it is."""
PROSE = frozenset({"description", "summary", "runbook_url", "runbook", "dashboard", "details", "alert", "graph"})
DEEPEST = 8


def parse(event: JsonObject) -> tuple[ParsedAlert, ...]:
    """The alert in one `message` event, as Bolt hands it to listeners; none where the message is not an alert."""
    parts = [html.unescape(one) for one in _texts(event)]
    found = next((match for part in parts if (match := TITLE.search(part))), None)
    if found is None:
        return ()
    labels = _pairs(parts)
    at = _posted(event)
    status = AlertStatus.FIRING if found["status"] == "FIRING" else AlertStatus.RESOLVED
    name = labels.get("alertname") or found["name"].rstrip("*_`~:,") or "unnamed alert"
    key = _fingerprint(name, labels)
    url = next((link for part in _links(event) if (link := part)), None)
    alert = ParsedAlert(
        fingerprint=key,
        source="slack",
        name=redact(name),
        severity=read.severity(labels.get("severity")),
        status=status,
        service=redact(labels["service"]) if "service" in labels else None,
        environment=read.environment(labels),
        labels=read.shown({name: value for name, value in labels.items() if name not in PROSE}),
        annotations=read.shown({name: value for name, value in labels.items() if name in PROSE}),
        starts_at=at,
        ends_at=at if status is AlertStatus.RESOLVED else None,
        generator_url=redact(url) if url else None,
        group_key=key,
    )
    return (alert,)


def _texts(event: JsonObject) -> Iterator[str]:
    """Every text a reader of the message sees: its own, then its attachments', then its blocks'."""
    yield from _text_of(event.get("text"))
    for attachment in _objects(event.get("attachments")):
        for name in ("title", "pretext", "text"):
            yield from _text_of(attachment.get(name))
        for field in _objects(attachment.get("fields")):
            pair = [*_text_of(field.get("title")), *_text_of(field.get("value"))]
            yield ": ".join(pair)
        yield from _text_of_blocks(attachment.get("blocks"), DEEPEST)
        # The fallback repeats the rest in a line; last, so that it only speaks where nothing else does.
        yield from _text_of(attachment.get("fallback"))
    yield from _text_of_blocks(event.get("blocks"), DEEPEST)


def _text_of_blocks(value: JsonValue, depth: int) -> Iterator[str]:
    """Blocks nest texts in objects and lists, under the key `text`, never deeper than Slack allows."""
    if depth == 0:
        return
    if isinstance(value, list):
        for one in value:
            yield from _text_of_blocks(one, depth - 1)
    elif isinstance(value, dict):
        yield from _text_of(value.get("text"))
        for inner in value.values():
            if not isinstance(inner, str):
                yield from _text_of_blocks(inner, depth - 1)


def _text_of(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value.encode("utf-8", "replace").decode()


def _objects(value: JsonValue) -> list[JsonObject]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _pairs(parts: list[str]) -> dict[str, str]:
    """Labels spelled out in the text, the first of a name winning."""
    found: dict[str, str] = {}
    for part in parts:
        for pair in PAIR.finditer(part):
            found.setdefault(pair["name"].lower(), pair["value"].strip())
    return found


def _links(event: JsonObject) -> Iterator[str]:
    for attachment in _objects(event.get("attachments")):
        yield from _text_of(attachment.get("title_link"))
        for part in _text_of(attachment.get("text")):
            yield from LINK.findall(part)
    for part in _text_of(event.get("text")):
        yield from LINK.findall(part)


def _fingerprint(name: str, labels: dict[str, str]) -> str:
    identity = sorted((key, value) for key, value in labels.items() if key not in VOLATILE | PROSE)
    return hashlib.sha256(json.dumps(["slack", name, identity]).encode()).hexdigest()[:16]


def _posted(event: JsonObject) -> datetime:
    """When the message was posted: Slack's `ts` is seconds, and an id after the dot."""
    said = read.text(event, "ts")
    try:
        return datetime.fromtimestamp(float(said), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise MalformedAlert(f"ts must be a Slack timestamp, not {said[:40]!r}") from error
