"""Load balancers and target groups -> Evidence."""

from __future__ import annotations

from datetime import datetime

from tools.evidence import Evidence, Trust, evidence
from tools.reads.aws.evidence.basics import console
from tools.reads.aws.views import LoadBalancer, Target, TargetGroup

SHOWN_TARGETS = 15


def of_balancer(balancer: LoadBalancer, at: datetime) -> Evidence:
    """A load balancer's state."""
    return evidence(
        tool="aws_load_balancer",
        query=f"{balancer.region} {balancer.name}",
        summary=f"Load balancer {balancer.name} is {balancer.state}",
        excerpt=f"{balancer.kind} load balancer {balancer.dimension}\nstate {balancer.state}",
        at=at,
        trust=Trust.STATUS,
        url=console(balancer.region, "ec2", "LoadBalancers:"),
    )


def of_target_group(group: TargetGroup, at: datetime) -> Evidence:
    """A target group's check and its targets, the ill ones first, with AWS' reason codes."""
    targets = sorted(group.targets, key=lambda one: one.state == "healthy")
    return evidence(
        tool="aws_target_group",
        query=f"{group.region} {group.name}",
        summary=f"{group.healthy} of {len(group.targets)} targets of {group.name} are healthy",
        excerpt="\n".join([_check(group), *(_target(one) for one in targets[:SHOWN_TARGETS])]),
        at=at,
        trust=Trust.STATUS,
        url=console(group.region, "ec2", "TargetGroups:"),
    )


def _check(group: TargetGroup) -> str:
    asked = f"{group.path or '-'} expecting {group.expected or '-'}"
    return f"health check {asked}; {group.healthy} of {len(group.targets)} healthy"


def _target(target: Target) -> str:
    port = f":{target.port}" if target.port else ""
    return " ".join(part for part in (f"{target.id}{port}", target.state, target.reason, target.description) if part)
