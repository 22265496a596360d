"""The passing of time: every step each subject moves on, its metric is published and its alarm follows the metric.

moto evaluates no alarms, so their state is set here, as a function of the level and the threshold.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from deploy.sandbox.aws.notifications import Change
from deploy.sandbox.aws.seed import ACCOUNT, REGION, AlarmSpec, Cloud
from deploy.sandbox.aws.subjects import Subject
from deploy.sandbox.aws.wire import Effect

HISTORY_MINUTES = 60
BROKEN_MINUTES = 5
"""For how long a fault that has just been started has been visible in its metric."""


class World:
    """The subjects by scenario id, their alarms' states, and the one lock around both."""

    def __init__(
        self, subjects: Mapping[str, Subject], arns: Mapping[str, str], cloud: Cloud, tell: Callable[[Change], None]
    ) -> None:
        self._subjects = subjects
        self._arns = arns
        self._cloud = cloud
        self._tell = tell
        self._lock = threading.RLock()
        self._states = dict.fromkeys(subjects, "OK")
        self._since: dict[str, datetime] = {}

    def begin(self, now: datetime) -> None:
        """An hour in which nothing happened."""
        with self._lock:
            for id_, subject in self._subjects.items():
                self._since[id_] = now
                self._rewrite(subject.alarm, [subject.level()] * HISTORY_MINUTES, now)

    def break_(self, id_: str, now: datetime) -> None:
        """Start a fault; its metric has shown it for some minutes, and its alarm goes off now."""
        with self._lock:
            subject = self._subjects[id_]
            before = subject.level()
            subject.break_(now)
            calm = [before] * (HISTORY_MINUTES - BROKEN_MINUTES)
            self._rewrite(subject.alarm, calm + [subject.level()] * BROKEN_MINUTES, now)
            self._evaluate(id_, subject, now)

    def tick(self, now: datetime) -> None:
        """One step."""
        with self._lock:
            for id_, subject in self._subjects.items():
                subject.tick(now)
                self._publish(subject.alarm, [(now, subject.level())])
                self._evaluate(id_, subject, now)

    def react(self, effect: Effect) -> None:
        """A call was carried out."""
        with self._lock:
            for subject in self._subjects.values():
                subject.react(effect)

    def _evaluate(self, id_: str, subject: Subject, now: datetime) -> None:
        spec, level = subject.alarm, subject.level()
        before, after = self._states[id_], "ALARM" if level > spec.threshold else "OK"
        if before == after:
            return
        verb = "greater" if after == "ALARM" else "not greater"
        reason = (
            f"Threshold Crossed: 1 out of the last 1 datapoints [{level:.1f} ({now:%d/%m/%y %H:%M}:00)] was {verb} "
            f"than the threshold ({spec.threshold:.1f}) (minimum 1 datapoint for {before} -> {after} transition)."
        )
        self._cloud.cloudwatch.set_alarm_state(
            AlarmName=spec.name,
            StateValue=after,  # type: ignore[arg-type]
            StateReason=reason,
        )
        change = Change(
            name=spec.name,
            arn=self._arns[id_],
            region=REGION,
            account=ACCOUNT,
            description=spec.description,
            namespace=spec.namespace,
            metric=spec.metric,
            dimensions=spec.dimensions,
            statistic=spec.statistic,
            threshold=spec.threshold,
            before=before,
            after=after,
            reason=reason,
            since=self._since[id_],
            at=now,
        )
        self._states[id_], self._since[id_] = after, now
        self._tell(change)

    def _rewrite(self, spec: AlarmSpec, values: list[float], now: datetime) -> None:
        """Replace a metric's history by one value a minute up to now. Only possible because moto lives in here."""
        from moto.backends import get_backend

        backend = get_backend("cloudwatch")[ACCOUNT][REGION]
        backend.metric_data = [
            one for one in backend.metric_data if (one.namespace, one.name) != (spec.namespace, spec.metric)
        ]
        first = now - timedelta(minutes=len(values) - 1)
        self._publish(spec, [(first + timedelta(minutes=n), value) for n, value in enumerate(values)])

    def _publish(self, spec: AlarmSpec, points: list[tuple[datetime, float]]) -> None:
        dimensions = [{"Name": name, "Value": value} for name, value in spec.dimensions.items()]
        self._cloud.cloudwatch.put_metric_data(
            Namespace=spec.namespace,
            MetricData=[
                {"MetricName": spec.metric, "Dimensions": dimensions, "Timestamp": at, "Value": value}  # type: ignore[typeddict-item]
                for at, value in points
            ],
        )
