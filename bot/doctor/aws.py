"""What `sayso doctor` sees of AWS: who each of its two identities is, and what IAM says it may do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bot.doctor.findings import CALL_SECONDS, Ailment, Check, Status, checked, skipped
from bot.settings import Settings

if TYPE_CHECKING:
    from tools.clients.aws import AwsReader, AwsWriter

AWS_READS = (
    *("cloudwatch:GetMetricStatistics", "logs:FilterLogEvents"),
    *("ecs:DescribeServices", "ecs:DescribeTaskDefinition", "ecs:DescribeTasks", "ecs:ListTasks"),
)
"""What the reader needs for `tools.reads.aws` and cannot try without naming a resource: IAM is asked instead."""
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
    """Who the reader is, after the smallest calls that need no name of anything."""
    from tools.clients.aws import reading

    region, caller = reader.region, reader.identity()
    with reading("cloudwatch:DescribeAlarms"):
        reader.cloudwatch(region).describe_alarms(MaxRecords=1)
    with reading("autoscaling:DescribeAutoScalingGroups"):
        reader.autoscaling(region).describe_auto_scaling_groups(MaxRecords=1)
    with reading("ec2:DescribeInstances"):
        reader.ec2(region).describe_instances(MaxResults=5)
    with reading("ssm:DescribeInstanceInformation"):
        reader.ssm(region).describe_instance_information(MaxResults=5)
    return f"{caller.arn} sees what it needs in {region}{_simulated(reader, AWS_READS)}"


def _acts(reader: AwsReader, writer: AwsWriter) -> str:
    caller = writer.identity()
    if caller.arn == reader.identity().arn:
        raise Ailment(f"the identity that looks and the one that acts are the same: {caller.arn}", Status.MISSING)
    return f"{caller.arn} may do what plans contain{_simulated(writer, AWS_WRITES)}"


def _simulated(identity: AwsReader | AwsWriter, names: tuple[str, ...]) -> str:
    """What to add when IAM would not tell about these permissions; Ailment when it says that one is not granted."""
    said = identity.permitted(names)
    refused = [permission.name for permission in said if permission.granted is False]
    if refused:
        raise Ailment(f"not permitted: {', '.join(refused)}", Status.MISSING)
    return " (as far as tried: IAM would not tell)" if any(each.granted is None for each in said) else ""
