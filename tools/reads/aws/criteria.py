"""Success criteria about AWS, measured. Unknown is not met: missing data never counts as better."""

from __future__ import annotations

from datetime import datetime

from tools.clients.aws import AwsReader
from tools.criteria import AlarmOk, CapacityInService, Measurement, ServiceStable
from tools.reads.aws import alarms, groups, services
from tools.reads.aws.views import AlarmState

AwsCriterion = AlarmOk | CapacityInService | ServiceStable
"""The criteria this module measures."""


def measure(criterion: AwsCriterion, at: datetime, reader: AwsReader) -> Measurement:
    """The criterion as it is now. Raises TemporaryError or PermanentError when it cannot be read."""
    match criterion:
        case AlarmOk():
            return _alarm(criterion, at, reader)
        case CapacityInService():
            return _capacity(criterion, reader)
        case ServiceStable():
            return _stable(criterion, reader)


def _alarm(criterion: AlarmOk, at: datetime, reader: AwsReader) -> Measurement:
    found = alarms.alarm(criterion.region, criterion.alarm, reader)
    if found is None:
        return _not_found(criterion, f"alarm {criterion.alarm}")
    minutes = max(0, int((at - found.since).total_seconds() // 60))
    detail = f"{found.name} has been {found.state} for {minutes} min"
    return Measurement(criterion=criterion, met=found.state is AlarmState.OK, healthy=None, detail=detail)


def _capacity(criterion: CapacityInService, reader: AwsReader) -> Measurement:
    found = groups.group(criterion.region, criterion.group, reader)
    if found is None:
        return _not_found(criterion, f"Auto Scaling group {criterion.group}")
    detail = f"{found.in_service} in service of {found.desired} wanted"
    # At least, because the group's own scaling policy may have added more since.
    met = found.in_service >= criterion.count
    return Measurement(criterion=criterion, met=met, healthy=found.in_service, detail=detail)


def _stable(criterion: ServiceStable, reader: AwsReader) -> Measurement:
    found = services.service(criterion.region, criterion.cluster, criterion.service, reader)
    if found is None:
        return _not_found(criterion, f"ECS service {criterion.cluster}/{criterion.service}")
    rollouts = ", ".join(f"{one.status} {one.rollout or 'unknown'}" for one in found.deployments)
    detail = f"{found.running} of {found.desired} tasks run; deployments: {rollouts or 'none'}"
    met = found.settled and found.running == found.desired
    return Measurement(criterion=criterion, met=met, healthy=found.running, detail=detail)


def _not_found(criterion: AwsCriterion, what: str) -> Measurement:
    return Measurement(criterion=criterion, met=False, healthy=None, detail=f"{what} was not found")
