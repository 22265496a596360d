"""What the metrics say beside what the rules concluded: the alert's own series as evidence, targets that are down,
silences. It adds to a conclusion and changes no cause: a curve says that something is wrong, never why.

Metrics are extra: where they cannot be read there is a gap, and the investigation goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from bot.investigation import rules
from bot.investigation.rules import Conclusion
from storage.tables import Alert
from tools.charts import sentence
from tools.clients import Readers
from tools.clients.prometheus import AlertmanagerReader, PrometheusReader
from tools.errors import PermanentError, TemporaryError
from tools.evidence import Evidence
from tools.redaction import redact

MOST_ALERTS = 3
"""Alerts of one incident whose series are looked at; the first one with values makes the chart."""
MOST_NAMED = 3
FIRING = "firing"


def measured(conclusion: Conclusion, alerts: Sequence[Alert], at: datetime, readers: Readers) -> Conclusion:
    """The conclusion with what Prometheus and Alertmanager know about its alerts."""
    known = [one for one in alerts if "alertname" in one.labels]
    firing = [one for one in known if one.status == FIRING] or known
    if not firing or (readers.prometheus is None and readers.alertmanager is None):
        return conclusion
    seen = _Seen()
    if readers.prometheus is not None:
        seen.attempt("The alert's own metrics", partial(_series, seen, firing, at, readers.prometheus))
        seen.attempt("Scrape targets", partial(_targets, seen, firing[0], at, readers.prometheus))
    if readers.alertmanager is not None:
        seen.attempt("Silences", partial(_silences, seen, firing, readers.alertmanager))
    return _added(conclusion, seen)


@dataclass
class _Seen:
    """What was found so far, in words and as evidence, and what could not be read."""

    evidence: list[Evidence] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """What a person who finds no cause should know."""
    remarks: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)

    def attempt(self, what: str, look: Callable[[], None]) -> None:
        """Look; a failure becomes a gap."""
        try:
            look()
        except (TemporaryError, PermanentError) as error:
            self.gaps.append(f"{what} could not be read: {redact(str(error))}")


def _series(seen: _Seen, alerts: Sequence[Alert], at: datetime, reader: PrometheusReader) -> None:
    from tools.reads.prometheus.around import series_of_alert

    onset = min(one.starts_at for one in alerts)
    named: dict[str, Alert] = {}
    for one in alerts:
        named.setdefault(one.name, one)  # ten pods of one workload are ten alerts of one rule
    for alert in list(named.values())[:MOST_ALERTS]:
        found = series_of_alert(alert.labels, alert.generator_url, at, onset, reader)
        if found is None:
            continue
        seen.evidence.append(found.evidence(at))
        if found.chart is not None:
            seen.told.append(sentence(found.chart))
        else:
            seen.told.append(f"{alert.name} watches a metric that has no values now.")


def _targets(seen: _Seen, alert: Alert, at: datetime, reader: PrometheusReader) -> None:
    from tools.reads.prometheus import evidence
    from tools.reads.prometheus.around import down_targets

    down, scraped = down_targets(alert.labels, reader)
    if not down:
        return
    seen.evidence.append(evidence.of_targets(down, scraped, f"targets of {alert.name}", at))
    named = ", ".join(one.labels.get("instance") or one.labels.get("job") or "unnamed" for one in down[:MOST_NAMED])
    more = f" and {len(down) - MOST_NAMED} more" if len(down) > MOST_NAMED else ""
    told = f"{len(down)} of {scraped} scrape targets beside it are down: {named}{more}."
    seen.told.append(told)
    seen.remarks.append(told)


def _silences(seen: _Seen, alerts: Sequence[Alert], reader: AlertmanagerReader) -> None:
    from tools.reads.alertmanager import asking
    from tools.reads.alertmanager.table import silence_line

    fires, quiet = asking.alerts(reader), asking.silences(reader)
    for alert in alerts[:MOST_ALERTS]:
        for silence in asking.silences_of(alert.labels, fires, quiet):
            seen.remarks.append(f"{alert.name} is {silence_line(silence)}")


def _added(conclusion: Conclusion, seen: _Seen) -> Conclusion:
    """What was seen, beside what was concluded. Where no cause is known, what the metrics did comes first."""
    advice = conclusion.advice
    if seen.told and not conclusion.proposal.findings:
        rest = advice if advice and advice != rules.NOTHING_KNOWN else "No rule knows the cause: a person has to look."
        advice = " ".join((*seen.told, rest))
    return conclusion.model_copy(
        update={
            "evidence": (*conclusion.evidence, *seen.evidence),
            "remarks": (*conclusion.remarks, *dict.fromkeys(seen.remarks)),
            "gaps": (*conclusion.gaps, *seen.gaps),
            "advice": advice,
        }
    )
