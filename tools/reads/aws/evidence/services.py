"""ECS services, their tasks and task definitions -> Evidence. Environment variables by name only."""

from __future__ import annotations

from datetime import datetime

from tools.evidence import Evidence, Trust, evidence
from tools.reads.aws.views import EcsService, StoppedTask, TaskDefinition

SHOWN_EVENTS = 8


def of_service(service: EcsService, at: datetime) -> Evidence:
    """An ECS service's counts and deployments."""
    lines = [
        f"{one.status} {one.id} {one.rollout or 'rollout unknown'} since {one.created_at:%Y-%m-%d %H:%M}: "
        f"{one.running} of {one.desired} tasks of {one.task_definition.rsplit('/', 1)[-1]}"
        + (f", {one.failed} failed" if one.failed else "")
        + (f"; {one.reason}" if one.reason else "")
        for one in service.deployments
    ]
    said = [f"{one.at:%H:%M:%S} {one.text}" for one in service.events[:SHOWN_EVENTS]]
    counts = f"{service.running} of {service.desired} tasks run"
    return evidence(
        tool="aws_ecs_service",
        query=f"{service.region} {service.cluster}/{service.name}",
        summary=f"{service.cluster}/{service.name}: {counts}",
        excerpt="\n".join([f"status {service.status}, {counts}", *lines, *said]),
        at=at,
        trust=Trust.STATUS,
    )


def of_stopped_tasks(service: EcsService, tasks: tuple[StoppedTask, ...], at: datetime) -> Evidence:
    """The tasks a service lost lately, with ECS' reasons."""
    lines = [_stopped(one) for one in tasks]
    return evidence(
        tool="aws_stopped_tasks",
        query=f"{service.region} {service.cluster}/{service.name}",
        summary=f"{len(tasks)} tasks of {service.name} stopped lately",
        excerpt="\n".join(lines) or "none",
        at=at,
        trust=Trust.STATUS,
    )


def of_definition(service: EcsService, definition: TaskDefinition, at: datetime) -> Evidence:
    """What one revision of a task definition runs."""
    lines = [f"cpu {definition.cpu or '-'}, memory {definition.memory or '-'}"]
    for one in definition.containers:
        lines.append(f"container {one.name} image {one.image} cpu {one.cpu or '-'} memory {one.memory or '-'} MiB")
        lines.append(f"  env names: {', '.join(one.env) or 'none'}; secrets: {', '.join(one.secrets) or 'none'}")
    return evidence(
        tool="aws_task_definition",
        query=f"{service.region} {definition.short}",
        summary=f"{definition.short} runs {', '.join(one.image for one in definition.containers) or 'nothing'}",
        excerpt="\n".join(lines),
        at=at,
        trust=Trust.STATUS,
    )


def _stopped(task: StoppedTask) -> str:
    """When, which, and why; then each container's exit code."""
    when = f"{task.stopped_at:%Y-%m-%d %H:%M:%S}" if task.stopped_at else "unknown time"
    exits = ", ".join(f"{one.name} exit {one.code}" for one in task.containers if one.code is not None)
    return " ".join(part for part in (when, task.id, task.code or "", task.reason, exits) if part)
