"""Before anyone is asked: find the live targets, dry-run every action, and say what would change. Persists nothing.

One of the two modules that may reach `tools.writes`; the other is `bot.remediation`, which does it for real.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from policies.catalogue import ActionTraits, Catalogue
from tools.clients import Writers
from tools.errors import PermanentError, TemporaryError
from tools.evidence import Proposal
from tools.previews import Observed, Preview, Rehearsal, RehearsedStep
from tools.values import Value
from tools.writes import WRITES, write_for
from tools.writes.write import Refused, Stale

PATIENT = Retrying(
    retry=retry_if_exception_type(TemporaryError),
    stop=stop_after_attempt(3),
    wait=wait_exponential_jitter(multiplier=0.3, max=2),
    reraise=True,
)
"""Looking and dry runs change nothing, so a passing fault is simply asked again."""


class NotPossible(Value):
    """The proposal cannot be carried out as it stands; `reason` is for people."""

    reason: str


def rehearse(proposal: Proposal, writers: Writers) -> Rehearsal | NotPossible:
    """Rehearse every action in order. One that cannot be done means that none is proposed."""
    steps: list[RehearsedStep] = []
    for action in proposal.actions:
        write = write_for(action)
        try:
            observed = PATIENT(write.observe, action, writers)
            if isinstance(observed, Refused):
                return NotPossible(reason=f"{action.title}: {observed.reason}")
            preview = PATIENT(write.preview, action, observed, writers)
        except (TemporaryError, PermanentError) as error:
            return NotPossible(reason=f"{action.title}: could not be rehearsed: {error}")
        if isinstance(preview, Refused):
            return NotPossible(reason=f"{action.title}: {preview.reason}")
        steps.append(RehearsedStep(action=action, observed=observed, preview=preview))
    return Rehearsal(steps=tuple(steps))


def rehearse_undo(steps: Sequence[RehearsedStep], writers: Writers) -> Rehearsal | NotPossible:
    """Rehearse taking back what these steps did, last one first. What no longer stands as they left it is refused."""
    back: list[RehearsedStep] = []
    for step in reversed(steps):
        found = _preview_undo(step, writers)
        if isinstance(found, NotPossible):
            return found
        observed = _the_other_way(step.observed)
        back.append(RehearsedStep(action=step.action, observed=observed, preview=found, takes_back=True))
    return Rehearsal(steps=tuple(back))


def _the_other_way(observed: Observed) -> Observed:
    """What was observed before the change, with its counts in the order in which taking it back moves them."""
    was, became = observed.replicas_before, observed.replicas_after
    moved = abs(became - was) if was is not None and became is not None else 0
    touched = max(observed.pods_affected, moved)
    return observed.model_copy(update={"replicas_before": became, "replicas_after": was, "pods_affected": touched})


def _preview_undo(step: RehearsedStep, writers: Writers) -> Preview | NotPossible:
    """The dry run of taking one step back, or why it cannot be taken back now."""
    try:
        found = PATIENT(write_for(step.action).preview_undo, step.action, step.observed, writers)
    except (TemporaryError, PermanentError) as error:
        return NotPossible(reason=f"{step.observed.target} could not be read: {error}")
    return NotPossible(reason=found.reason) if isinstance(found, Refused) else found


def can_be_taken_back(steps: Iterable[RehearsedStep]) -> bool:
    """Whether everything these steps do can be undone. A way back has no way back of its own."""
    return all(write_for(one.action).reversible and not one.takes_back for one in steps)


class Drift(Value):
    """What is not as people were shown it. With `seen` false the target could not be read, so nobody knows."""

    reason: str
    seen: bool


def still_as_rehearsed(rehearsal: Rehearsal, writers: Writers) -> str | None:
    """What moved since people were asked, in words; None while every target is as they saw it."""
    found = drift(rehearsal, writers)
    return found.reason if found is not None else None


def drift(rehearsal: Rehearsal, writers: Writers) -> Drift | None:
    """The first target that is not as it was rehearsed, or could not be read; None while all are."""
    for step in rehearsal.steps:
        write = write_for(step.action)
        try:
            if step.takes_back:
                found: object = PATIENT(write.preview_undo, step.action, step.observed, writers)
            else:
                found = PATIENT(write.check, step.action, step.observed, writers)
        except (TemporaryError, PermanentError) as error:
            return Drift(reason=f"{step.observed.target} could not be read: {error}", seen=False)
        if isinstance(found, Stale | Refused):
            return Drift(reason=f"{step.observed.target}: {found.reason}", seen=True)
    return None


def catalogue() -> Catalogue:
    """What policy may know of every kind of action: whether it destroys, can be undone, and is routine."""
    return Catalogue(
        kinds={
            kind.model_fields["kind"].default: ActionTraits(
                mutating=True, destructive=write.destructive, reversible=write.reversible, routine=write.routine
            )
            for kind, write in WRITES.items()
        }
    )
