"""Auto Scaling groups, read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.clients.aws import AwsIdentity, reading
from tools.reads.aws.tags import kept
from tools.reads.aws.views import Activity, GroupInstance, ScalingGroup
from tools.redaction import redact

if TYPE_CHECKING:
    from mypy_boto3_autoscaling.type_defs import ActivityTypeDef, AutoScalingGroupTypeDef

MOST_ACTIVITIES = 10
REFRESHING = frozenset({"Pending", "InProgress", "Cancelling", "RollbackInProgress", "Baking"})
"""Instance refresh states in which the group is being replaced."""


def group(region: str, name: str, identity: AwsIdentity) -> ScalingGroup | None:
    """A group with its instances and latest activities; None when there is none of that name."""
    client = identity.autoscaling(region)
    with reading("autoscaling:DescribeAutoScalingGroups"):
        found = client.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    if not found:
        return None
    with reading("autoscaling:DescribeScalingActivities"):
        answer = client.describe_scaling_activities(AutoScalingGroupName=name, MaxRecords=MOST_ACTIVITIES)
    return _view(region, found[0], answer["Activities"])


def refreshing(region: str, name: str, identity: AwsIdentity) -> bool:
    """Whether an instance refresh is replacing the group's instances right now."""
    with reading("autoscaling:DescribeInstanceRefreshes"):
        answer = identity.autoscaling(region).describe_instance_refreshes(AutoScalingGroupName=name, MaxRecords=5)
    return any(one.get("Status") in REFRESHING for one in answer["InstanceRefreshes"])


def _view(region: str, raw: AutoScalingGroupTypeDef, activities: list[ActivityTypeDef]) -> ScalingGroup:
    return ScalingGroup(
        region=region,
        name=raw["AutoScalingGroupName"],
        arn=raw.get("AutoScalingGroupARN", ""),
        minimum=raw["MinSize"],
        maximum=raw["MaxSize"],
        desired=raw["DesiredCapacity"],
        status=raw.get("Status"),
        suspended=tuple(sorted(one.get("ProcessName", "") for one in raw.get("SuspendedProcesses", []))),
        instances=tuple(
            GroupInstance(id=one["InstanceId"], lifecycle=one["LifecycleState"], health=one["HealthStatus"])
            for one in raw.get("Instances", [])
        ),
        activities=tuple(_activity(one) for one in activities),
        tags=kept({"Key": one["Key"], "Value": one.get("Value", "")} for one in raw.get("Tags", [])),
    )


def _activity(raw: ActivityTypeDef) -> Activity:
    return Activity(
        status=raw["StatusCode"],
        description=redact(raw.get("Description", "")),
        message=redact(raw.get("StatusMessage", "")),
        started_at=raw["StartTime"],
        cause=redact(raw.get("Cause", "")),
    )
