"""Views -> Evidence: what was seen, in words that can be quoted. Pure; the text was redacted when it was read."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from tools.evidence import Evidence, Trust, evidence
from tools.reads.aws.views import Alarm, EcsService, Instance, LogLine, Picture, ScalingGroup, Series, StoppedTask

SHOWN_POINTS = 15


def of_picture(picture: Picture) -> tuple[Evidence, ...]:
    """Everything in a picture, as evidence: the alarm first, then its metric, then the resource."""
    at = picture.at
    pieces = [of_alarm(picture.alarm, at)] if picture.alarm else []
    pieces += [of_series(one, at) for one in picture.series]
    pieces += [of_group(picture.group, at)] if picture.group else []
    pieces += [of_service(picture.service, at)] if picture.service else []
    pieces += [of_stopped_tasks(picture.service, picture.stopped_tasks, at)] if picture.service else []
    pieces += [of_lines(picture.subject.region, group, picture.log_lines, at) for group in _groups(picture)]
    pieces += [of_instance(picture.instance, at)] if picture.instance else []
    return tuple(pieces)


def of_alarm(alarm: Alarm, at: datetime) -> Evidence:
    """An alarm's state, and CloudWatch's reason for it."""
    rule = f"{alarm.statistic} of {alarm.namespace or '-'} {alarm.metric or '-'} {alarm.comparison} {alarm.threshold}"
    return evidence(
        tool="aws_alarm",
        query=f"{alarm.region} {alarm.name}",
        summary=f"Alarm {alarm.name} is {alarm.state} since {alarm.since:%Y-%m-%d %H:%M} UTC",
        excerpt=f"state: {alarm.state}\nrule: {rule}\ndimensions: {_pairs(alarm.dimensions)}\nreason: {alarm.reason}",
        at=at,
        # The description is free text and left out; the reason is CloudWatch's own sentence.
        trust=Trust.STATUS,
        url=_console(alarm.region, "cloudwatch", f"alarmsV2:alarm/{quote(alarm.name, safe='')}"),
    )


def of_series(series: Series, at: datetime) -> Evidence:
    """A metric's latest datapoints."""
    shown = series.points[-SHOWN_POINTS:]
    latest = f"{series.latest.value:.1f}" if series.latest else "unknown: there are no datapoints"
    return evidence(
        tool="aws_metric",
        query=f"{series.region} {series.namespace} {series.metric} {_pairs(series.dimensions)} {series.statistic}",
        summary=f"{series.metric} ({series.statistic}, {series.period} s) is {latest}",
        excerpt="\n".join(f"{one.at:%H:%M} {one.value:.1f}" for one in shown) or "no datapoints",
        at=at,
        trust=Trust.STATUS,
        url=_console(series.region, "cloudwatch", "metricsV2:"),
    )


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
        url=_console(group.region, "ec2", f"AutoScalingGroupDetails:id={quote(group.name, safe='')}"),
    )


def of_service(service: EcsService, at: datetime) -> Evidence:
    """An ECS service's counts and deployments."""
    lines = [
        f"{one.status} {one.id} {one.rollout or 'rollout unknown'} since {one.created_at:%Y-%m-%d %H:%M}: "
        f"{one.running} of {one.desired} tasks of {one.task_definition.rsplit('/', 1)[-1]}"
        for one in service.deployments
    ]
    counts = f"{service.running} of {service.desired} tasks run"
    return evidence(
        tool="aws_ecs_service",
        query=f"{service.region} {service.cluster}/{service.name}",
        summary=f"{service.cluster}/{service.name}: {counts}",
        excerpt="\n".join([f"status {service.status}, {counts}", *lines]),
        at=at,
        trust=Trust.STATUS,
    )


def of_stopped_tasks(service: EcsService, tasks: tuple[StoppedTask, ...], at: datetime) -> Evidence:
    """The tasks a service lost lately, with ECS' reasons."""
    lines = [f"{one.stopped_at or 'unknown time'} {one.id} {one.code or ''} {one.reason}" for one in tasks]
    return evidence(
        tool="aws_stopped_tasks",
        query=f"{service.region} {service.cluster}/{service.name}",
        summary=f"{len(tasks)} tasks of {service.name} stopped lately",
        excerpt="\n".join(lines) or "none",
        at=at,
        trust=Trust.STATUS,
    )


def of_lines(region: str, group: str, lines: tuple[LogLine, ...], at: datetime) -> Evidence:
    """The lines of one log group. Anybody who can send a request may have written them."""
    own = [one for one in lines if one.group == group]
    return evidence(
        tool="aws_logs",
        query=f"{region} {group}",
        summary=f"{len(own)} matching lines in {group} in the last 15 minutes",
        excerpt="\n".join(f"{one.at:%H:%M:%S} {one.text}" for one in own) or "none",
        at=at,
        trust=Trust.TEXT,
        url=_console(region, "cloudwatch", f"logsV2:log-groups/log-group/{quote(group, safe='')}"),
    )


def of_instance(instance: Instance, at: datetime) -> Evidence:
    """An instance's state, failed checks and agent."""
    agent = f"SSM agent {instance.ping or 'unknown to Systems Manager'}"
    checks = f"failed checks: {', '.join(instance.checks_failed) or 'none'}"
    launched = f"launched {instance.launched_at:%Y-%m-%d %H:%M}"
    return evidence(
        tool="aws_instance",
        query=f"{instance.region} {instance.id}",
        summary=f"{instance.id} is {instance.state}; {agent}",
        excerpt=f"{instance.id} {instance.type} {instance.state}, {launched}\n{checks}\n{agent}",
        at=at,
        trust=Trust.STATUS,
        url=_console(instance.region, "ec2", f"InstanceDetails:instanceId={instance.id}"),
    )


def _groups(picture: Picture) -> tuple[str, ...]:
    return picture.service.log_groups if picture.service else ()


def _pairs(dimensions: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(dimensions.items()))


def _console(region: str, service: str, place: str) -> str:
    return f"https://{region}.console.aws.amazon.com/{service}/home?region={region}#{place}"
