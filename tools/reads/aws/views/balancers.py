"""Load balancers, their target groups, and how the targets are, as values."""

from __future__ import annotations

from tools import resources
from tools.resources import Resource
from tools.values import Value


class LoadBalancer(Value):
    """An application or network load balancer."""

    region: str
    name: str
    arn: str
    kind: str
    state: str
    certificates: tuple[str, ...] = ()
    """ARNs of the certificates of its listeners."""

    @property
    def dimension(self) -> str:
        """How CloudWatch names it: the end of the ARN, `app/web/50dc6c495c0c9188`."""
        return self.arn.rpartition(":loadbalancer/")[2]

    @property
    def resource(self) -> Resource:
        """Its name everywhere."""
        return resources.aws(self.region, "LoadBalancer", self.name)


class Target(Value):
    """One target and how the load balancer finds it. `reason` is AWS' code (`Target.Timeout`)."""

    id: str
    port: int | None = None
    state: str
    reason: str = ""
    description: str = ""


class TargetGroup(Value):
    """A target group with its targets."""

    region: str
    name: str
    arn: str
    port: int | None = None
    target_type: str = "instance"
    path: str = ""
    """What the health check asks for."""
    expected: str = ""
    """The answers the health check takes for healthy (`200`, `200-299`)."""
    balancers: tuple[str, ...] = ()
    """ARNs of the load balancers in front."""
    targets: tuple[Target, ...] = ()

    @property
    def dimension(self) -> str:
        """How CloudWatch names it: `targetgroup/web/73e2d6bc24d8a067`."""
        return self.arn.rpartition(":")[2]

    @property
    def healthy(self) -> int:
        """How many targets take traffic."""
        return sum(one.state == "healthy" for one in self.targets)

    @property
    def unhealthy(self) -> tuple[Target, ...]:
        """The targets the health check found ill."""
        return tuple(one for one in self.targets if one.state in ("unhealthy", "unhealthy.draining"))

    @property
    def resource(self) -> Resource:
        """Its name everywhere."""
        return resources.aws(self.region, "TargetGroup", self.name)
