"""The checks of one resource against its metrics in a picture, and the findings made of what they came to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tools.diagnosis.aws.catalogue import role_of
from tools.diagnosis.aws.health import BAD, Health, Reason, counter, judged, ratio
from tools.diagnosis.aws.thresholds import THRESHOLDS
from tools.evidence import Evidence, EvidenceId, Finding, Role, Severity
from tools.reads.aws import evidence
from tools.reads.aws.views import Alarm, AlarmState, Picture, Series
from tools.resources import Resource


@dataclass(frozen=True)
class Checks:
    """The metrics of one resource: where CloudWatch keeps them, and the picture they are in."""

    picture: Picture
    namespace: str
    dimensions: Mapping[str, str] = field(default_factory=dict)

    def series(self, metric: str, statistic: str, period: int = 60) -> Series | None:
        """One of its metrics."""
        return self.picture.metric(self.namespace, metric, statistic, dict(self.dimensions), period)

    def metric(self, check: str, metric: str, statistic: str, what: str, scale: float = 1.0) -> Reason:
        """One metric against its threshold; the alarm's own judgement counts where it watches this very metric."""
        series = self.series(metric, statistic, THRESHOLDS[check].period)
        return self._heeded(judged(check, series, self.picture.at, what, scale), metric, what)

    def ratio(self, check: str, part: str, whole: str, what: str) -> Reason:
        """One counter in percent of another. No alarm is heeded: its owner may count without looking at the traffic."""
        return ratio(check, self.series(part, "Sum"), self.series(whole, "Sum"), self.picture.at, what)

    def counter(self, check: str, part: str, whole: str, what: str) -> Reason:
        """A counter that AWS publishes only when there is something to count; `whole` shows that anything happened."""
        found = counter(check, self.series(part, "Sum"), self.series(whole, "Sum"), self.picture.at, what)
        return self._heeded(found, part, what)

    def _heeded(self, reason: Reason, metric: str, what: str) -> Reason:
        """The reason, made bad where the owner's alarm on this metric rings and its latest datapoint still says so."""
        alarm, watched = self.picture.alarm, self.picture.watched
        if reason.health in BAD or alarm is None or watched is None or not self._watches(alarm, metric):
            return reason
        below = alarm.comparison.startswith("Less")
        recent = watched.recent(self.picture.at)
        if alarm.state is not AlarmState.ALARM or alarm.threshold is None or not recent:
            return reason
        latest = recent[-1].value
        beyond = latest < alarm.threshold if below else latest > alarm.threshold
        if below is not THRESHOLDS[reason.check].below or not beyond:
            return reason
        ids = (*reason.evidence_ids, *(one.id for one in _of_alarm(alarm, watched, self.picture)))
        said = f"{what} is beyond the limit its owner set: {latest:g} against {alarm.threshold:g} ({alarm.name})"
        changed = {"health": Health.UNHEALTHY, "said": said, "since": alarm.since, "evidence_ids": ids, "alarmed": True}
        return reason.model_copy(update=changed)

    def _watches(self, alarm: Alarm, metric: str) -> bool:
        return (alarm.namespace, alarm.metric) == (self.namespace, metric) and (
            self.dimensions.items() <= alarm.dimensions.items()
        )


def _of_alarm(alarm: Alarm, watched: Series, picture: Picture) -> tuple[Evidence, ...]:
    return evidence.of_alarm(alarm, picture.at), evidence.of_series(watched, picture.at)


def found(
    code: str,
    title: str,
    statement: str,
    resource: Resource,
    ids: Iterable[EvidenceId],
    strength: int,
    severity: Severity = Severity.SEV2,
    *,
    since: datetime | None = None,
    role: Role | None = None,
) -> Finding:
    """A finding; its role is the catalogue's unless the facts say otherwise (a fault that a change brought)."""
    return Finding(
        code=code,
        title=title,
        statement=statement,
        severity=severity,
        confidence=max(1, min(10, strength)),
        resource=resource,
        evidence_ids=tuple(dict.fromkeys(ids)),
        role=role or role_of(code),
        since=since,
    )


def severity(reason: Reason) -> Severity:
    """How much a check that went wrong hurts."""
    return Severity.SEV2 if reason.health is Health.UNHEALTHY else Severity.SEV3
