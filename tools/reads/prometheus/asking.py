"""Queries, rules and targets, asked of Prometheus and parsed. Anything odd in an answer is left out and said."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from tools.charts import Point
from tools.clients.prometheus import PrometheusReader
from tools.errors import PermanentError
from tools.reads.prometheus.expressions import LONGEST
from tools.reads.prometheus.views import AlertRule, Answer, Series, Target
from tools.redaction import redact
from tools.values import JsonObject, JsonValue

MOST_SERIES = 50
MOST_POINTS = 120
FEW = 3
"""Points of a series that has only just begun."""
LONGEST_LABEL = 200
SECONDS = "5s"
"""How long the server may work on one query."""
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)


def instant(expression: str, at: datetime, reader: PrometheusReader) -> Answer:
    """What an expression gives at one moment."""
    query = {"query": _checked(expression), "time": f"{at.timestamp():.3f}", "timeout": SECONDS}
    data, warnings = reader.data("query", query)
    return _answer(expression, data, warnings)


def over(expression: str, start: datetime, end: datetime, reader: PrometheusReader) -> Answer:
    """What an expression gave between two moments, in at most MOST_POINTS even steps that end at the second one.

    Where all that was measured lies in the last few steps (a new pod, a new rule), these are asked for again, finer.
    """
    step = step_for(end - start)
    found = _over(expression, step, start, end, reader)
    if not found.series or max(len(one.points) for one in found.series) > FEW:
        return found
    closer = timedelta(seconds=FEW * step)
    return _over(expression, step_for(closer, least=1), end - closer, end, reader)


def step_for(span: timedelta, least: int = 15) -> int:
    """Seconds between two points, so that a span has at most MOST_POINTS of them."""
    wanted = max(span.total_seconds() / (MOST_POINTS - 1), least)
    return next((step for step in STEPS if step >= wanted), math.ceil(wanted))


def _over(expression: str, step: int, start: datetime, end: datetime, reader: PrometheusReader) -> Answer:
    last = end.timestamp()
    first = last - (last - start.timestamp()) // step * step
    query = {"query": _checked(expression), "start": f"{first:.3f}", "end": f"{last:.3f}", "step": str(step)}
    data, warnings = reader.data("query_range", query | {"timeout": SECONDS})
    return _answer(expression, data, warnings)


def alert_rules(reader: PrometheusReader) -> tuple[AlertRule, ...]:
    """Every alerting rule Prometheus runs."""
    data, _ = reader.data("rules", {"type": "alert"})
    return tuple(
        _rule(rule, str(group.get("name") or ""))
        for group in _objects(data.get("groups"))
        for rule in _objects(group.get("rules"))
        if rule.get("type") == "alerting" and isinstance(rule.get("query"), str)
    )


def targets(reader: PrometheusReader) -> tuple[Target, ...]:
    """Everything Prometheus scrapes now."""
    data, _ = reader.data("targets", {"state": "active"})
    return tuple(_target(one) for one in _objects(data.get("activeTargets")))


def _checked(expression: str) -> str:
    if len(expression) > LONGEST:
        raise PermanentError(f"an expression of more than {LONGEST} characters is not evaluated")
    return expression


def _answer(expression: str, data: JsonObject, warnings: tuple[str, ...]) -> Answer:
    kind, result = data.get("resultType"), data.get("result")
    missing = [f"Prometheus warns: {redact(one)}" for one in warnings]
    if kind in ("scalar", "string"):
        point = _point(result)
        return Answer(
            expression=expression, series=(Series(labels={}, points=(point,) if point else ()),), partial=tuple(missing)
        )
    raws = _objects(result)
    if len(raws) > MOST_SERIES:
        missing.append(f"only {MOST_SERIES} of {len(raws)} series are shown")
    if any("histogram" in raw or "histograms" in raw for raw in raws):
        missing.append("native histograms are left out")
    series = tuple(_series(raw) for raw in raws[:MOST_SERIES])
    return Answer(expression=expression, series=series, partial=tuple(missing))


def _series(raw: JsonObject) -> Series:
    values = raw.get("values")
    listed = values if isinstance(values, list) else [raw.get("value")]
    points = (_point(one) for one in listed)
    return Series(labels=labels_of(raw.get("metric")), points=tuple(one for one in points if one is not None))


def _point(raw: JsonValue) -> Point | None:
    """`[1795253137, "0.3"]`; None for NaN and the infinities, which are no measurement."""
    match raw:
        case [int() | float() as at, str() as said]:
            try:
                value = float(said)
                if math.isfinite(value):
                    return Point(at=datetime.fromtimestamp(at, UTC), value=value)
            except (ValueError, OverflowError, OSError):
                pass
    return None


def labels_of(raw: JsonValue) -> dict[str, str]:
    """Labels as they may be kept: on one line, redacted, not longer than anyone reads."""
    found = raw.items() if isinstance(raw, Mapping) else ()
    return {
        name[:LONGEST_LABEL]: " ".join(redact(value[:LONGEST_LABEL]).split())
        for name, value in found
        if isinstance(value, str)
    }


def _rule(raw: JsonObject, group: str) -> AlertRule:
    seconds = raw.get("duration")
    return AlertRule(
        name=str(raw.get("name") or ""),
        group=group,
        query=str(raw.get("query")),
        seconds=float(seconds) if isinstance(seconds, int | float) else 0.0,
        labels=labels_of(raw.get("labels")),
        state=str(raw.get("state") or "unknown"),
        health=str(raw.get("health") or "unknown"),
        last_error=redact(str(raw.get("lastError") or "")[:300]),
    )


def _target(raw: JsonObject) -> Target:
    return Target(
        labels=labels_of(raw.get("labels")),
        health=str(raw.get("health") or "unknown"),
        last_error=redact(str(raw.get("lastError") or "")[:300]),
        last_scrape=_moment(raw.get("lastScrape")),
    )


def _moment(raw: JsonValue) -> datetime | None:
    """A time of Go's; its year 1 means never."""
    if not isinstance(raw, str) or raw.startswith("0001"):
        return None
    try:
        read = datetime.fromisoformat(raw)
    except ValueError:
        return None
    return read if read.tzinfo is not None else None


def _objects(raw: JsonValue | Iterable[JsonValue]) -> tuple[JsonObject, ...]:
    return tuple(_each_object(raw)) if isinstance(raw, list) else ()


def _each_object(raw: list[JsonValue]) -> Iterator[JsonObject]:
    return (one for one in raw if isinstance(one, Mapping))
