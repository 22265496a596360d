"""What `sayso doctor` sees of AWS: who each of its two identities is, what the one that looks gets to see when it
tries, and what IAM says the one that acts may do: that one is never tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from bot.doctor.findings import CALL_SECONDS, Ailment, Check, Status, checked, skipped
from bot.settings import Settings

if TYPE_CHECKING:
    from tools.clients.aws import AwsReader, AwsWriter

POLICY = "apply deploy/aws/iam/reader.json to the identity of AWS_PROFILE"
SECONDS = 8.0
"""How long all the tries of the reader may take together."""
TRIES: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "apigateway:GET": ("apigateway", "get_rest_apis", {"limit": 1}),
    "autoscaling:DescribeAutoScalingGroups": ("autoscaling", "describe_auto_scaling_groups", {"MaxRecords": 1}),
    "cloudtrail:LookupEvents": ("cloudtrail", "lookup_events", {"MaxResults": 1}),
    "cloudwatch:DescribeAlarmHistory": ("cloudwatch", "describe_alarm_history", {"MaxRecords": 1}),
    "cloudwatch:DescribeAlarms": ("cloudwatch", "describe_alarms", {"MaxRecords": 1}),
    "cloudwatch:ListMetrics": ("cloudwatch", "list_metrics", {"Namespace": "CWAgent"}),
    "dynamodb:ListTables": ("dynamodb", "list_tables", {"Limit": 1}),
    "ec2:DescribeInstances": ("ec2", "describe_instances", {"MaxResults": 5}),
    "ec2:DescribeNatGateways": ("ec2", "describe_nat_gateways", {"MaxResults": 5}),
    "ecs:ListClusters": ("ecs", "list_clusters", {"maxResults": 1}),
    "elasticloadbalancing:DescribeLoadBalancers": ("elbv2", "describe_load_balancers", {"PageSize": 1}),
    "elasticloadbalancing:DescribeTargetGroups": ("elbv2", "describe_target_groups", {"PageSize": 1}),
    "lambda:ListEventSourceMappings": ("lambda", "list_event_source_mappings", {"MaxItems": 1}),
    "lambda:ListFunctions": ("lambda", "list_functions", {"MaxItems": 1}),
    "rds:DescribeDBInstances": ("rds", "describe_db_instances", {"MaxRecords": 20}),
    "rds:DescribeEvents": ("rds", "describe_events", {"MaxRecords": 20}),
    "sqs:ListQueues": ("sqs", "list_queues", {"MaxResults": 1}),
    "ssm:DescribeInstanceInformation": ("ssm", "describe_instance_information", {"MaxResults": 5}),
    "tag:GetResources": ("resourcegroupstaggingapi", "get_resources", {"ResourcesPerPage": 1}),
}
"""By permission: a small call that needs no name of anything. Where a policy was narrowed to some resources, calls that
name another would be refused and prove nothing: logs, buckets and certificates are therefore not tried."""
AWS_READS = tuple(TRIES)
"""What the reader is tried with, out of what `tools.reads.aws` needs."""
AWS_WRITES = (
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeInstanceRefreshes",
    "autoscaling:DescribeScalingActivities",
    "autoscaling:SetDesiredCapacity",
    "ec2:DescribeInstanceStatus",
    "ec2:DescribeInstances",
    "ecs:DescribeServices",
    "ecs:UpdateService",
    "ssm:DescribeDocument",
    "ssm:DescribeInstanceInformation",
    "ssm:ListCommands",
    "ssm:SendCommand",
)
"""What the writer needs, for the actions of `tools.writes.aws`."""


def look(settings: Settings) -> Iterator[Check]:
    """The checks of the identity that looks and of the one that acts."""
    from tools.clients.aws import AwsReader, AwsWriter

    if not settings.aws_enabled:
        yield skipped("aws", "no AWS_REGION, or SAYSO_AWS is off")
        return
    where = f" at {settings.aws_endpoint_url}" if settings.aws_endpoint_url else ""
    reader = AwsReader.from_profile(settings.aws_profile, answer_seconds=CALL_SECONDS)
    yield checked("aws reader", "check AWS_PROFILE, AWS_REGION and the credentials", lambda: _sees(reader) + where)
    if settings.writer_aws_profile is None:
        yield skipped("aws writer", "no SAYSO_WRITER_AWS_PROFILE: nothing in AWS can be changed")
        return
    writer = AwsWriter.from_profile(settings.writer_aws_profile, answer_seconds=CALL_SECONDS)
    yield checked("aws writer", "grant the writer's policy (deploy/aws)", lambda: _acts(reader, writer))


def _sees(reader: AwsReader) -> str:
    """Who the reader is, after trying every service, all at the same time."""
    from tools.reads.aws.asking import Asking

    caller = reader.identity()
    with Asking(SECONDS) as asking:
        tried = [asking.later(name, partial(_refused, reader, name), optional=True) for name in TRIES]
        refused = [name for one in tried if (name := one.answer()) is not None]
    if refused:
        raise Ailment(f"AccessDenied: {', '.join(refused)}", Status.MISSING, fix=POLICY)
    if asking.gaps:
        raise Ailment("; ".join(asking.gaps))
    return f"{caller.arn} sees what it needs in {reader.region}"


def _refused(reader: AwsReader, permission: str) -> str | None:
    """The permission, where AWS does not grant it."""
    from tools.clients.aws import reading
    from tools.errors import Forbidden

    service, operation, asked = TRIES[permission]
    try:
        with reading(permission):
            getattr(reader.of(service, reader.region), operation)(**asked)
    except Forbidden:
        return permission
    return None


def _acts(reader: AwsReader, writer: AwsWriter) -> str:
    caller = writer.identity()
    if caller.arn == reader.identity().arn:
        raise Ailment(f"the identity that looks and the one that acts are the same: {caller.arn}", Status.MISSING)
    return f"{caller.arn} may do what plans contain{_simulated(writer)}"


def _simulated(writer: AwsWriter) -> str:
    """What to add when IAM would not tell about these permissions; Ailment when it says that one is not granted."""
    said = writer.permitted(AWS_WRITES)
    refused = [permission.name for permission in said if permission.granted is False]
    if refused:
        raise Ailment(f"not permitted: {', '.join(refused)}", Status.MISSING)
    return " (as far as tried: IAM would not tell)" if any(each.granted is None for each in said) else ""
