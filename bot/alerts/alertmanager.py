"""Prometheus Alertmanager's webhook, version 4 (and Grafana's, which is the same with a version of its own).

The group's own status is firing while any alert fires, so every alert is read by its own. Silenced alerts vanish
without a message; nothing here can know.
"""

from __future__ import annotations

from datetime import datetime

from bot.alerts import AlertSource, AlertStatus, MalformedAlert, ParsedAlert
from bot.alerts import fields as read
from tools.redaction import redact
from tools.values import JsonObject

EXPORTERS = frozenset({"kube-state-metrics", "kubelet", "node-exporter", "blackbox", "pushgateway", "cadvisor"})
"""Jobs that report about others: their name is not the service's."""
SERVICE_LABELS = ("service", "app", "deployment", "statefulset", "daemonset", "job")


def parse(body: bytes) -> tuple[ParsedAlert, ...]:
    """The alerts of one webhook call, firing and resolved alike, in its order."""
    message = read.json_object(body, "the body")
    source = _source(message)
    group = read.text(message, "groupKey")
    alerts = read.as_list(message.get("alerts"), "alerts")
    cut = _truncated(message)
    return tuple(
        _alert(read.as_object(one, f"alerts[{n}]"), f"alerts[{n}]", source, group, cut) for n, one in enumerate(alerts)
    )


def _source(message: JsonObject) -> AlertSource:
    match message.get("version"):
        case "4":
            return "alertmanager"
        case "1":
            return "grafana"
        case other:
            raise MalformedAlert(f"version must be 4 (Alertmanager) or 1 (Grafana), not {other!r:.40}")


def _truncated(message: JsonObject) -> dict[str, str]:
    """A note for people where `max_alerts` cut the list."""
    count = message.get("truncatedAlerts") or 0
    if not isinstance(count, int) or isinstance(count, bool):
        raise MalformedAlert("truncatedAlerts must be a number")
    return {"truncated": f"{count} more alerts of this group were left out"} if count > 0 else {}


def _alert(raw: JsonObject, at: str, source: AlertSource, group: str, cut: dict[str, str]) -> ParsedAlert:
    labels = read.texts(raw, "labels", at)
    status = read.text(raw, "status", at)
    if status not in tuple(AlertStatus):
        raise MalformedAlert(f"{at}.status must be firing or resolved, not {status[:40]!r}")
    url = read.optional_text(raw, "generatorURL", at)
    return ParsedAlert(
        fingerprint=read.text(raw, "fingerprint", at),
        source=source,
        name=redact(labels.get("alertname") or "unnamed alert"),
        severity=read.severity(labels.get("severity")),
        status=AlertStatus(status),
        service=_service(labels),
        environment=read.environment(labels),
        labels=read.shown(labels),
        annotations=read.shown({**read.texts(raw, "annotations", at), **cut}),
        starts_at=read.moment(raw, "startsAt", at),
        ends_at=_end(raw, at) if status == AlertStatus.RESOLVED else None,
        generator_url=redact(url) if url else None,
        group_key=group,
    )


def _end(raw: JsonObject, at: str) -> datetime | None:
    """When it ended. Go spells "not yet" as the year 1."""
    said = read.optional_text(raw, "endsAt", at)
    return None if said is None or said.startswith("0001-01-01") else read.moment(raw, "endsAt", at)


def _service(labels: dict[str, str]) -> str | None:
    for name in SERVICE_LABELS:
        if labels.get(name) and labels[name] not in EXPORTERS:
            return redact(labels[name])
    return None
