"""How anyone can tell that a plan worked: typed conditions on the world. `tools.verification` measures them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tools.resources import Resource
from tools.values import Value


class RolloutDone(Value):
    """A Deployment has rolled out: every wanted replica is updated and available."""

    kind: Literal["rollout_done"] = "rollout_done"
    namespace: str
    deployment: str

    def __str__(self) -> str:
        return f"{self.deployment} has rolled out completely"


class EndpointsReady(Value):
    """A Service has at least this many ready endpoints."""

    kind: Literal["endpoints_ready"] = "endpoints_ready"
    namespace: str
    service: str
    at_least: int = 1

    def __str__(self) -> str:
        return f"Service {self.service} has {self.at_least} or more ready endpoints"


class FindingGone(Value):
    """The finding that caused the plan is no longer made."""

    kind: Literal["finding_gone"] = "finding_gone"
    code: str
    resource: Resource

    def __str__(self) -> str:
        return f"{self.code} is gone from {self.resource.name}"


class AlarmOk(Value):
    """A CloudWatch alarm is in state OK."""

    kind: Literal["alarm_ok"] = "alarm_ok"
    region: str
    alarm: str

    def __str__(self) -> str:
        return f"alarm {self.alarm} is OK"


class CapacityInService(Value):
    """An Auto Scaling group has this many healthy instances in service."""

    kind: Literal["capacity_in_service"] = "capacity_in_service"
    region: str
    group: str
    count: int

    def __str__(self) -> str:
        return f"{self.group} has {self.count} instances in service"


class ServiceStable(Value):
    """An ECS service runs its wanted count of tasks on one completed deployment."""

    kind: Literal["service_stable"] = "service_stable"
    region: str
    cluster: str
    service: str

    def __str__(self) -> str:
        return f"{self.cluster}/{self.service} runs its wanted count on one deployment"


Criterion = Annotated[
    RolloutDone | EndpointsReady | FindingGone | AlarmOk | CapacityInService | ServiceStable,
    Field(discriminator="kind"),
]
"""Any condition a plan may be verified by."""


class Measurement(Value):
    """A criterion as measured once. `healthy` counts what serves users (ready replicas, endpoints, instances)."""

    criterion: Criterion
    met: bool
    healthy: int | None
    detail: str
