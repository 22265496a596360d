"""A metric over time as people are shown it: a few curves, the threshold, and when it began. Values and their words.

A chart travels inside a piece of evidence: `written` puts its numbers into the excerpt as plain lines a person can
read, and `chart_of` reads them back, so that the record keeps one thing and not two. How it is drawn is for views.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from tools.evidence import Evidence
from tools.values import Value

MOST_CURVES = 5
"""Slack draws six lines; the threshold is one of them."""
RANGES = frozenset({"prom_query_range"})
"""Reads whose excerpt holds a chart as `written` words it."""
Comparison = Literal[">", ">=", "<", "<=", "==", "!="]


class Point(Value):
    """A value at a time."""

    at: AwareDatetime
    value: float


class Curve(Value):
    """One line of a chart, oldest point first. Where nothing was measured, there is no point."""

    name: str
    points: tuple[Point, ...]

    @property
    def latest(self) -> Point | None:
        """The newest point."""
        return self.points[-1] if self.points else None


class Chart(Value):
    """A metric over time. `unit` is `ratio`, `%`, `s`, `bytes` or empty; `onset` is when the alert began."""

    title: str
    measures: str = ""
    """The name of the metric, where it is one."""
    unit: str = ""
    curves: Annotated[tuple[Curve, ...], Field(min_length=1, max_length=MOST_CURVES)]
    threshold: float | None = None
    comparison: Comparison = ">"
    onset: AwareDatetime | None = None

    @property
    def worst(self) -> Curve:
        """The curve that is furthest on the wrong side now."""
        sign = -1 if self.comparison.startswith("<") else 1
        return max(self.curves, key=lambda one: sign * one.latest.value if one.latest else -math.inf)


def amount(value: float, unit: str = "") -> str:
    """A value as people say it: `8.2 %`, `1.5 GiB`, `0.42 s`, `12,345`."""
    match unit:
        case "ratio":
            return f"{_plain(value * 100)} %"
        case "%":
            return f"{_plain(value)} %"
        case "bytes":
            step = min(max(int(math.log(max(abs(value), 1), 1024)), 0), 4)
            return f"{_plain(value / 1024**step)} {('B', 'KiB', 'MiB', 'GiB', 'TiB')[step]}"
        case _:
            return f"{_plain(value)} {unit}".strip()


def sentence(chart: Chart) -> str:
    """The chart in one sentence: what it was, what it is, and what it should not be. Times are UTC."""
    worst = chart.worst
    if worst.latest is None:
        return f"{chart.title}: no values were recorded."
    earlier = [one.value for one in worst.points if chart.onset is None or one.at < chart.onset][:-1]
    was = f"{amount(median(earlier), chart.unit)} → " if earlier else ""
    since = f" since {chart.onset:%H:%M} UTC" if chart.onset is not None else ""
    limit = f", threshold {chart.comparison} {_limit(chart)}" if chart.threshold is not None else ""
    extreme = _extreme(chart, worst)
    most = "lowest" if chart.comparison.startswith("<") else "highest"
    peak = (
        f"; {most} {amount(extreme.value, chart.unit)} at {extreme.at:%H:%M}"
        if extreme.value != worst.latest.value
        else ""
    )
    named = f" ({worst.name})" if worst.name and len(chart.curves) > 1 else ""
    measured = f"{chart.measures} " if chart.measures else ""
    return f"{chart.title}{named}: {measured}{was}{amount(worst.latest.value, chart.unit)}{since}{limit}{peak}."


def written(chart: Chart) -> str:
    """The chart as lines of an excerpt: its numbers in words, and every point, for people, models and `chart_of`."""
    return "\n".join(_lines(chart))


def chart_of(evidence: Iterable[Evidence]) -> Chart | None:
    """The first chart in some evidence: of a Prometheus range, else of a CloudWatch metric with its alarm's rule."""
    pieces = list(evidence)
    for piece in pieces:
        if piece.tool in RANGES and (found := _parsed(piece.excerpt)) is not None:
            return found
    rule = next((match for one in pieces if one.tool == "aws_alarm" and (match := _RULE.search(one.excerpt))), None)
    watched = (one for one in pieces if one.tool == "aws_metric")
    return next((found for one in watched if (found := _of_cloudwatch(one, rule)) is not None), None)


def _lines(chart: Chart) -> Iterator[str]:
    yield f"chart: {' '.join(chart.title.split())}"
    if chart.measures:
        yield f"metric: {chart.measures}"
    if chart.unit:
        yield f"unit: {chart.unit}"
    if chart.threshold is not None:
        yield f"threshold: {chart.comparison} {chart.threshold!r}"
    if chart.onset is not None:
        yield f"onset: {chart.onset.isoformat()}"
    for curve in chart.curves:
        yield f"series {curve.name or 'of this metric'}: {in_words(curve, chart.unit)}"
        for start, step, values in _runs(curve):
            yield f"  from {start.isoformat()} every {step:g} s: {' '.join(f'{value:.6g}' for value in values)}"


def in_words(curve: Curve, unit: str = "") -> str:
    """`now 8.2 %, was 0.4 % at 08:14, lowest 0.4 % at 08:14, highest 9.1 % at 09:10`."""
    if not curve.points:
        return "no values"
    first, last = curve.points[0], curve.points[-1]
    low, high = (choose(curve.points, key=lambda one: one.value) for choose in (min, max))
    return (
        f"now {amount(last.value, unit)}, was {amount(first.value, unit)} at {first.at:%H:%M}, "
        f"lowest {amount(low.value, unit)} at {low.at:%H:%M}, highest {amount(high.value, unit)} at {high.at:%H:%M}"
    )


def _runs(curve: Curve) -> Iterator[tuple[datetime, float, list[float]]]:
    """The points as runs of even steps: a gap begins a new run."""
    if not curve.points:
        return
    steps = [(after.at - before.at).total_seconds() for before, after in pairwise(curve.points)]
    step = min(steps, default=60.0)
    start, values = curve.points[0].at, [curve.points[0].value]
    for point, gap in zip(curve.points[1:], steps, strict=True):
        if gap != step:
            yield start, step, values
            start, values = point.at, []
        values.append(point.value)
    yield start, step, values


_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
_THRESHOLD = re.compile(rf"threshold: (>=|<=|==|!=|>|<) ({_NUMBER})")
_SERIES = re.compile(r"series (.+?): (?:now .*|no values)")
_RUN = re.compile(rf"  from (\S+) every ({_NUMBER}) s: ({_NUMBER}(?: {_NUMBER})*)")


def _parsed(excerpt: str) -> Chart | None:
    """What `written` wrote; None where the text is none of its own."""
    lines = excerpt.splitlines()
    headers = dict(line.split(": ", 1) for line in lines if ": " in line and not line.startswith(("series ", " ")))
    limit = next((match for line in lines if (match := _THRESHOLD.fullmatch(line))), None)
    curves: list[tuple[str, list[Point]]] = []
    try:
        for line in lines:
            if match := _SERIES.fullmatch(line):
                curves.append(("" if match[1] == "of this metric" else match[1], []))
            elif (match := _RUN.fullmatch(line)) and curves:
                curves[-1][1].extend(_points(match))
        return Chart(
            title=headers.get("chart", "metric"),
            measures=headers.get("metric", ""),
            unit=headers.get("unit", ""),
            curves=tuple(Curve(name=name, points=tuple(points)) for name, points in curves[:MOST_CURVES]),
            threshold=float(limit[2]) if limit else None,
            comparison=limit[1] if limit else ">",
            onset=datetime.fromisoformat(headers["onset"]) if "onset" in headers else None,
        )
    except (ValueError, OverflowError):
        return None


def _points(run: re.Match[str]) -> Iterator[Point]:
    start, step = datetime.fromisoformat(run[1]), float(run[2])
    for number, value in enumerate(run[3].split()):
        yield Point(at=start + timedelta(seconds=step * number), value=float(value))


_RULE = re.compile(rf"rule: .* (Greater|Less)Than(OrEqualTo)?Threshold ({_NUMBER})")
_AT = re.compile(rf"(\d\d):(\d\d) ({_NUMBER})")


def _of_cloudwatch(piece: Evidence, rule: re.Match[str] | None) -> Chart | None:
    """The latest datapoints of a CloudWatch metric; their days follow from when they were read."""
    points: list[Point] = []
    before = piece.collected_at
    for line in reversed(piece.excerpt.splitlines()):
        match = _AT.fullmatch(line.strip())
        if match is None or int(match[1]) > 23 or int(match[2]) > 59:
            return None
        at = piece.collected_at.replace(hour=int(match[1]), minute=int(match[2]), second=0, microsecond=0)
        while at > before:
            at -= timedelta(days=1)
        points.insert(0, Point(at=at, value=float(match[3])))
        before = at
    if len(points) < 2:
        return None
    comparison = f"{'>' if rule[1] == 'Greater' else '<'}{'=' if rule[2] else ''}" if rule else ">"
    return Chart(
        title=piece.summary.split(" is ")[0][:120],
        unit="%" if re.search(r"percent|utilization", piece.query, re.IGNORECASE) else "",
        curves=(Curve(name="", points=tuple(points)),),
        threshold=float(rule[3]) if rule else None,
        comparison=comparison,
    )


def _limit(chart: Chart) -> str:
    return amount(chart.threshold or 0.0, chart.unit)


def _extreme(chart: Chart, curve: Curve) -> Point:
    choose = min if chart.comparison.startswith("<") else max
    return choose(curve.points, key=lambda one: one.value)


def _plain(value: float) -> str:
    """Three digits that matter, and no exponent."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if value == 0 or abs(value) >= 0.0001:
        return f"{value:.3g}"
    return f"{value:.6f}".rstrip("0").rstrip(".") or "0"
