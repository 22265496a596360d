"""ECS services: health from counts and rollouts, and findings from why their tasks stop or cannot be placed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from tools.diagnosis.aws.checks import Checks, found, severity
from tools.diagnosis.aws.health import Health, Reason, Verdict, count, state, verdict
from tools.diagnosis.aws.revisions import differences
from tools.diagnosis.aws.thresholds import TASKS_SHORT_MINUTES
from tools.diagnosis.confidence import Strength
from tools.evidence import EvidenceId, Finding, Role, Severity
from tools.reads.aws import evidence, watch
from tools.reads.aws.views import EcsService, Picture, ServiceEvent, StoppedTask

LATELY = timedelta(minutes=20)
"""What stopped or was said longer ago is over, unless tasks are still missing."""
FRESH_ROLLOUT = timedelta(hours=6)
"""A deployment this young may be what brought the trouble."""
REPEATED = 2
"""One task that stopped is an accident; two of a kind are a pattern."""
KILLED = 137
ON_PURPOSE = re.compile(
    r"scaling activity initiated|user.?initiated|spot|maintenance|deployment ecs-svc", re.IGNORECASE
)
MEMORY = re.compile(r"OutOfMemory|out of memory|OOM", re.IGNORECASE)
IMAGE = re.compile(r"CannotPullContainer|CannotPullImage|pull image manifest|manifest unknown", re.IGNORECASE)
SECRETS = re.compile(
    r"ResourceInitializationError.*(?:secret|ssm|parameter|kms|registry auth)|unable to (?:pull|retrieve) secret",
    re.IGNORECASE | re.DOTALL,
)
CHECK = re.compile(r"failed (?:ELB|container|\w+) health checks|unhealthy in \(?target-group", re.IGNORECASE)
UNPLACED = re.compile(
    r"unable to place a task[^()]*(?:\((?P<missing>[^)]*)\))?|Capacity is unavailable at this time"
    r"|(?P<words>insufficient (?:CPU|memory) units?)[^.]*",
    re.IGNORECASE,
)


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


@dataclass(frozen=True)
class Case:
    """A service, and what its tasks did lately."""

    picture: Picture
    service: EcsService

    @property
    def at(self) -> datetime:
        """Now, for everything that is judged."""
        return self.picture.at

    @property
    def short(self) -> bool:
        """Whether tasks are missing."""
        return self.service.running < self.service.desired

    @cached_property
    def stopped(self) -> tuple[StoppedTask, ...]:
        """Tasks that ended by themselves and matter now: lately, or still missed."""
        reach = timedelta(hours=1) if self.short else LATELY
        return tuple(
            one
            for one in self.picture.stopped_tasks
            if one.stopped_at is not None
            and self.at - one.stopped_at <= reach
            and not (ON_PURPOSE.search(one.reason) and not CHECK.search(one.reason))
            and one.code not in ("UserInitiated", "SpotInterruption", "TerminationNotice")
        )

    def tasks(self, pattern: re.Pattern[str]) -> tuple[StoppedTask, ...]:
        """Those whose reason says so, where they are a pattern or the service misses tasks."""
        matching = tuple(one for one in self.stopped if pattern.search(one.reason))
        return matching if len(matching) >= REPEATED or (matching and self.short) else ()

    def role(self, tasks: Sequence[StoppedTask]) -> Role | None:
        """A change, where only tasks of a definition that was just deployed and differs are ill."""
        return Role.CHANGE if self.changed and all(self._new(one) for one in tasks) else None

    @cached_property
    def changed(self) -> tuple[str, ...]:
        """What the newest deployment changed, where it is young."""
        primary, before, now = self.service.primary, self.service.previous, self.service.definition
        if primary is None or before is None or now is None or self.at - primary.created_at > FRESH_ROLLOUT:
            return ()
        return differences(before, now)

    @property
    def with_change(self) -> str:
        """The same in a sentence; empty where nothing changed."""
        if not self.changed or self.service.definition is None or self.service.previous is None:
            return ""
        change = "; ".join(self.changed[:3])
        return f" {self.service.definition.short} replaced {self.service.previous.short}: {change}."

    @property
    def ids(self) -> tuple[EvidenceId, ...]:
        """The evidence every finding about its tasks rests on."""
        pieces = [
            evidence.of_stopped_tasks(self.service, self.picture.stopped_tasks, self.at),
            evidence.of_service(self.service, self.at),
        ]
        if self.changed:
            revisions = (self.service.definition, self.service.previous)
            pieces += [evidence.of_definition(self.service, one, self.at) for one in revisions if one is not None]
        return tuple(piece.id for piece in pieces)

    def _new(self, task: StoppedTask) -> bool:
        primary = self.service.primary
        return primary is not None and task.task_definition in ("", primary.task_definition)


def _first(tasks: Sequence[StoppedTask]) -> datetime | None:
    return min((one.stopped_at for one in tasks if one.stopped_at), default=None)


def _counted(case: Case, tasks: Sequence[StoppedTask]) -> str:
    service = case.service
    many = f"{len(tasks)} task{'s' if len(tasks) > 1 else ''} of {service.cluster}/{service.name}"
    return f"{many} stopped lately ({service.running} of {service.desired} run)"


def out_of_memory(case: Case) -> Finding | None:
    """A container was killed because it used more memory than it may."""
    tasks = case.tasks(MEMORY)
    if not tasks:
        return None
    names = sorted({one.name for task in tasks for one in task.containers if one.code == KILLED})
    which = f"container {', '.join(names)}" if names else "a container"
    return found(
        "aws.ecs_out_of_memory",
        f"{case.service.name} runs out of memory",
        f"{_counted(case, tasks)}: {which} was killed for using more memory than its limit.{case.with_change}",
        case.service.resource,
        case.ids,
        Strength.STATED,
        since=_first(tasks),
        role=case.role(tasks),
    )


def image_pull(case: Case) -> Finding | None:
    """An image cannot be pulled, so no task can start."""
    tasks = case.tasks(IMAGE)
    if not tasks:
        return None
    why = _cut(next(one.reason for one in tasks))
    return found(
        "aws.ecs_image_pull",
        f"{case.service.name} cannot pull its image",
        f"{_counted(case, tasks)} because the image cannot be pulled: {why}.{case.with_change}",
        case.service.resource,
        case.ids,
        Strength.STATED,
        since=_first(tasks),
        role=case.role(tasks),
    )


def secrets_unreachable(case: Case) -> Finding | None:
    """The agent could not fetch the secrets or the registry's credentials a task starts with."""
    tasks = case.tasks(SECRETS)
    if not tasks:
        return None
    return found(
        "aws.ecs_secrets_unreachable",
        f"{case.service.name} cannot fetch its secrets",
        f"{_counted(case, tasks)}: secrets or registry credentials could not be fetched, so no task starts. "
        f"ECS says: {_cut(tasks[0].reason)}.{case.with_change}",
        case.service.resource,
        case.ids,
        Strength.STATED,
        since=_first(tasks),
        role=case.role(tasks),
    )


def health_check_failing(case: Case) -> Finding | None:
    """ECS replaces tasks because the load balancer or their own check finds them ill."""
    tasks = case.tasks(CHECK)
    if not tasks:
        return None
    return found(
        "aws.ecs_health_check_failing",
        f"{case.service.name} fails its health checks",
        f"{_counted(case, tasks)} because they fail their health checks: {_cut(tasks[0].reason)}.{case.with_change}",
        case.service.resource,
        case.ids,
        Strength.FITTING,
        since=_first(tasks),
        role=case.role(tasks),
    )


def essential_exited(case: Case) -> Finding | None:
    """An essential container ended by itself with an error, for no reason another rule knows."""
    others = (MEMORY, IMAGE, SECRETS, CHECK)
    tasks = tuple(one for one in case.stopped if _crashed(one) and not any(rule.search(one.reason) for rule in others))
    if len(tasks) < REPEATED and not (tasks and case.short):
        return None
    codes = sorted({(one.name, one.code) for task in tasks for one in task.containers if one.code})
    ended = ", ".join(f"{name} with exit code {code}" for name, code in codes) or "with an error"
    killed = all(code == KILLED for _, code in codes) and bool(codes)
    hint = " 137 is a kill: it may have run out of memory, or not stopped in time." if killed else ""
    return found(
        "aws.ecs_essential_exited",
        f"{case.service.name} crashes",
        f"{_counted(case, tasks)}: essential container {ended}.{hint}{case.with_change}",
        case.service.resource,
        case.ids,
        Strength.FITTING,
        since=_first(tasks),
        role=case.role(tasks),
    )


STOPS = (out_of_memory, image_pull, secrets_unreachable, health_check_failing, essential_exited)
"""From what ECS says outright to what is left over."""


def _crashed(task: StoppedTask) -> bool:
    return task.code == "EssentialContainerExited" and any(one.code for one in task.containers)


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
    match = UNPLACED.search(event.text)
    missing = (match["missing"] or match["words"]) if match else None
    if missing and missing.startswith("RESOURCE:"):
        return f"no instance has enough {missing.removeprefix('RESOURCE:').lower()} left"
    return _cut(event.text)


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


def _cut(text: str) -> str:
    """One line of a reason: whole words, no longer than a card takes."""
    line = " ".join(text.split())
    return (line if len(line) <= 200 else line[:200].rsplit(" ", 1)[0] + " …").rstrip(".")
