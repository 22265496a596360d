"""What the card of a plan shows: its states, how they look, and all that is told. Drawn in `views.plan`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from bot.views.ids import Digest, Identifier, PlanReference
from bot.views.signs import Sign
from bot.views.steps import CheckLine, Step
from tools.values import Value


class PlanState(StrEnum):
    """Where a plan is in its life; the stored words."""

    PENDING = "pending"
    APPROVED = "approved"
    EXECUTING = "executing"
    VERIFYING = "verifying"
    SUCCEEDED = "succeeded"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_FAILED = "rollback_failed"
    FAILED = "failed"
    NEEDS_HUMAN = "needs_human"
    REJECTED = "rejected"
    EXPIRED = "expired"
    STALE = "stale"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


class Face(Value):
    """How a state looks: a sign, words, and a sentence that says what it means for the world."""

    sign: Sign
    words: str
    meaning: str


NOTHING_DONE = "Nothing was done."
FACES: dict[PlanState, Face] = {
    PlanState.PENDING: Face(sign=Sign.ASKING, words="Approval needed", meaning="Nothing runs until it is approved."),
    PlanState.APPROVED: Face(sign=Sign.WAITING, words="Approved, about to run", meaning="Nothing has run yet."),
    PlanState.EXECUTING: Face(sign=Sign.WORKING, words="Executing", meaning="Applying exactly what was approved."),
    PlanState.VERIFYING: Face(sign=Sign.SEARCHED, words="Verifying", meaning="Applied. Checking that it helped."),
    PlanState.SUCCEEDED: Face(sign=Sign.DONE, words="Succeeded", meaning="Applied, and every criterion holds."),
    PlanState.ROLLING_BACK: Face(sign=Sign.UNDONE, words="Undoing", meaning="Taking back what was done."),
    PlanState.ROLLED_BACK: Face(sign=Sign.UNDONE, words="Undone", meaning="What was done has been taken back."),
    PlanState.ROLLBACK_FAILED: Face(
        sign=Sign.FIRING, words="Undo failed", meaning="A person must look at the targets now."
    ),
    PlanState.FAILED: Face(sign=Sign.REFUSED, words="Could not be done", meaning="The first step was refused."),
    PlanState.NEEDS_HUMAN: Face(
        sign=Sign.FIRING, words="Needs a person", meaning="I stopped here; a person must look at the targets now."
    ),
    PlanState.REJECTED: Face(sign=Sign.REFUSED, words="Rejected", meaning=NOTHING_DONE),
    PlanState.EXPIRED: Face(sign=Sign.WAITING, words="Expired", meaning="Nobody answered; nothing was done."),
    PlanState.STALE: Face(sign=Sign.SKIPPED, words="Out of date", meaning=f"The target moved. {NOTHING_DONE}"),
    PlanState.SUPERSEDED: Face(sign=Sign.SKIPPED, words="Replaced", meaning="A newer plan stands instead of this one."),
    PlanState.CANCELLED: Face(sign=Sign.SKIPPED, words="Cancelled", meaning=NOTHING_DONE),
}
WINDOW = Face(
    sign=Sign.WAITING,
    words="Runs unless stopped",
    meaning="Nobody has to approve it. Press Stop if it should not run.",
)
"""A pending plan in its veto window."""
AGAIN = {PlanState.EXPIRED, PlanState.STALE}
"""Ends after which the same may be asked once more."""
RUNNING = {PlanState.EXECUTING, PlanState.VERIFYING, PlanState.ROLLING_BACK}
RAN = {PlanState.SUCCEEDED, PlanState.ROLLED_BACK, PlanState.ROLLBACK_FAILED, PlanState.FAILED, PlanState.NEEDS_HUMAN}
DETAILED = {PlanState.PENDING, PlanState.APPROVED, *RUNNING, *RAN}
"""States in which somebody may still want to read the diff and the evidence."""


class Party(Value):
    """Somebody who may approve: a Slack user or usergroup id where known, and the name people call them."""

    id: str | None = None
    name: str


class VoteLine(Value):
    """One vote that counts, as shown."""

    user_id: str
    verdict: Literal["approve", "reject"]
    at: AwareDatetime
    reason: str | None = None
    on_behalf_of: tuple[str, ...] = ()
    """Who lent them the right to it; nobody, where it was their own."""
    stepped_up: bool = False


class Holder(Value):
    """The plan that has a target which this one waits for."""

    plan_id: Identifier
    title: str
    since: AwareDatetime
    approved_by: tuple[str, ...] = ()


class Other(Value):
    """Another plan worth knowing of beside this one, where it stands and since when."""

    plan_id: Identifier
    state: PlanState
    at: AwareDatetime


class Glass(Value):
    """One person ran it without the quorum. `reviewed_by` is None until somebody else has signed the review."""

    user_id: str
    at: AwareDatetime
    reason: str
    reviewed_by: str | None = None


class Wish(Value):
    """Who wanted a plan to be what it is: who edited it, or wants another one taken back; and why, if they said so."""

    by: str
    why: str | None = None


class Closing(Value):
    """How a plan ended: when, by whom (None: nobody in particular), and why."""

    at: AwareDatetime
    by: str | None = None
    reason: str | None = None


class PlanCard(Value):
    """All that the card of a plan shows. `render` rises with every edit of the message."""

    plan_id: Identifier
    version: Annotated[int, Field(ge=1)]
    digest: Digest
    render: Annotated[int, Field(ge=0)]
    state: PlanState
    incident_id: Identifier
    service: str
    environment: str
    steps: tuple[Step, ...]
    criteria: tuple[CheckLine, ...] = ()
    policy: str
    """One line of English: who is asked, and because of which rules."""
    approvers: tuple[Party, ...] = ()
    ping: bool = False
    """Mention the approvers, which notifies them. Only the first post of a severe incident's plan should."""
    progress: tuple[str, ...] = ()
    """How far each obligation is met: `1 of 2 from owner, sre-oncall`."""
    votes: tuple[VoteLine, ...] = ()
    step_up: bool = False
    """Approving needs a fresh sign-in."""
    widened: tuple[str, ...] = ()
    """Groups that may answer too by now, because nobody had."""
    fallbacks: tuple[str, ...] = ()
    """Groups that stand in for others that have nobody: `sre-leads for owner`."""
    proposed_at: AwareDatetime
    expires_at: AwareDatetime
    fires_at: AwareDatetime | None = None
    """When its veto window ends and it runs by itself."""
    reasoning: str | None = None
    """The model's own prose, unverified. None when rules made the plan."""
    holder: Holder | None = None
    """While approved: whose lock on a target is waited for."""
    rivals: tuple[Other, ...] = ()
    """Other plans that are open or running on one of the same targets."""
    alike: Other | None = None
    """An earlier plan that would have done just the same."""
    undoes: Identifier | None = None
    """The succeeded plan this one takes back."""
    replaces: Identifier | None = None
    """The plan an edit made this one of."""
    wish: Wish | None = None
    undone_by: Other | None = None
    """The plan that takes this one back, or has."""
    answered: bool = False
    """Somebody voted, or it was approved, before it came to its end."""
    can_undo: bool = False
    can_ask_again: bool = False
    glass: Glass | None = None
    note: str | None = None
    """Something that changed since people last looked ("the policy became stricter; votes so far stand")."""
    closing: Closing | None = None

    @property
    def face(self) -> Face:
        """How it looks now."""
        return WINDOW if self.in_window else FACES[self.state]

    @property
    def meaning(self) -> str:
        """What its state means for the world."""
        return NOTHING_DONE if self.state is PlanState.EXPIRED and self.answered else self.face.meaning

    @property
    def in_window(self) -> bool:
        """Whether it runs by itself unless somebody stops it."""
        return self.state is PlanState.PENDING and self.fires_at is not None

    @property
    def reference(self) -> PlanReference:
        """What the card's buttons carry."""
        return PlanReference(plan_id=self.plan_id, version=self.version, digest=self.digest[:16])
