"""API server's JSON -> the metrics of a HorizontalPodAutoscaler: where each is and where it should be. Parsing only."""

from __future__ import annotations

from collections.abc import Iterator

from tools.reads.kubernetes.raw import items, obj, text
from tools.reads.kubernetes.views import MetricTarget
from tools.values import JsonObject

TYPES = ("resource", "containerResource", "pods", "object", "external")
"""Members of a metric, one of which is set."""


def metrics(raw: JsonObject) -> Iterator[MetricTarget]:
    """Every metric the spec names, with what the status says of it."""
    now = {_name(found): _spelled(_body(found), "current") for found in items(raw, "status", "currentMetrics")}
    for found in items(raw, "spec", "metrics"):
        name = _name(found)
        yield MetricTarget(name=name, current=now.get(name, ""), target=_spelled(_body(found), "target"))


def _body(raw: JsonObject) -> JsonObject:
    return next((obj(raw, kind) for kind in TYPES if obj(raw, kind)), {})


def _name(raw: JsonObject) -> str:
    """`cpu`, `app/cpu` for one container's, or the metric's own name."""
    body = _body(raw)
    resource, container = text(body, "name"), text(body, "container")
    return text(body, "metric", "name") or (f"{container}/{resource}" if container else resource)


def _spelled(body: JsonObject, side: str) -> str:
    """A share of the request as a percentage, else the quantity."""
    share = text(body, side, "averageUtilization")
    return f"{share}%" if share else text(body, side, "averageValue") or text(body, side, "value")
