"""How well a resource is, from numbers. Pure; missing data is unknown and never green, little traffic says nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

from tools.diagnosis.aws.thresholds import FEWEST_DAYS, THRESHOLDS, UNUSUAL, Threshold
from tools.evidence import Evidence, EvidenceId, Trust
from tools.evidence import evidence as evidenced
from tools.reads.aws import evidence
from tools.reads.aws.views import Datapoint, Series, Utc
from tools.resources import Resource
from tools.values import Value

LATE = timedelta(minutes=5)
"""How long a datapoint of CloudWatch may be under way."""
MAD_TO_SIGMA = 1.4826


class Health(StrEnum):
    """How well something is, best first, and unknown."""

    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    UNHEALTHY = "UNHEALTHY"
    UNKNOWN = "UNKNOWN"


class Reason(Value):
    """One thing looked at on a resource, and what it came to."""

    check: str
    """The threshold's name, or a word for a state (`status`)."""
    health: Health
    said: str
    value: float | None = None
    since: Utc | None = None
    evidence_ids: tuple[EvidenceId, ...] = ()
    alarmed: bool = False
    """Whether it is bad because an alarm of its owner says so, by a limit of the owner's own."""
    workings: tuple[Evidence, ...] = ()
    """The arithmetic behind a bad metric: what is said of it stands in no datapoint."""
    decisive: bool = True
    """Whether it is enough to call the resource healthy: being switched on is not."""


class Verdict(Value):
    """How well one resource is, and why."""

    resource: Resource
    health: Health
    reasons: tuple[Reason, ...] = ()

    def reason(self, check: str) -> Reason | None:
        """What one check came to."""
        return next((one for one in self.reasons if one.check == check), None)

    def bad(self, check: str) -> Reason | None:
        """What one check came to, where that is bad."""
        found = self.reason(check)
        return found if found is not None and found.health in BAD else None

    @property
    def summary(self) -> str:
        """The reasons for its health, in a few words."""
        said = [one.said for one in self.reasons if one.health is self.health]
        return "; ".join(said[:3]) or "nothing is known of it"


BAD = frozenset({Health.DEGRADED, Health.UNHEALTHY})


def verdict(resource: Resource, reasons: Iterable[Reason]) -> Verdict:
    """The worst of its reasons. Unknown where nothing is known to be bad and nothing decisive is known to be well."""
    all_ = tuple(reasons)
    seen = {one.health for one in all_ if one.decisive or one.health is not Health.HEALTHY}
    worst = next((one for one in (Health.UNHEALTHY, Health.DEGRADED, Health.HEALTHY) if one in seen), Health.UNKNOWN)
    return Verdict(resource=resource, health=worst, reasons=all_)


def state(check: str, said: str, health: Health, *ids: EvidenceId, since: datetime | None = None) -> Reason:
    """What the provider's own status came to: it can show that something is ill, and not that it is well."""
    return Reason(check=check, health=health, said=said, since=since, evidence_ids=ids, decisive=False)


def count(check: str, said: str, health: Health, *ids: EvidenceId, since: datetime | None = None) -> Reason:
    """What counting came to (tasks that run, targets that take traffic): that shows both."""
    return Reason(check=check, health=health, said=said, since=since, evidence_ids=ids)


def judged(check: str, series: Series | None, at: datetime, what: str, scale: float = 1.0) -> Reason:
    """A metric against its threshold; `scale` turns its values into the threshold's unit."""
    limit = THRESHOLDS[check]
    if series is None:
        return Reason(check=check, health=Health.UNKNOWN, said=f"{what} was not read")
    ids = (evidence.of_series(series, at).id,)
    points = tuple(Datapoint(at=one.at, value=one.value * scale) for one in series.points)
    return _worked(_judged(check, limit, points, at, what), limit, points, series, at, ids)


def ratio(check: str, part: Series | None, whole: Series | None, at: datetime, what: str) -> Reason:
    """Percent of one counter in another. Where there is traffic, a counter without datapoints is zero: AWS publishes
    some only when there is something to count.
    """
    limit = THRESHOLDS[check]
    if part is None or whole is None:
        return Reason(check=check, health=Health.UNKNOWN, said=f"{what} was not read")
    ids = tuple(evidence.of_series(one, at).id for one in (part, whole))
    traffic = sum(one.value for one in _last(whole.points, limit, at))
    if traffic < limit.traffic:
        said = f"not enough traffic to tell {what} ({traffic:.0f} of {limit.traffic:.0f} requests)"
        return Reason(check=check, health=Health.UNKNOWN, said=said, evidence_ids=ids)
    counted = {one.at: one.value for one in part.points}
    points = tuple(
        Datapoint(at=one.at, value=100 * counted.get(one.at, 0.0) / one.value) for one in whole.points if one.value > 0
    )
    return _worked(_judged(check, limit, points, at, what), limit, points, part, at, ids)


def counter(check: str, part: Series | None, whole: Series | None, at: datetime, what: str) -> Reason:
    """A counter that is published only when there is something to count: zero where `whole` shows traffic."""
    limit = THRESHOLDS[check]
    if part is None or whole is None:
        return Reason(check=check, health=Health.UNKNOWN, said=f"{what} was not read")
    ids = tuple(evidence.of_series(one, at).id for one in (part, whole))
    counted = {one.at: 0.0 for one in whole.points} | {one.at: one.value for one in part.points}
    points = [Datapoint(at=when, value=value) for when, value in sorted(counted.items())]
    return _worked(_judged(check, limit, points, at, what), limit, points, part, at, ids)


def unusual(recent: float, baseline: Series | None, at: datetime) -> float | None:
    """How far the last hour's sum lies from the same hour of the last seven days, as a robust z; None is unknown.

    z = (x - median) / (1.4826 * MAD), with a tenth of the median as the least deviation.
    """
    if baseline is None:
        return None
    same = [one.value for one in baseline.points if _same_hour(one.at, at)]
    if len(same) < FEWEST_DAYS:
        return None
    middle = median(same)
    spread = max(MAD_TO_SIGMA * median(abs(one - middle) for one in same), middle / 10, 1.0)
    return (recent - middle) / spread


def surge(recent: float, baseline: Series | None, at: datetime) -> str | None:
    """In words, how unusual the traffic is; None where it is usual or nothing is known."""
    z = unusual(recent, baseline, at)
    if z is None or abs(z) <= UNUSUAL or baseline is None:
        return None
    middle = median(one.value for one in baseline.points if _same_hour(one.at, at))
    return f"{recent:.0f} in the last hour, usually about {middle:.0f} at this hour"


def last_hour(series: Series | None, at: datetime) -> float:
    """The sum of the last hour's datapoints."""
    since = at - timedelta(hours=1)
    return sum(one.value for one in series.points if one.at >= since) if series else 0.0


def growing(series: Series | None, at: datetime) -> bool:
    """Whether the last datapoints rise: the newest is above the oldest of the last quarter of an hour."""
    points = series.recent(at) if series else ()
    return len(points) > 1 and points[-1].value > points[0].value


def _same_hour(then: datetime, at: datetime) -> bool:
    age = at - timedelta(hours=1) - then
    days = round(age / timedelta(days=1))
    return 1 <= days <= 7 and abs(age - days * timedelta(days=1)) <= timedelta(minutes=30)


def _judged(check: str, limit: Threshold, points: Sequence[Datapoint], at: datetime, what: str) -> Reason:
    recent = _last(points, limit, at)
    if not recent:
        return Reason(check=check, health=Health.UNKNOWN, said=f"{what} has no recent datapoints: unknown")
    value = recent[-1].value
    for level, bound in ((Health.UNHEALTHY, limit.critical), (Health.DEGRADED, limit.warn)):
        if bound is not None and sum(_beyond(one.value, bound, limit) for one in recent) >= limit.breaching:
            worst = [one.value for one in recent if _beyond(one.value, bound, limit)][-1]
            said = f"{what} is {_number(worst, limit)}, {'below' if limit.below else 'above'} {_number(bound, limit)}"
            return Reason(check=check, health=level, said=said, value=worst, since=_since(points, bound, limit, at))
    bounds = [one for one in (limit.warn, limit.critical) if one is not None]
    missing = limit.windows - len(recent)
    if any(sum(_beyond(one.value, bound, limit) for one in recent) + missing >= limit.breaching for bound in bounds):
        said = f"{what} is {_number(value, limit)}, too few datapoints to tell"
        return Reason(check=check, health=Health.UNKNOWN, said=said, value=value)
    return Reason(check=check, health=Health.HEALTHY, said=f"{what} is {_number(value, limit)}", value=value)


def _worked(
    reason: Reason,
    limit: Threshold,
    points: Sequence[Datapoint],
    series: Series,
    at: datetime,
    ids: tuple[EvidenceId, ...],
) -> Reason:
    """The reason with what it cites, and where it is bad with its arithmetic: of the same tool, so no second source."""
    if reason.health not in BAD:
        return reason.model_copy(update={"evidence_ids": ids})
    windows = "\n".join(f"{one.at:%H:%M} {_number(one.value, limit)}" for one in _last(points, limit, at))
    since = f", since {reason.since:%H:%M} UTC" if reason.since else ""
    bad = f"bad when {limit.breaching} of the last {limit.windows} are ({limit.source}){since}"
    working = evidenced(
        tool="aws_metric",
        query=f"{series.region} {series.namespace} check {reason.check}",
        summary=reason.said,
        excerpt=f"{windows}\n{reason.said}; {bad}",
        at=at,
        trust=Trust.STATUS,
    )
    return reason.model_copy(update={"evidence_ids": (*ids, working.id), "workings": (working,)})


def _last(points: Sequence[Datapoint], limit: Threshold, at: datetime) -> list[Datapoint]:
    """The datapoints of the threshold's windows; the newest may still be under way."""
    since = at - limit.windows * timedelta(seconds=limit.period) - LATE
    return [one for one in points if since <= one.at <= at][-limit.windows :]


def _beyond(value: float, bound: float, limit: Threshold) -> bool:
    if value == bound:
        return limit.inclusive
    return value < bound if limit.below else value > bound


def _since(points: Sequence[Datapoint], bound: float, limit: Threshold, at: datetime) -> datetime | None:
    """When it began: back from now, over single datapoints that were fine."""
    began, fine = None, 0
    for one in reversed([point for point in points if point.at <= at]):
        if _beyond(one.value, bound, limit):
            began, fine = one.at, 0
        elif began is not None and (fine := fine + 1) > 1:
            break
    return began


def _number(value: float, limit: Threshold) -> str:
    shown = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    unit = limit.unit
    return f"{shown} {unit}" if unit and not unit.startswith("%") else f"{shown}{' ' if unit else ''}{unit}"
