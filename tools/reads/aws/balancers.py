"""Load balancers, target groups and the health of their targets, read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.clients.aws import AwsIdentity, reading
from tools.reads.aws.views import LoadBalancer, Target, TargetGroup
from tools.redaction import redact

MOST_GROUPS = 20
MOST_TARGETS = 100


def balancer(region: str, name: str, identity: AwsIdentity) -> LoadBalancer | None:
    """A load balancer by its name or ARN; None when there is none."""
    asked = {"LoadBalancerArns": [name]} if name.startswith("arn:") else {"Names": [name]}
    with reading("elasticloadbalancing:DescribeLoadBalancers"):
        client = identity.of("elbv2", region)
        try:
            found = client.describe_load_balancers(**asked)["LoadBalancers"]
        except client.exceptions.LoadBalancerNotFoundException:
            return None
    return _balancer(region, found[0]) if found else None


def certificates(region: str, arn: str, identity: AwsIdentity) -> tuple[str, ...]:
    """The ARNs of the certificates a load balancer's listeners show."""
    with reading("elasticloadbalancing:DescribeListeners"):
        found = identity.of("elbv2", region).describe_listeners(LoadBalancerArn=arn)["Listeners"]
    named = [one.get("CertificateArn") for listener in found for one in listener.get("Certificates") or []]
    return tuple(dict.fromkeys(one for one in named if one))


def target_groups(region: str, identity: AwsIdentity, **of: Any) -> tuple[TargetGroup, ...]:
    """Target groups by `LoadBalancerArn`, `TargetGroupArns` or `Names`, each with the health of its targets."""
    client = identity.of("elbv2", region)
    with reading("elasticloadbalancing:DescribeTargetGroups"):
        try:
            found = client.describe_target_groups(**of)["TargetGroups"][:MOST_GROUPS]
        except client.exceptions.TargetGroupNotFoundException:
            return ()
    return tuple(_group(region, one, _health(client, one["TargetGroupArn"])) for one in found)


def _health(client: Any, arn: str) -> list[Mapping[str, Any]]:
    with reading("elasticloadbalancing:DescribeTargetHealth"):
        found: list[Mapping[str, Any]] = client.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return found[:MOST_TARGETS]


def _balancer(region: str, raw: Mapping[str, Any]) -> LoadBalancer:
    return LoadBalancer(
        region=region,
        name=raw["LoadBalancerName"],
        arn=raw["LoadBalancerArn"],
        kind=raw.get("Type") or "application",
        state=(raw.get("State") or {}).get("Code") or "",
    )


def _group(region: str, raw: Mapping[str, Any], targets: list[Mapping[str, Any]]) -> TargetGroup:
    matcher = raw.get("Matcher") or {}
    return TargetGroup(
        region=region,
        name=raw["TargetGroupName"],
        arn=raw["TargetGroupArn"],
        port=raw.get("Port"),
        target_type=raw.get("TargetType") or "instance",
        path=raw.get("HealthCheckPath") or "",
        expected=matcher.get("HttpCode") or matcher.get("GrpcCode") or "",
        balancers=tuple(raw.get("LoadBalancerArns") or ()),
        targets=tuple(_target(one) for one in targets),
    )


def _target(raw: Mapping[str, Any]) -> Target:
    health = raw.get("TargetHealth") or {}
    return Target(
        id=raw["Target"]["Id"],
        port=raw["Target"].get("Port"),
        state=health.get("State") or "",
        reason=health.get("Reason") or "",
        description=redact(health.get("Description") or ""),
    )
