"""What it takes to carry out one kind of action: the shape of an entry of WRITES, and the values it works on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from tools.clients import Writers
from tools.previews import Change, Observed, Preview
from tools.values import Value

__all__ = [
    "Applied",
    "Change",
    "Landing",
    "Observed",
    "Preview",
    "Reentry",
    "Refused",
    "Stale",
    "Write",
]


class Reentry(StrEnum):
    """What may be done when a write may already have happened (after a crash or a lost answer)."""

    WANTED_STATE = "wanted_state"
    """The end state can be read: equal means done, else it may be sent again."""
    PROBE = "probe"
    """It cannot be told apart from a second time: never send again, only look, and ask a person if unsure."""


class Refused(Value):
    """The action must not be done to this target, whatever anyone approves; `reason` is shown to people."""

    reason: str


class Stale(Value):
    """The target is no longer what people saw; `reason` says what moved."""

    reason: str


class Applied(Value):
    """A write that was accepted: canonical JSON of the changed fields, and the provider's request id, if any."""

    after: str
    request: str | None = None


class Landing(StrEnum):
    """What looking at the world says about a write that may have happened."""

    LANDED = "landed"
    NOT_LANDED = "not_landed"
    UNKNOWN = "unknown"


ActionT = TypeVar("ActionT")


def no_way_back(action: object, observed: Observed, writers: Writers) -> Preview | Refused:
    """What `preview_undo` answers for a write that cannot be taken back."""
    return Refused(reason="sayso cannot take this back")


@dataclass(frozen=True)
class Write(Generic[ActionT]):
    """How one kind of action is checked, rehearsed, done, looked for and undone.

    observe(action, writers)           the live target, or why not: asked at proposal
    check(action, approved, writers)   the live target again just before the write: fresh Observed, Stale or Refused
    preview(action, observed, writers) the dry run: Preview or Refused; persists nothing
    apply(action, observed, key, writers)   the one call that changes the world, guarded by what was observed;
                                       Stale when the guard failed. Raises Uncertain when the answer was lost.
                                       `key` is the idempotency key (client token) of this attempt
    landed(action, observed, key, writers)  whether an earlier `apply` happened
    undo(action, observed, key, writers)    puts `observed.before` back, guarded by the action's own end state
    undone(action, observed, key, writers)  whether an earlier `undo` happened
    preview_undo(action, observed, writers)  the dry run of `undo`, later, as a plan of its own: Refused when what was
                                       done no longer stands, or when there is no way back
    """

    destructive: bool
    reversible: bool
    routine: bool
    reentry: Reentry
    permissions: tuple[str, ...]
    observe: Callable[[ActionT, Writers], Observed | Refused]
    check: Callable[[ActionT, Observed, Writers], Observed | Stale | Refused]
    preview: Callable[[ActionT, Observed, Writers], Preview | Refused]
    apply: Callable[[ActionT, Observed, str, Writers], Applied | Stale]
    landed: Callable[[ActionT, Observed, str, Writers], Landing]
    undo: Callable[[ActionT, Observed, str, Writers], Applied | Stale]
    undone: Callable[[ActionT, Observed, str, Writers], Landing]
    preview_undo: Callable[[ActionT, Observed, Writers], Preview | Refused] = no_way_back
