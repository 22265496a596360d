"""A chart as Slack draws it, and in words for whoever cannot see it or whose Slack does not draw.

Twenty moments, six lines: Slack draws no more. Each moment shows the worst value of its stretch, so that no peak is
lost to the drawing. Where a stretch has no value in one of the lines, the moment is left out: nothing is made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from bot.views.blocks import Block, Rendering, section
from bot.views.signs import Sign
from bot.views.text import inline, plain
from tools.charts import Chart, Curve, sentence

MOST_MOMENTS, LEAST_MOMENTS = 20, 2
TITLE, NAME = 50, 40
THRESHOLD = "threshold"


def drawn(chart: Chart | None, here: Rendering) -> Iterator[Block]:
    """The chart's words, and below them its drawing, where there is one."""
    if chart is None:
        return
    yield section(here.part("chart.words"), [f"{Sign.CHART} {chart_words(chart)}"])
    if (block := chart_block(chart, here.part("chart"))) is not None:
        yield block


def chart_block(chart: Chart, block_id: str) -> Block | None:
    """The drawing; None where there is too little to draw."""
    moments = _moments(chart)
    drawn = [(curve, _values(curve, moments, chart)) for curve in chart.curves]
    kept = [n for n in range(len(moments)) if all(values[n] is not None for _, values in drawn)]
    if len(kept) < LEAST_MOMENTS:
        return None
    labels = _labels([moments[n] for n in kept])
    named = _names([curve for curve, _ in drawn], chart)
    lines = [_line(name, labels, [values[n] for n in kept]) for name, (_, values) in zip(named, drawn, strict=True)]
    if chart.threshold is not None:
        lines.append(_line(THRESHOLD, labels, [_scaled(chart.threshold, chart)] * len(kept)))
    unit = {"ratio": " (%)", "": ""}.get(chart.unit, f" ({chart.unit})")
    return {
        "type": "data_visualization",
        "block_id": block_id,
        "title": plain(chart.title, TITLE - len(unit)) + unit,
        "chart": {"type": "line", "axis_config": {"categories": labels}, "series": lines},
    }


def chart_words(chart: Chart) -> str:
    """The chart in one line of mrkdwn."""
    return inline(sentence(chart), 300)


def _moments(chart: Chart) -> list[datetime]:
    """The ends of even stretches between the first point and the last; only as many as there are points."""
    times = sorted({point.at for curve in chart.curves for point in curve.points})
    if len(times) <= MOST_MOMENTS:
        return times
    step = (times[-1] - times[0]) / (MOST_MOMENTS - 1)
    return [times[-1] - step * (MOST_MOMENTS - 1 - n) for n in range(MOST_MOMENTS)]


def _values(curve: Curve, moments: Sequence[datetime], chart: Chart) -> list[float | None]:
    """The worst value of the stretch that ends at each moment."""
    worst = min if chart.comparison.startswith("<") else max
    found: list[float | None] = []
    before = datetime.min.replace(tzinfo=UTC)
    for moment in moments:
        within = [point.value for point in curve.points if before < point.at <= moment]
        found.append(_scaled(worst(within), chart) if within else None)
        before = moment
    return found


def _scaled(value: float, chart: Chart) -> float:
    """As it is drawn: shares in percent, with as many digits as matter."""
    return float(f"{value * 100 if chart.unit == 'ratio' else value:.4g}")


def _labels(moments: Sequence[datetime]) -> list[str]:
    """Times of day in UTC, each different from all others: with seconds, or the day, where it takes them."""
    for form in ("%H:%M", "%H:%M:%S", "%d %b %H:%M"):
        labels = [moment.astimezone(UTC).strftime(form) for moment in moments]
        if len(set(labels)) == len(labels):
            return labels
    return [f"{n + 1}. {label}" for n, label in enumerate(labels)]


def _names(curves: Sequence[Curve], chart: Chart) -> list[str]:
    """A name for each line, each different from all others."""
    names: list[str] = []
    for curve in curves:
        name = plain(curve.name or chart.title, NAME)
        names.append(name if name not in (*names, THRESHOLD) else f"{name[: NAME - 4]} {len(names) + 1}")
    return names


def _line(name: str, labels: Sequence[str], values: Sequence[float | None]) -> Block:
    data = [{"label": label, "value": value} for label, value in zip(labels, values, strict=True)]
    return {"name": name, "data": data}
