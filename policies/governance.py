"""What a policy file says of the time around a decision: escalation, delegation, break-glass, change control.

Read strictly here so that a file which carries them is known to be sound; carrying them out belongs to the flows.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from policies.conditions import Names
from policies.durations import Delay, Duration
from tools.values import Value

LONGEST_DELEGATION_S = 14 * 86400
LONGEST_BREAK_GLASS_S = 8 * 3600
Approvals = Annotated[int, Field(ge=1, le=5)]
"""How many people. Zero asks nobody and is never meant."""


class Step(Value):
    """One step of an escalation: after so long, tell, add or page the people of some groups."""

    model_config = ConfigDict(strict=True)

    after: Delay
    notify: Names | None = None
    widen: Names | None = None
    page: Names | None = None

    @model_validator(mode="after")
    def _one_verb(self) -> Self:
        if sum(groups is not None for groups in (self.notify, self.widen, self.page)) != 1:
            raise ValueError("a step has exactly one of `notify`, `widen` and `page`")
        return self

    @property
    def groups(self) -> Names:
        """Whom the step reaches."""
        return self.notify or self.widen or self.page or ()


class Delegation(Value):
    """How a person may hand their vote to another for a while."""

    model_config = ConfigDict(strict=True)

    max_hops: Literal[1]
    max_duration: Annotated[Duration, Field(le=LONGEST_DELEGATION_S)]
    reason: bool
    groups: Names


class BreakGlass(Value):
    """How one person may act without the quorum. Never past a deny."""

    model_config = ConfigDict(strict=True)

    eligible: Names
    approvals: Approvals
    step_up: bool
    reason: bool
    incident: bool
    ttl: Annotated[Duration, Field(le=LONGEST_BREAK_GLASS_S)]
    overrides_deny: Literal[False]
    tell_skipped: Literal[True]
    channel: Annotated[str, Field(min_length=1)]
    block_next_until_reviewed: bool


class Loosening(Value):
    """Who must agree before a policy that allows more takes effect."""

    model_config = ConfigDict(strict=True)

    approvals: Annotated[int, Field(ge=2, le=5)]
    from_: Names = Field(alias="from")
    not_author: Literal[True]


class ChangeControl(Value):
    """How the policy itself may change, and how much of the past a change is replayed against."""

    model_config = ConfigDict(strict=True)

    loosening: Loosening
    replay: Duration
