"""EC2 instances, the Auto Scaling groups that keep them, and the NAT gateways they leave by, as values."""

from __future__ import annotations

from tools import resources
from tools.reads.aws.views.basics import Utc
from tools.reads.aws.views.tags import Tags
from tools.resources import Resource
from tools.values import Value


class GroupInstance(Value):
    """An instance as its Auto Scaling group sees it."""

    id: str
    lifecycle: str
    health: str


class Activity(Value):
    """One thing an Auto Scaling group did or tried to do."""

    status: str
    description: str
    message: str
    started_at: Utc
    cause: str = ""
    """Why, in the group's words: an alarm, a health check, a person's request."""


class ScalingGroup(Value):
    """An Auto Scaling group with its instances and latest activities, newest first."""

    region: str
    name: str
    arn: str
    minimum: int
    maximum: int
    desired: int
    status: str | None
    """Set only while the group is being deleted."""
    suspended: tuple[str, ...]
    instances: tuple[GroupInstance, ...]
    activities: tuple[Activity, ...]
    tags: Tags = Tags()

    @property
    def in_service(self) -> int:
        """How many instances serve: in service and healthy."""
        return sum(one.lifecycle == "InService" and one.health == "Healthy" for one in self.instances)

    @property
    def resource(self) -> Resource:
        """Its name everywhere."""
        return resources.aws(self.region, "AutoScalingGroup", self.name)


class Instance(Value):
    """An EC2 instance. `ping` is what Systems Manager last heard from its agent; None when it knows no such agent."""

    region: str
    id: str
    name: str
    type: str
    state: str
    launched_at: Utc
    checks_failed: tuple[str, ...]
    ping: str | None
    stopped_because: str = ""
    """AWS' reason for the last change of state; empty while it runs."""
    group: str | None = None
    """The Auto Scaling group it belongs to, by its tag."""
    tags: Tags = Tags()

    @property
    def resource(self) -> Resource:
        """Its name everywhere."""
        return resources.aws(self.region, "Instance", self.id)


class CommandResult(Value):
    """What became of a Systems Manager command on one instance; the end of what it printed, redacted."""

    region: str
    id: str
    instance: str
    document: str
    status: str
    detail: str = ""
    code: int | None = None
    """What it exited with; -1 while it runs."""
    output: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


class NatGateway(Value):
    """A NAT gateway."""

    region: str
    id: str
    state: str
    failure: str = ""

    @property
    def resource(self) -> Resource:
        """Its name everywhere."""
        return resources.aws(self.region, "NatGateway", self.id)
