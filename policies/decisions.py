"""The answer to "may we?": a value that is stored with the plan and explained from what is stored.

How it is reached is `policies.engine`; how votes meet it is `policies.quorum`.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import ConfigDict

from policies.facts import Facts
from tools.values import Value


class Effect(StrEnum):
    """What may happen to the actions, least restrictive first."""

    AUTO = "auto"
    AUTO_AFTER = "auto_after"
    """It runs after a window unless somebody stops it."""
    APPROVE = "approve"
    DENY = "deny"

    @property
    def rank(self) -> int:
        """Its place in the order of restriction."""
        return list(Effect).index(self)


class Obligation(Value):
    """So many different people from these groups must agree. Stays apart from every other obligation.

    A later `stage` opens when every obligation of the stages before is met, and whoever served one stage serves no
    other: three stages take three people, whoever they are.
    """

    rule: str
    approvals: int
    groups: tuple[str, ...]
    stage: int = 1

    def implies(self, other: Obligation) -> bool:
        """Whether meeting this one always meets the other: as many people, from no more groups.

        Says nothing of stages; `policies.strictness` compares those.
        """
        return self.approvals >= other.approvals and set(self.groups) <= set(other.groups)

    def __str__(self) -> str:
        who = f"{self.approvals} of {', '.join(self.groups)}"
        return who if self.stage == 1 else f"{who} in stage {self.stage}"


class Reason(Value):
    """A rule, limit or check that made the decision what it is, in the policy's own words."""

    rule: str
    why: str


class TraceLine(Value):
    """What one rule said to one action (`step` counts from 1): None when it matched, else why it did not."""

    step: int
    rule: str
    failed: str | None

    @property
    def matched(self) -> bool:
        """Whether the rule took part."""
        return self.failed is None


class Decision(Value):
    """What must happen before a plan may run, and why. Holds for exactly the facts it carries.

    `expires_s` is how long people have (None when nobody is asked); `window_s` how long an automatic action waits, and
    `veto_from` who may stop it, kept even when approval is asked instead.
    """

    model_config = ConfigDict(ser_json_inf_nan="strings")

    effect: Effect
    obligations: tuple[Obligation, ...] = ()
    not_requester: bool = False
    reason: bool = False
    step_up: bool = False
    expires_s: int | None = None
    window_s: int | None = None
    veto_from: tuple[str, ...] = ()
    because: tuple[Reason, ...]
    trace: tuple[TraceLine, ...]
    policy_version: int
    policy_sha256: str
    facts: tuple[Facts, ...]

    @property
    def approvals(self) -> int:
        """The largest number of people any obligation asks for."""
        return max((obligation.approvals for obligation in self.obligations), default=0)

    @property
    def stages(self) -> tuple[tuple[Obligation, ...], ...]:
        """The obligations stage by stage, in order."""
        numbers = sorted({each.stage for each in self.obligations})
        return tuple(tuple(each for each in self.obligations if each.stage == number) for number in numbers)

    @property
    def binding(self) -> tuple[Obligation, ...]:
        """The obligations no other one of their stage already implies: what is worth telling people."""
        return tuple(
            obligation
            for index, obligation in enumerate(self.obligations)
            if not any(
                other.stage == obligation.stage
                and other.implies(obligation)
                and (earlier < index or not obligation.implies(other))
                for earlier, other in enumerate(self.obligations)
                if earlier != index
            )
        )
