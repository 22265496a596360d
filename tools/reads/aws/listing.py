"""The names there are of a kind, in one call: to say what a name that nobody knows may have meant. Nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tools.clients.aws import AwsIdentity, reading
from tools.reads.aws.kinds import Kind

MOST_CLUSTERS = 5


def alarm_names(region: str, identity: AwsIdentity) -> tuple[str, ...]:
    """The names of the first hundred alarms."""
    with reading("cloudwatch:DescribeAlarms"):
        answer = identity.cloudwatch(region).describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    found = [*(answer.get("MetricAlarms") or []), *(answer.get("CompositeAlarms") or [])]
    return tuple(str(one.get("AlarmName")) for one in found)


def names(kind: Kind, region: str, identity: AwsIdentity) -> tuple[str, ...]:
    """The names of the first page of a kind, as a person types them; empty for kinds no cheap list names."""
    if kind is Kind.ECS:
        return tuple(_services(region, identity))
    if kind not in LISTS:
        return ()
    permission, ask = LISTS[kind]
    with reading(permission):
        return tuple(ask(identity, region))


def _services(region: str, identity: AwsIdentity) -> Iterator[str]:
    """Every service of the first clusters, as cluster/service: both end their ARN."""
    client = identity.ecs(region)
    with reading("ecs:ListClusters"):
        clusters = client.list_clusters()["clusterArns"][:MOST_CLUSTERS]
    for cluster in clusters:
        with reading("ecs:ListServices"):
            found = client.list_services(cluster=cluster, maxResults=100)["serviceArns"]
        yield from (f"{cluster.rsplit('/', 1)[-1]}/{one.rsplit('/', 1)[-1]}" for one in found)


def _under(answer: Mapping[str, Any], many: str, name: str) -> tuple[str, ...]:
    return tuple(str(one[name]) for one in answer.get(many) or [])


def _instances(identity: AwsIdentity, region: str) -> tuple[str, ...]:
    found = identity.ec2(region).describe_instances(MaxResults=100)["Reservations"]
    return tuple(one["InstanceId"] for reservation in found for one in reservation.get("Instances", []))


LISTS: Mapping[Kind, tuple[str, Callable[[AwsIdentity, str], tuple[str, ...]]]] = {
    Kind.LAMBDA: (
        "lambda:ListFunctions",
        # It answers the variables' values too: only the names are taken out of it.
        lambda who, region: _under(who.of("lambda", region).list_functions(), "Functions", "FunctionName"),
    ),
    Kind.RDS: (
        "rds:DescribeDBInstances",
        lambda who, region: _under(
            who.of("rds", region).describe_db_instances(), "DBInstances", "DBInstanceIdentifier"
        ),
    ),
    Kind.RDS_CLUSTER: (
        "rds:DescribeDBClusters",
        lambda who, region: _under(who.of("rds", region).describe_db_clusters(), "DBClusters", "DBClusterIdentifier"),
    ),
    Kind.LOAD_BALANCER: (
        "elasticloadbalancing:DescribeLoadBalancers",
        lambda who, region: _under(
            who.of("elbv2", region).describe_load_balancers(), "LoadBalancers", "LoadBalancerName"
        ),
    ),
    Kind.TARGET_GROUP: (
        "elasticloadbalancing:DescribeTargetGroups",
        lambda who, region: _under(who.of("elbv2", region).describe_target_groups(), "TargetGroups", "TargetGroupName"),
    ),
    Kind.SQS: (
        "sqs:ListQueues",
        lambda who, region: tuple(
            url.rsplit("/", 1)[-1] for url in who.of("sqs", region).list_queues().get("QueueUrls") or []
        ),
    ),
    Kind.DYNAMODB: (
        "dynamodb:ListTables",
        lambda who, region: tuple(who.of("dynamodb", region).list_tables()["TableNames"]),
    ),
    Kind.ASG: (
        "autoscaling:DescribeAutoScalingGroups",
        lambda who, region: _under(
            who.of("autoscaling", region).describe_auto_scaling_groups(), "AutoScalingGroups", "AutoScalingGroupName"
        ),
    ),
    Kind.EC2: ("ec2:DescribeInstances", _instances),
    Kind.NAT: (
        "ec2:DescribeNatGateways",
        lambda who, region: _under(who.of("ec2", region).describe_nat_gateways(), "NatGateways", "NatGatewayId"),
    ),
    Kind.REST_API: (
        "apigateway:GET",
        lambda who, region: _under(who.of("apigateway", region).get_rest_apis(), "items", "name"),
    ),
}
"""By kind: the permission, and the one call that names what there is."""
