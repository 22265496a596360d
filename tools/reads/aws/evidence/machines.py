"""Instances, Auto Scaling groups and NAT gateways -> Evidence."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from tools.evidence import Evidence, Trust, evidence
from tools.reads.aws.evidence.basics import console
from tools.reads.aws.views import CommandResult, Instance, NatGateway, ScalingGroup


def of_group(group: ScalingGroup, at: datetime) -> Evidence:
    """An Auto Scaling group's sizes, instances and latest activities."""
    limits = f"min {group.minimum}, desired {group.desired}, max {group.maximum}"
    done = [f"{one.started_at:%H:%M} {one.status}: {one.description} {one.message}" for one in group.activities]
    members = [f"{one.id} {one.lifecycle} {one.health}" for one in group.instances]
    suspended = [f"suspended: {', '.join(group.suspended)}"] if group.suspended else []
    return evidence(
        tool="aws_asg",
        query=f"{group.region} {group.name}",
        summary=f"{group.name} has {group.in_service} instances in service ({limits})",
        excerpt="\n".join([f"{limits}, in service {group.in_service}", *suspended, *members, *done]),
        at=at,
        trust=Trust.STATUS,
        url=console(group.region, "ec2", f"AutoScalingGroupDetails:id={quote(group.name, safe='')}"),
    )


def of_instance(instance: Instance, at: datetime) -> Evidence:
    """An instance's state, failed checks and agent."""
    agent = f"SSM agent {instance.ping or 'unknown to Systems Manager'}"
    stopped = [f"why: {instance.stopped_because}"] if instance.stopped_because else []
    checks = f"failed checks: {', '.join(instance.checks_failed) or 'none'}"
    launched = f"launched {instance.launched_at:%Y-%m-%d %H:%M}"
    return evidence(
        tool="aws_instance",
        query=f"{instance.region} {instance.id}",
        summary=f"{instance.id} is {instance.state}; {agent}",
        excerpt="\n".join([f"{instance.id} {instance.type} {instance.state}, {launched}", *stopped, checks, agent]),
        at=at,
        trust=Trust.STATUS,
        url=console(instance.region, "ec2", f"InstanceDetails:instanceId={instance.id}"),
    )


def of_command(result: CommandResult, at: datetime) -> Evidence:
    """What became of a command, and the end of what it printed, which anybody on the machine may have written."""
    told = f"status {result.status} {result.detail}, exit code {'unknown' if result.code is None else result.code}"
    failed = ["errors:", *result.errors] if result.errors else []
    return evidence(
        tool="aws_ssm_command",
        query=f"{result.region} {result.id} {result.instance}",
        summary=f"{result.document or 'The command'} on {result.instance} is {result.status}",
        excerpt="\n".join([told, "output:", *(result.output or ("nothing",)), *failed]),
        at=at,
        trust=Trust.TEXT,
    )


def of_nat(nat: NatGateway, at: datetime) -> Evidence:
    """A NAT gateway's state."""
    return evidence(
        tool="aws_nat",
        query=f"{nat.region} {nat.id}",
        summary=f"{nat.id} is {nat.state}",
        excerpt=f"state {nat.state}\n{nat.failure}".rstrip(),
        at=at,
        trust=Trust.STATUS,
    )
