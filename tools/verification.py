"""Measuring whether the world is as a plan wanted it. Reads only; what to make of it is the caller's."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tools.clients import Readers
from tools.criteria import (
    AlarmOk,
    CapacityInService,
    Criterion,
    EndpointsReady,
    FindingGone,
    Measurement,
    RolloutDone,
    ServiceStable,
)
from tools.errors import PermanentError, TemporaryError


def measure(criteria: Iterable[Criterion], at: datetime, readers: Readers) -> tuple[Measurement, ...]:
    """Each criterion, measured once. What cannot be seen is not met, and its detail says why."""
    return tuple(_measure_one(criterion, at, readers) for criterion in criteria)


def _measure_one(criterion: Criterion, at: datetime, readers: Readers) -> Measurement:
    try:
        return _ask_provider(criterion, at, readers)
    except (TemporaryError, PermanentError) as error:
        return Measurement(criterion=criterion, met=False, healthy=None, detail=f"could not be seen: {error}")


def _ask_provider(criterion: Criterion, at: datetime, readers: Readers) -> Measurement:
    from tools.reads.aws import criteria as aws_criteria
    from tools.reads.kubernetes import criteria as kubernetes_criteria

    match criterion:
        case RolloutDone() | EndpointsReady() | FindingGone() if readers.kubernetes is not None:
            return kubernetes_criteria.measure(criterion, at, readers.kubernetes)
        case AlarmOk() | CapacityInService() | ServiceStable() if readers.aws is not None:
            return aws_criteria.measure(criterion, at, readers.aws)
        case _:
            return Measurement(criterion=criterion, met=False, healthy=None, detail="that provider is not configured")


def worse(baseline: Iterable[Measurement], now: Iterable[Measurement]) -> bool:
    """Whether less serves users than before: any count of healthy pods, endpoints or instances has fallen."""
    return any(
        before.healthy is not None and after.healthy is not None and after.healthy < before.healthy
        for before, after in zip(baseline, now, strict=True)
    )
