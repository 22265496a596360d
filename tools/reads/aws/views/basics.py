"""What every service shares: times, alarms, metrics and log lines, as values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime

from tools.values import Value

Utc = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]
"""A time, in UTC whatever it came in: botocore answers some in the machine's own zone."""

DISK_NAMESPACE, DISK_METRIC = "CWAgent", "disk_used_percent"
"""Where the CloudWatch agent reports how full a file system is."""

FRESH = timedelta(minutes=15)
"""An older datapoint says nothing about now."""


class AlarmState(StrEnum):
    """What CloudWatch says of an alarm. INSUFFICIENT_DATA is unknown, never fine."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Alarm(Value):
    """A CloudWatch alarm; `metric` and `namespace` are None for metric maths and composite alarms."""

    region: str
    name: str
    arn: str
    state: AlarmState
    reason: str
    since: Utc
    description: str
    namespace: str | None
    metric: str | None
    dimensions: dict[str, str]
    statistic: str
    period: int
    """Seconds."""
    threshold: float | None
    comparison: str


class AlarmChange(Value):
    """One change of an alarm's state."""

    at: Utc
    before: AlarmState
    after: AlarmState


class Datapoint(Value):
    """One value of a metric, at the beginning of its period."""

    at: Utc
    value: float


class Series(Value):
    """A metric over a window, oldest datapoint first. No datapoints means unknown, not zero."""

    region: str
    namespace: str
    metric: str
    dimensions: dict[str, str]
    statistic: str
    period: int
    """Seconds."""
    points: tuple[Datapoint, ...]

    @property
    def latest(self) -> Datapoint | None:
        """The newest datapoint, if there is any."""
        return self.points[-1] if self.points else None

    def recent(self, at: datetime) -> tuple[Datapoint, ...]:
        """The datapoints of the last quarter of an hour (three periods, where those are longer)."""
        since = at - max(FRESH, 3 * timedelta(seconds=self.period))
        return tuple(one for one in self.points if one.at >= since)


class LogLine(Value):
    """One line of a log group, redacted."""

    at: Utc
    group: str
    text: str
