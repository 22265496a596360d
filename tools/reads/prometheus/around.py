"""What Prometheus knows around an alert: the series its own rule watches, and the targets that are down beside it.

The expression is the rule's own, as Prometheus runs it; only where no such rule is found, the one in the alert's
address, which somebody else may have written. Either is only ever sent to the Prometheus that is configured.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from tools.charts import Chart
from tools.clients.prometheus import PrometheusReader
from tools.evidence import Evidence
from tools.reads.prometheus import asking, evidence
from tools.reads.prometheus.expressions import metric_of, of_generator, unit_of, watched
from tools.reads.prometheus.views import AlertRule, Answer, Series, Target
from tools.values import Value

BEFORE, LONGEST = timedelta(minutes=45), timedelta(hours=6)
"""How far before the onset the chart begins, and how much it shows at most."""
NAMES = ("service", "deployment", "statefulset", "daemonset", "app", "job_name", "pod", "instance", "node", "job")
"""Labels that say what an alert is about, the telling ones first."""
SCRAPED_BY = ("job", "instance", "namespace", "pod", "service", "node")
"""Labels by which a target belongs to an alert."""


class Watching(Value):
    """The series an alert watches: the expression without its comparison, the series that are the alert's, a chart."""

    rule: AlertRule | None
    answer: Answer
    chart: Chart | None

    def evidence(self, at: datetime) -> Evidence:
        """As it is kept."""
        return evidence.of_chart(self.chart, self.answer, at) if self.chart else evidence.of_nothing(self.answer, at)


def series_of_alert(
    labels: Mapping[str, str], generator_url: str | None, at: datetime, onset: datetime | None, reader: PrometheusReader
) -> Watching | None:
    """The series an alert watches, around its onset; None where Prometheus has no rule for it and it brought none.

    Raises what the client raises, PermanentError too for an expression Prometheus cannot evaluate.
    """
    name = labels.get("alertname", "")
    rule = rule_of(name, labels, asking.alert_rules(reader))
    expression = rule.query if rule is not None else of_generator(generator_url)
    if not expression or expression == name:
        return None
    split = watched(expression)
    start = max(at - LONGEST, min((onset or at) - BEFORE, at - BEFORE))
    found = asking.over(split.expression, start, at, reader)
    own = _nearest(found.series, labels)
    answer = found.model_copy(update={"series": own})
    if not any(one.points for one in own):
        return Watching(rule=rule, answer=answer, chart=None)
    chart = Chart(
        title=f"{name or 'metric'} {_about(labels)}".strip(),
        measures=metric_of(split.expression),
        unit=unit_of(split.expression),
        curves=evidence.curves(_worst_first(own, split.comparison)),
        threshold=split.threshold,
        comparison=split.comparison,
        onset=onset,
    )
    return Watching(rule=rule, answer=answer, chart=chart)


def rule_of(name: str, labels: Mapping[str, str], rules: tuple[AlertRule, ...]) -> AlertRule | None:
    """The rule that fired: of those with the alert's name the one whose own labels agree with most of the alert's.

    A label of a rule may be a template (`{{ $labels.job }}`), which agrees with anything.
    """
    named = [one for one in rules if one.name == name]
    agreeing = [one for one in named if all(_agrees(value, labels.get(key)) for key, value in one.labels.items())]
    ranked = sorted(agreeing or named, key=lambda one: (one.state != "firing", -len(one.labels)))
    return ranked[0] if ranked else None


def down_targets(labels: Mapping[str, str], reader: PrometheusReader) -> tuple[tuple[Target, ...], int]:
    """The targets of what an alert is about that are down, and how many there are of them in all."""
    wanted = {key: labels[key] for key in SCRAPED_BY if labels.get(key)}
    ours = [one for one in asking.targets(reader) if _scrapes(one, wanted)]
    return tuple(one for one in ours if one.health == "down"), len(ours)


def _nearest(series: tuple[Series, ...], alert: Mapping[str, str]) -> tuple[Series, ...]:
    """The alert's own series: those whose labels contradict none of its, and agree with most of what it names.

    An exporter may call by another label what the alert calls `service`, so names are looked for in any label.
    """
    names = {alert[key] for key in NAMES if alert.get(key)}
    scores = [
        (sum((key in alert) + (value in names) for key, value in one.labels.items()), one)
        for one in series
        if all(alert.get(key, value) == value for key, value in one.labels.items())
    ]
    best = max((score for score, _ in scores), default=0)
    return tuple(one for score, one in scores if score == best) or series


def _scrapes(target: Target, wanted: Mapping[str, str]) -> bool:
    shared = [key for key in wanted if key in target.labels]
    # A namespace alone is a neighbourhood, not the thing itself; still, a target down in it is worth knowing.
    return bool(shared) and all(target.labels[key] == wanted[key] for key in shared)


def _agrees(of_rule: str, of_alert: str | None) -> bool:
    return "{{" in of_rule or of_rule == of_alert


def _worst_first(series: tuple[Series, ...], comparison: str) -> list[Series]:
    sign = 1 if comparison.startswith("<") else -1
    with_points = [one for one in series if one.latest is not None]
    return sorted(with_points, key=lambda one: sign * (one.latest.value if one.latest else 0.0))


def _about(labels: Mapping[str, str]) -> str:
    return next((labels[name] for name in NAMES if labels.get(name)), "")
