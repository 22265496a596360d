"""Why the tasks of an ECS service stop: the service with what its tasks did lately, and a rule for each reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from tools.diagnosis.aws.checks import found
from tools.diagnosis.aws.revisions import differences
from tools.diagnosis.confidence import Strength
from tools.evidence import EvidenceId, Finding, Role
from tools.reads.aws import evidence
from tools.reads.aws.views import EcsService, Picture, StoppedTask

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
        matching = tuple(one for one in self.stopped if pattern.search(_why(one)))
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


def _why(task: StoppedTask) -> str:
    """All that ECS says of its end: for memory the task tells only that a container exited, and that one tells why."""
    return "\n".join((task.reason, *(one.reason for one in task.containers)))


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
    why = cut(next(one.reason for one in tasks))
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
        f"ECS says: {cut(tasks[0].reason)}.{case.with_change}",
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
        f"{_counted(case, tasks)} because they fail their health checks: {cut(tasks[0].reason)}.{case.with_change}",
        case.service.resource,
        case.ids,
        Strength.FITTING,
        since=_first(tasks),
        role=case.role(tasks),
    )


def essential_exited(case: Case) -> Finding | None:
    """An essential container ended by itself with an error, for no reason another rule knows."""
    others = (MEMORY, IMAGE, SECRETS, CHECK)
    tasks = tuple(one for one in case.stopped if _crashed(one) and not any(rule.search(_why(one)) for rule in others))
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


def cut(text: str) -> str:
    """One line of a reason: whole words, no longer than a card takes."""
    line = " ".join(text.split())
    return (line if len(line) <= 200 else line[:200].rsplit(" ", 1)[0] + " …").rstrip(".")
