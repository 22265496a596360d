"""The four things that can break, each a small law of nature: a level that follows from the world, and its alarm.

A subject breaks, reacts to the calls that would really fix it, and moves only when the world ticks.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from deploy.sandbox.aws.seed import ACCOUNT, CLUSTER, DOCUMENT, GROUP, LOG_GROUP, REGION, SERVICE, AlarmSpec, Cloud
from deploy.sandbox.aws.wire import Effect

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef

ROLLOUT_TICKS = 2
"""Ticks a new deployment takes to complete."""


class Subject(Protocol):
    """Something with an alarm."""

    @property
    def alarm(self) -> AlarmSpec:
        """The alarm that watches it."""

    def break_(self, now: datetime) -> None:
        """Start the fault."""

    def react(self, effect: Effect) -> None:
        """Notice a call that was carried out."""

    def tick(self, now: datetime) -> None:
        """Move on by one step."""

    def level(self) -> float:
        """What the watched metric is now."""


class WebFleet:
    """An Auto Scaling group under a load in percent of one instance's CPU, spread evenly over those in service."""

    alarm = AlarmSpec(
        name="prod-web-cpu-high",
        description="The web fleet is short of CPU.",
        namespace="AWS/EC2",
        metric="CPUUtilization",
        dimensions={"AutoScalingGroupName": GROUP},
        threshold=80,
    )

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._load = 90.0

    def break_(self, now: datetime) -> None:
        """Traffic doubles."""
        self._load = 190.0

    def react(self, effect: Effect) -> None:
        """Nothing: the group itself is asked at every step."""

    def tick(self, now: datetime) -> None:
        """Nothing: the load stays."""

    def level(self) -> float:
        """CPU in percent: load over capacity."""
        groups = self._cloud.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])
        serving = [one for one in groups["AutoScalingGroups"][0]["Instances"] if one["LifecycleState"] == "InService"]
        return min(100.0, self._load / len(serving)) if serving else 100.0


class Orders:
    """An ECS service whose old tasks hold on to database connections until a new deployment replaced them."""

    alarm = AlarmSpec(
        name="prod-orders-db-errors",
        description="Orders cannot reach its database.",
        namespace="Shop/Orders",
        metric="DatabaseErrors",
        dimensions={"ClusterName": CLUSTER, "ServiceName": SERVICE},
        threshold=5,
        statistic="Sum",
    )
    TROUBLE = (
        "FATAL: remaining connection slots are reserved for roles with the SUPERUSER attribute",
        "ERROR sqlalchemy.exc.TimeoutError: QueuePool limit of size 20 overflow 10 reached, connection timed out",
    )

    def __init__(self, cloud: Cloud, now: datetime) -> None:
        self._cloud = cloud
        self._leaking = False
        self._rolling = 0
        self._settle(now - timedelta(days=3))

    def break_(self, now: datetime) -> None:
        """The connections are gone, and have been for five minutes."""
        self._leaking = True
        self._log([now - timedelta(seconds=30 * ago) for ago in range(10, 0, -1)])

    def react(self, effect: Effect) -> None:
        """A new deployment of the service begins: the old tasks still run next to the new ones."""
        asked = effect.parameters
        if effect.action != "UpdateService" or str(asked.get("service")).rsplit("/", 1)[-1] != SERVICE:
            return
        if not asked.get("forceNewDeployment") and not asked.get("taskDefinition"):
            return
        service = self._service()
        old = {**service.deployments[0], "id": "ecs-svc/old", "status": "ACTIVE"}
        service.deployments[0].update(rolloutState="IN_PROGRESS", runningCount=0)
        service.deployments[1:] = [old]
        self._rolling = ROLLOUT_TICKS

    def tick(self, now: datetime) -> None:
        """Log what the tasks have to say, and move a deployment on."""
        if self._rolling:
            self._rolling -= 1
            if not self._rolling:
                self._leaking = False
                self._settle(None)
        if self._leaking:
            self._log([now])

    def level(self) -> float:
        """Errors a minute."""
        return 14.0 if self._leaking else 0.0

    def _settle(self, created_at: datetime | None) -> None:
        """One deployment, completed, with every task running: moto by itself leaves it in progress for ever."""
        service = self._service()
        count = service.desired_count
        service.deployments[1:] = []
        service.deployments[0].update(rolloutState="COMPLETED", runningCount=count, pendingCount=0)
        if created_at is not None:
            service.deployments[0].update(createdAt=created_at, updatedAt=created_at)
        service.running_count, service.pending_count = count, 0

    def _service(self) -> Any:
        from moto.backends import get_backend

        return get_backend("ecs")[ACCOUNT][REGION].services[f"{CLUSTER}:{SERVICE}"]

    def _log(self, times: list[datetime]) -> None:
        events: list[InputLogEventTypeDef] = [
            {"timestamp": int(at.timestamp() * 1000) + n, "message": line}
            for at in times
            for n, line in enumerate(self.TROUBLE)
        ]
        self._cloud.logs.put_log_events(logGroupName=LOG_GROUP, logStreamName=SERVICE, logEvents=events)


class ReportsDisk:
    """A machine whose root file system is full of rotated logs until the clean-up document ran on it."""

    FULL, CLEAN = 96.0, 61.0

    def __init__(self, instance_id: str) -> None:
        self._instance_id = instance_id
        self._used = self.CLEAN
        self._cleaned = False
        self.alarm = AlarmSpec(
            name="prod-reports-disk-full",
            description="The reports machine runs out of disk.",
            namespace="CWAgent",
            metric="disk_used_percent",
            dimensions={"InstanceId": instance_id, "path": "/", "device": "nvme0n1p1", "fstype": "ext4"},
            threshold=90,
        )

    def break_(self, now: datetime) -> None:
        """The disk is full."""
        self._used, self._cleaned = self.FULL, False

    def react(self, effect: Effect) -> None:
        """The document was sent to the machine."""
        asked = effect.parameters
        if effect.action == "SendCommand" and asked.get("DocumentName") == DOCUMENT:
            targets = asked.get("InstanceIds")
            self._cleaned = self._cleaned or (isinstance(targets, list) and self._instance_id in targets)

    def tick(self, now: datetime) -> None:
        """The document has run by the next step."""
        if self._cleaned:
            self._used = self.CLEAN

    def level(self) -> float:
        """Percent used."""
        return self._used


class RatesFeed:
    """A vendor feed with a metric nobody has a rule for. Nothing in the account can mend it."""

    alarm = AlarmSpec(
        name="prod-fx-rates-skew",
        description="Quotes of the vendor differ from the reference.",
        namespace="Vendor/FxRates",
        metric="QuoteSkew",
        dimensions={"Feed": "ecb"},
        threshold=1,
    )

    def __init__(self) -> None:
        self._skew = 0.2

    def break_(self, now: datetime) -> None:
        """The vendor's quotes drift."""
        self._skew = 4.2

    def react(self, effect: Effect) -> None:
        """Nothing helps."""

    def tick(self, now: datetime) -> None:
        """It stays as it is."""

    def level(self) -> float:
        """Skew in basis points."""
        return self._skew
