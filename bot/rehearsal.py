"""Before anyone is asked: find the live targets, dry-run every action, and say what would change. Persists nothing.

One of the two modules that may reach `tools.writes`; the other is `bot.remediation`, which does it for real.
"""

from __future__ import annotations

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from policies.catalogue import ActionTraits, Catalogue
from tools.clients import Writers
from tools.errors import PermanentError, TemporaryError
from tools.evidence import Proposal
from tools.previews import Rehearsal, RehearsedStep
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


def still_as_rehearsed(rehearsal: Rehearsal, writers: Writers) -> str | None:
    """What moved since people were asked, in words; None while every target is as they saw it."""
    for step in rehearsal.steps:
        try:
            found = PATIENT(write_for(step.action).check, step.action, step.observed, writers)
        except (TemporaryError, PermanentError) as error:
            return f"{step.observed.target} could not be read: {error}"
        if isinstance(found, Stale | Refused):
            return f"{step.observed.target}: {found.reason}"
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
