"""What can be looked at by its name, without an alarm: the kinds, and where a look at each begins. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from tools.subjects import AwsSubject


class Kind(StrEnum):
    """What can be looked at with all around it."""

    LAMBDA = "lambda"
    RDS = "rds"
    RDS_CLUSTER = "rds_cluster"
    LOAD_BALANCER = "load_balancer"
    TARGET_GROUP = "target_group"
    SQS = "sqs"
    DYNAMODB = "dynamodb"
    ECS = "ecs"
    """Named `cluster/service`."""
    ASG = "asg"
    EC2 = "ec2"
    REST_API = "rest_api"
    NAT = "nat"
    S3 = "s3"


DIMENSIONS: Mapping[Kind, str] = {
    Kind.LAMBDA: "FunctionName",
    Kind.RDS: "DBInstanceIdentifier",
    Kind.RDS_CLUSTER: "DBClusterIdentifier",
    Kind.LOAD_BALANCER: "LoadBalancer",
    Kind.TARGET_GROUP: "TargetGroup",
    Kind.SQS: "QueueName",
    Kind.DYNAMODB: "TableName",
    Kind.ASG: "AutoScalingGroupName",
    Kind.EC2: "InstanceId",
    Kind.REST_API: "ApiName",
    Kind.NAT: "NatGatewayId",
    Kind.S3: "BucketName",
}
"""By which dimension CloudWatch names a kind."""
USUAL: Mapping[Kind, tuple[str, str]] = {Kind.ASG: ("AWS/EC2", "CPUUtilization")}
"""The metric a look at a kind watches where no alarm says which. What a resource says of itself is read anyway."""


def subject(kind: Kind, name: str, region: str) -> AwsSubject:
    """The resource as an alarm without a rule would name it."""
    namespace, metric = USUAL.get(kind, ("", ""))
    dimensions = {DIMENSIONS[kind]: name} if kind in DIMENSIONS else {}
    if kind is Kind.ECS:
        cluster, _, service = name.partition("/")
        dimensions = {"ClusterName": cluster, "ServiceName": service}
    return AwsSubject(region=region, alarm="", namespace=namespace, metric=metric, dimensions=dimensions)


def asked(subject: AwsSubject) -> tuple[Kind, str] | None:
    """The kind and name of what somebody asked about; None for an alarm."""
    if subject.alarm:
        return None
    match subject.dimensions:
        case {"ClusterName": cluster, "ServiceName": service}:
            return Kind.ECS, f"{cluster}/{service}"
    kinds = {dimension: kind for kind, dimension in DIMENSIONS.items()}
    return next(((kinds[one], name) for one, name in subject.dimensions.items() if one in kinds), None)
