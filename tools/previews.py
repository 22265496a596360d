"""What rehearsing an action showed: values, apart from `tools.writes` so that they can be kept and shown without it."""

from __future__ import annotations

from tools.actions import Action
from tools.resources import Resource
from tools.values import Value


class Observed(Value):
    """A target as it was when people were asked: what an approval pins.

    `uid` and `generation` name the object, `spec_digest` the part of it the plan depends on, `before` (canonical JSON)
    the old value of every field the action changes: enough to undo it.
    """

    target: Resource
    uid: str
    generation: int | None
    spec_digest: str
    before: str
    replicas_before: int | None = None
    replicas_after: int | None = None
    pods_affected: int = 0


class Change(Value):
    """One field that would change; values are redacted text, None where absent."""

    path: str
    before: str | None
    after: str | None


class Preview(Value):
    """What rehearsing showed: the dry run's diff, and what people should know before they decide."""

    changes: tuple[Change, ...]
    blast_radius: str
    undo: str
    command: str
    """The kubectl or aws command that would do the same, for people to recognise."""
    dry_run: str
    """How it was rehearsed, in words: `accepted by the API server`, or `checked by reading; there is no dry run`."""
    warnings: tuple[str, ...] = ()


class RehearsedStep(Value):
    """One action, the state it was rehearsed against, and what it would do.

    With `takes_back` the step is the way back: what an earlier plan's action changed becomes again what `observed`
    holds from before it.
    """

    action: Action
    observed: Observed
    preview: Preview
    takes_back: bool = False

    @property
    def title(self) -> str:
        """The end in one line, for people."""
        return f"Take back: {self.action.title}" if self.takes_back else self.action.title


class Rehearsal(Value):
    """A whole proposal, rehearsed step by step in the order it would run."""

    steps: tuple[RehearsedStep, ...]
