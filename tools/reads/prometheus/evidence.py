"""Answers of Prometheus -> Evidence: what was measured, in words that can be quoted. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from tools.charts import MOST_CURVES, Chart, Curve, amount, in_words, sentence, written
from tools.evidence import Evidence, Trust, evidence
from tools.reads.prometheus.expressions import metric_of, unit_of
from tools.reads.prometheus.views import AlertRule, Answer, Series, Target
from tools.redaction import redact

SHOWN = 30
_NAME = re.compile(r"[\w.:/@=%+-]{0,120}")


def of_instant(answer: Answer, at: datetime) -> Evidence:
    """What an expression gives now."""
    unit = unit_of(answer.expression)
    lines = [
        f"{one.name or 'value'} {amount(one.latest.value, unit) if one.latest else 'no number'}"
        for one in answer.series
    ]
    first = lines[0] if lines else "nothing: no series matches, which is not the same as zero"
    return evidence(
        tool="prom_query",
        query=_asked(answer.expression),
        summary=f"{len(lines)} series: {first}"[:300] if len(lines) > 1 else first[:300],
        excerpt="\n".join((*lines[:SHOWN], *_partial(answer, len(lines) - SHOWN))) or "no series",
        at=at,
        trust=_trust(answer.series),
    )


def of_range(answer: Answer, title: str, at: datetime) -> Evidence:
    """What an expression gave over time, as a chart of its first series."""
    if not answer.series:
        return of_nothing(answer, at)
    chart = Chart(
        title=title,
        measures=metric_of(answer.expression),
        unit=unit_of(answer.expression),
        curves=curves(answer.series),
    )
    return of_chart(chart, answer, at)


def of_chart(chart: Chart, answer: Answer, at: datetime) -> Evidence:
    """A chart with where its numbers come from."""
    told = sentence(chart) if chart.onset else in_words(chart.worst, chart.unit)
    return evidence(
        tool="prom_query_range",
        query=_asked(answer.expression),
        summary=told[:300],
        excerpt="\n".join((written(chart), *_partial(answer, len(answer.series) - len(chart.curves)))),
        at=at,
        trust=_trust(answer.series),
    )


def of_nothing(answer: Answer, at: datetime) -> Evidence:
    """That an expression gave no series."""
    return evidence(
        tool="prom_query_range",
        query=_asked(answer.expression),
        summary="no series matches, which is not the same as zero",
        excerpt="\n".join(("no series", *answer.partial)),
        at=at,
        trust=Trust.STATUS,
    )


def of_rules(rules: Sequence[AlertRule], at: datetime) -> Evidence:
    """Alerting rules, with the expressions they run."""
    lines = [_rule_line(one) for one in rules[:SHOWN]]
    return evidence(
        tool="prom_alert_rule",
        query=", ".join(dict.fromkeys(one.name for one in rules[:SHOWN])) or "none",
        summary=f"{len(rules)} alerting rules" if len(rules) != 1 else f"{rules[0].name} is {rules[0].state}",
        excerpt="\n".join(lines) or "no such rule",
        at=at,
        trust=Trust.STATUS,
    )


def of_targets(down: Sequence[Target], scraped: int, about: str, at: datetime) -> Evidence:
    """The targets that are down, of those that were asked about."""
    lines = [target_line(one) for one in down[:SHOWN]]
    if len(down) > SHOWN:
        lines.append(f"and {len(down) - SHOWN} more")
    return evidence(
        tool="prom_targets",
        query=about or "every target",
        summary=f"{len(down)} of {scraped} targets are down",
        excerpt=redact("\n".join(lines)) or f"{scraped} targets, none of them down",
        at=at,
        trust=Trust.TEXT if any(one.last_error for one in down) else Trust.STATUS,
    )


def _rule_line(rule: AlertRule) -> str:
    fails = f"; evaluating it fails: {rule.last_error}" if rule.last_error else ""
    holds = f"{_line(rule.query)} for {rule.seconds:g} s"
    return f"{rule.name} ({rule.group}) is {rule.state}: {holds}; labels {_pairs(rule.labels)}{fails}"


def target_line(target: Target) -> str:
    """`job="web", instance="10.0.0.3:8080" is down: connection refused`."""
    why = f": {target.last_error}" if target.last_error else ""
    return f"{_pairs(target.labels)} is {target.health}{why}"


def curves(series: Iterable[Series]) -> tuple[Curve, ...]:
    """Series as curves of a chart, named by the labels in which they differ."""
    shown = [one for one in series if one.points][:MOST_CURVES] or list(series)[:1]
    same = set.intersection(*(set(one.labels.items()) for one in shown)) if len(shown) > 1 else set()
    return tuple(Curve(name=_differing(one, same), points=one.points) for one in shown)


def _differing(series: Series, same: set[tuple[str, str]]) -> str:
    own = {key: value for key, value in series.labels.items() if (key, value) not in same and key != "__name__"}
    return _pairs(own) if own else series.labels.get("__name__", "")


def _trust(series: Iterable[Series]) -> Trust:
    """Numbers are Prometheus' own; a label value that reads like a sentence was written by who knows whom."""
    named = all(_NAME.fullmatch(value) for one in series for value in one.labels.values())
    return Trust.STATUS if named else Trust.TEXT


def _partial(answer: Answer, more: int) -> list[str]:
    return [*([f"and {more} more series"] if more > 0 else []), *answer.partial]


def _asked(expression: str) -> str:
    return _line(expression)[:300]


def _line(text: str) -> str:
    return " ".join(redact(text).split())


def _pairs(labels: Mapping[str, str]) -> str:
    return ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items()) if name != "__name__") or "none"
