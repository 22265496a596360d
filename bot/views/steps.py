"""What a plan would do, and how far it got: one step an action, its diff, and the checklist while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from pydantic import AwareDatetime

from bot.views.signs import Sign
from bot.views.text import clock, code, excerpt, inline, shorten
from tools.resources import Resource
from tools.values import Value


class StepState(StrEnum):
    """How far one step got. `unknown`: it may have happened, and looking could not tell."""

    TO_DO = "to_do"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNDONE = "undone"
    UNKNOWN = "unknown"


STEP_SIGNS: dict[StepState, Sign] = {
    StepState.TO_DO: Sign.TO_DO,
    StepState.RUNNING: Sign.WAITING,
    StepState.DONE: Sign.DONE,
    StepState.FAILED: Sign.REFUSED,
    StepState.SKIPPED: Sign.SKIPPED,
    StepState.UNDONE: Sign.UNDONE,
    StepState.UNKNOWN: Sign.WARNING,
}
STEP_WORDS: dict[StepState, str] = {
    StepState.TO_DO: "not started",
    StepState.RUNNING: "running",
    StepState.DONE: "done",
    StepState.FAILED: "failed",
    StepState.SKIPPED: "not needed",
    StepState.UNDONE: "undone",
    StepState.UNKNOWN: "may have happened",
}


DOUBTFUL = {StepState.FAILED, StepState.UNKNOWN}
"""States after which somebody has to look at the target itself."""


class ChangeLine(Value):
    """One field that would change; None where the field is absent. Redacted text."""

    path: str
    before: str | None
    after: str | None


class Step(Value):
    """One action as people see it: what it is for, where, and what rehearsing showed."""

    title: str
    target: Resource
    changes: tuple[ChangeLine, ...] = ()
    blast_radius: str
    undo: str
    command: str
    dry_run: str
    warnings: tuple[str, ...] = ()
    state: StepState = StepState.TO_DO
    note: str | None = None
    """What happened in it, where there is more to say than its state: an error, or how long it took."""
    ended_at: AwareDatetime | None = None


class CheckLine(Value):
    """One condition a plan is verified by, in words, and whether it holds; None before it was measured."""

    condition: str
    met: bool | None = None
    detail: str | None = None


def headline(steps: Sequence[Step], most: int = 120) -> str:
    """A whole plan in one line of mrkdwn: its first step, and how many more there are."""
    if not steps:
        return "nothing to do"
    more = f" (and {len(steps) - 1} more)" if len(steps) > 1 else ""
    return inline(steps[0].title, most) + more


def outline(steps: Sequence[Step]) -> Iterator[str]:
    """What would be done, where: lines of mrkdwn for people who are still to decide."""
    for number, step in enumerate(steps, 1):
        counted = f"{number}. " if len(steps) > 1 else ""
        yield f"{counted}*{inline(step.title, 260)}*"
        yield f"on {code(str(step.target))}"
        yield from (f"{Sign.WARNING} {inline(warning, 300)}" for warning in step.warnings)


def checklist(steps: Sequence[Step]) -> Iterator[str]:
    """How far each step got: lines of mrkdwn while a plan runs and after it ended."""
    for number, step in enumerate(steps, 1):
        ended = f" · {clock(step.ended_at)}" if step.ended_at is not None else ""
        note = f" · {inline(step.note, 300)}" if step.note else ""
        where = f" on {code(str(step.target))}" if step.state in DOUBTFUL else ""
        title = inline(step.title, 200)
        yield f"{STEP_SIGNS[step.state]} {number}. {title}{where} · {STEP_WORDS[step.state]}{ended}{note}"


def checks(criteria: Sequence[CheckLine]) -> Iterator[str]:
    """The success criteria: lines of mrkdwn, with a sign once they were measured."""
    for check in criteria:
        sign = {None: "•", True: Sign.DONE, False: Sign.WAITING}[check.met]
        detail = f" ({inline(check.detail, 200)})" if check.detail else ""
        yield f"{sign} {inline(check.condition, 200)}{detail}"


def diff(steps: Sequence[Step], most: int) -> str:
    """What changes, field by field, as text for a preformatted box; says so where it had to be cut."""
    lines = [line for step in steps for line in _diff_lines(step)]
    whole = "\n".join(lines)
    if len(whole) <= most:
        return whole
    return shorten(whole, most - 40) + "\n… the rest is under Diff & evidence"


def _diff_lines(step: Step) -> Iterator[str]:
    yield excerpt(str(step.target), 200)
    if not step.changes:
        yield "  no field changes"
    for change in step.changes:
        path = excerpt(change.path, 200).replace("\n", " ")
        yield from _signed("-", path, change.before)
        yield from _signed("+", path, change.after)


def _signed(sign: str, path: str, value: str | None) -> Iterator[str]:
    """Every line of a value carries the sign, so that text inside a value cannot pass for another line of the diff."""
    if value is None:
        return
    first, *others = excerpt(value, 1500).split("\n")
    yield f"{sign} {path}: {first}"
    yield from (f"{sign}   {line}" for line in others)
