"""ECS services: health from counts and rollouts, and findings from why their tasks stop or cannot be placed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from tools.diagnosis.aws.checks import Checks, found, severity
from tools.diagnosis.aws.health import Health, Reason, Verdict, count, state, verdict
from tools.diagnosis.aws.stopping import LATELY, REPEATED, STOPS, Case, cut
from tools.diagnosis.aws.thresholds import TASKS_SHORT_MINUTES
from tools.diagnosis.confidence import Strength
from tools.evidence import Finding, Role, Severity
from tools.reads.aws import evidence, watch
from tools.reads.aws.views import EcsService, Picture, ServiceEvent

UNPLACED = re.compile(
    r"unable to place a task(?!\W+Reason: (?:ResourceInitialization|CannotPull))|Capacity is unavailable at this time"
    r"|insufficient (?:CPU|memory)",
    re.IGNORECASE,
)
"""On Fargate ECS also says it of a task that was placed and could not fetch its image or secrets."""
SHORT_OF = re.compile(r"RESOURCE:(?P<what>\w+)|insufficient (?P<words>CPU units|memory)", re.IGNORECASE)


def health(service: EcsService, picture: Picture) -> Verdict:
    """Running against wanted, the rollout, CPU and memory."""
    checks = Checks(picture, "AWS/ECS", watch.service(service))
    return verdict(
        service.resource,
        (
            _count(service, picture.at),
            _rollout(service, picture.at),
            checks.metric("ecs.cpu", "CPUUtilization", "Average", "CPU"),
            checks.metric("ecs.memory", "MemoryUtilization", "Average", "memory"),
        ),
    )


def findings(picture: Picture) -> Iterator[Finding]:
    """What ails the service of a picture."""
    if picture.service is None:
        return
    case = Case(picture, picture.service)
    told = [one for rule in STOPS if (one := rule(case)) is not None]
    yield from told
    yield from _unable_to_place(case)
    yield from _rollout_failed(case)
    yield from _busy(case)
    yield from _short(case)


def _unable_to_place(case: Case) -> Iterator[Finding]:
    """ECS wants to start tasks and finds no room for them."""
    if not case.short:
        return
    said = [one for one in case.service.events if case.at - one.at <= LATELY and UNPLACED.search(one.text)]
    # The newest word counts: a task that was placed since needs no room any more.
    placed = [one for one in case.service.events if "has started" in one.text]
    if not said or (placed and placed[0].at > said[0].at and not case.service.pending):
        return
    yield found(
        "aws.ecs_unable_to_place",
        f"{case.service.name} finds no room for its tasks",
        f"{case.service.running} of {case.service.desired} tasks of {case.service.cluster}/{case.service.name} run; "
        f"ECS cannot place the others: {_missing(said[0])}.",
        case.service.resource,
        (evidence.of_service(case.service, case.at).id,),
        Strength.STATED,
        since=said[-1].at,
    )


def _missing(event: ServiceEvent) -> str:
    match = SHORT_OF.search(event.text)
    what = (match["what"] or match["words"]) if match else None
    return f"no instance has enough {what.lower()} left" if what else cut(event.text)


def _rollout_failed(case: Case) -> Iterator[Finding]:
    """The newest deployment fails, as ECS says or its tasks show."""
    primary = case.service.primary
    if primary is None or _rollout(case.service, case.at).health is not Health.UNHEALTHY:
        return
    why = f" {primary.reason}." if primary.reason else ""
    name = primary.task_definition.rsplit("/", 1)[-1]
    yield found(
        "aws.ecs_rollout_failed",
        f"The deployment of {name} fails",
        f"The deployment of {name} to {case.service.cluster}/{case.service.name} does not complete: "
        f"{primary.running} of {primary.desired} tasks run, {primary.failed} failed.{why}{case.with_change}",
        case.service.resource,
        case.ids,
        Strength.MATCHED if case.changed else Strength.FITTING,
        since=primary.created_at,
        role=Role.CHANGE if case.changed else Role.SYMPTOM,
    )


def _busy(case: Case) -> Iterator[Finding]:
    judged = health(case.service, case.picture)
    for check, code, what in (("ecs.memory", "aws.ecs_memory_high", "memory"), ("ecs.cpu", "aws.ecs_cpu_high", "CPU")):
        if reason := judged.bad(check):
            yield found(
                code,
                f"{case.service.name} is short of {what}",
                f"The tasks of {case.service.cluster}/{case.service.name} use nearly all they have: {reason.said}.",
                case.service.resource,
                (*reason.evidence_ids, evidence.of_service(case.service, case.at).id),
                Strength.FITTING,
                severity(reason),
                since=reason.since,
            )


def _short(case: Case) -> Iterator[Finding]:
    reason = _count(case.service, case.at)
    if reason.health is Health.UNHEALTHY:
        yield found(
            "aws.ecs_short_of_tasks",
            f"{case.service.name} misses tasks",
            f"{reason.said} of {case.service.cluster}/{case.service.name}.",
            case.service.resource,
            (evidence.of_service(case.service, case.at).id,),
            Strength.FITTING,
            Severity.SEV1 if not case.service.running else Severity.SEV2,
        )


def _count(service: EcsService, at: datetime) -> Reason:
    """Tasks against the wanted number; a deployment that has just begun may still be starting them."""
    said = f"{service.running} of {service.desired} tasks run"
    if service.running >= service.desired:
        return count("tasks", said, Health.HEALTHY)
    primary = service.primary
    starting = primary is not None and at - primary.created_at < timedelta(minutes=TASKS_SHORT_MINUTES)
    return count("tasks", said, Health.DEGRADED if starting else Health.UNHEALTHY)


def _rollout(service: EcsService, at: datetime) -> Reason:
    primary = service.primary
    if primary is None or primary.rollout is None:
        return state("rollout", "ECS does not say how the rollout goes", Health.UNKNOWN)
    failing = primary.rollout == "FAILED" or (
        primary.rollout == "IN_PROGRESS"
        and (
            primary.failed >= REPEATED
            or any("unable to consistently start" in one.text and at - one.at <= LATELY for one in service.events)
        )
    )
    said = f"rollout {primary.rollout}" + (f", {primary.failed} tasks failed" if primary.failed else "")
    return state("rollout", said, Health.UNHEALTHY if failing else Health.HEALTHY)
