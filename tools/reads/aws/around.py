"""READS of one AWS resource with all around it: how it is set up, how well it and its neighbours are, what changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from tools.actions import AwsName, Region
from tools.clients import Readers
from tools.clients.aws import AwsReader
from tools.diagnosis.aws.changes import changes
from tools.diagnosis.aws.verdicts import health
from tools.errors import PermanentError
from tools.evidence import Evidence, Trust, evidence
from tools.reads.aws.evidence import of_picture, of_tags
from tools.reads.aws.kinds import Kind, subject
from tools.reads.aws.look import look
from tools.reads.aws.tags import tagged
from tools.reads.aws.views import Picture
from tools.reads.read import Read
from tools.values import Value


class Named(Value):
    """One resource by its name."""

    region: Region
    name: AwsName


class OfKind(Named):
    """One resource by its kind and name; an ECS service is named cluster/service."""

    kind: Kind


def _described(kind: Kind, asked: Named, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """The resource and its neighbours, without their metrics."""
    seen = of_picture(_picture(kind, asked, at, readers, measured=False))
    return tuple(one for one in seen if one.tool != "aws_metric")


def _health(asked: OfKind, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """A verdict on the resource and on each neighbour, with the reasons."""
    picture = _picture(asked.kind, asked, at, readers)
    verdicts = health(picture)
    lines = [f"{one.resource.kind} {one.resource.name} {one.health}: {one.summary}" for one in verdicts]
    lines += [f"not seen: {gap}" for gap in picture.gaps]
    worst = max((one.health for one in verdicts), key=list(type(verdicts[0].health)).index) if verdicts else "UNKNOWN"
    return (_told("aws_health", asked, f"{asked.kind} {asked.name}: worst is {worst}", lines, at, Trust.STATUS),)


def _changed(asked: OfKind, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """What changed on it and around it in the last six hours, oldest first."""
    picture = _picture(asked.kind, asked, at, readers)
    found = changes(picture)
    lines = [f"{one} ({one.source})" for one in found]
    lines += [f"not seen: {gap}" for gap in picture.gaps]
    # CloudTrail's text was chosen by whoever made the call.
    return (_told("aws_what_changed", asked, f"{len(found)} changes in the last 6 hours", lines, at, Trust.TEXT),)


def _tagged(asked: OfKind, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """Whose the resource and its neighbours are, by their tags."""
    picture = _picture(asked.kind, asked, at, readers, measured=False)
    return (of_tags(asked.region, tagged(picture, _aws(readers)), at),)


def _told(tool: str, asked: OfKind, summary: str, lines: list[str], at: datetime, trust: Trust) -> Evidence:
    query = f"{asked.region} {asked.kind} {asked.name}"
    return evidence(tool=tool, query=query, summary=summary, excerpt="\n".join(lines) or "nothing", at=at, trust=trust)


def _picture(kind: Kind, asked: Named, at: datetime, readers: Readers, *, measured: bool = True) -> Picture:
    return look(subject(kind, asked.name, asked.region), at, _aws(readers), measured=measured)


def _aws(readers: Readers) -> AwsReader:
    if readers.aws is None:
        raise PermanentError("AWS is not configured")
    return readers.aws


_LOGS = ("logs:FilterLogEvents",)
_FUNCTION = (
    "lambda:GetFunctionConfiguration",
    "lambda:GetFunctionConcurrency",
    "lambda:ListAliases",
    "lambda:ListEventSourceMappings",
    "lambda:ListVersionsByFunction",
    *_LOGS,
)
_QUEUE = ("sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListDeadLetterSourceQueues")
_DATABASE = ("rds:DescribeDBClusters", "rds:DescribeDBInstances", "rds:DescribeEvents")
_TABLE = ("dynamodb:DescribeTable",)
_SERVICE = (
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "ecs:DescribeTasks",
    "ecs:ListTasks",
    *_LOGS,
)
_MACHINE = (
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeScalingActivities",
    "ec2:DescribeInstanceStatus",
    "ec2:DescribeInstances",
    "ec2:DescribeNatGateways",
    "ssm:DescribeInstanceInformation",
)
_BALANCER = (
    "acm:DescribeCertificate",
    "ecs:ListClusters",
    "ecs:ListServices",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    *_SERVICE,
    *_MACHINE,
    *_FUNCTION,
)
_EVERYTHING = tuple(
    dict.fromkeys(
        (
            *_BALANCER,
            *_QUEUE,
            *_DATABASE,
            *_TABLE,
            "apigateway:GET",
            "cloudtrail:LookupEvents",
            "cloudwatch:DescribeAlarmHistory",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:GetMetricData",
            "cloudwatch:GetMetricStatistics",
            "cloudwatch:ListMetrics",
            "s3:GetBucketPolicyStatus",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetLifecycleConfiguration",
            "tag:GetResources",
        )
    )
)
"""What a look at any resource may call."""


def _row(name: str, kind: Kind, description: str, permissions: tuple[str, ...]) -> Read[Any]:
    run: Callable[[Named, datetime, Readers], tuple[Evidence, ...]] = partial(_described, kind)
    return Read(
        name=name, description=description, arguments=Named, run=run, permissions=tuple(dict.fromkeys(permissions))
    )


AROUND: tuple[Read[Any], ...] = (
    _row(
        "aws_lambda", Kind.LAMBDA, "A function: settings, limits, versions, event sources, log.", (*_FUNCTION, *_QUEUE)
    ),
    _row("aws_rds", Kind.RDS, "A DB instance: status, settings, events, its cluster.", _DATABASE),
    _row(
        "aws_load_balancer",
        Kind.LOAD_BALANCER,
        "A load balancer: target groups, target health with reasons, what is behind.",
        _BALANCER,
    ),
    _row("aws_sqs", Kind.SQS, "A queue: backlog, dead letters, consumers.", (*_QUEUE, *_FUNCTION)),
    _row("aws_dynamodb", Kind.DYNAMODB, "A table: status, capacity.", _TABLE),
    Read(
        name="aws_health",
        description="A verdict with reasons on one resource and its neighbours. An ECS service is cluster/service.",
        arguments=OfKind,
        run=_health,
        permissions=_EVERYTHING,
    ),
    Read(
        name="aws_what_changed",
        description="What changed on one resource and around it in 6 hours: rollouts, versions, scaling, CloudTrail.",
        arguments=OfKind,
        run=_changed,
        permissions=_EVERYTHING,
    ),
    Read(
        name="aws_tags",
        description="Service, owner and environment of one resource and its neighbours, by their tags.",
        arguments=OfKind,
        run=_tagged,
        permissions=_EVERYTHING,
    ),
)
"""The rows."""
