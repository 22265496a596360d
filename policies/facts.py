"""What one action is judged by. Nothing is optional: a fact nobody established is an error, never an assumption."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, ConfigDict, Field

from tools.evidence import Severity
from tools.values import Value


class Origin(StrEnum):
    """What made sayso look."""

    ALERT = "alert"
    MENTION = "mention"
    COMMAND = "command"
    SCHEDULE = "schedule"


UNTRUSTED = frozenset({"confidence", "tainted_args", "tainted_sensitive", "corroborated"})
"""Facts that evidence or a model can sway: they may tighten a decision and never loosen it."""


COUNTED_ANEW = frozenset({"at", "recent", "rollbacks", "earned"})
"""Facts that are established again whenever policy is asked about the same plan. The others are part of its digest."""


class Facts(Value):
    """Everything true of one proposed action at one moment.

    Names come from the resolved live object, never from a request. `namespace`, `account`, `region` and `team` are
    empty where an action has none. `recent` counts, by limit id, the executions that fall under each limit;
    `rollbacks` the plans undone within one period of the breaker, since a person last reset it. `earned` counts, by the
    id of the rule that asks, the plans that did this kind of action to this service in this environment and were
    verified since the last one that was undone or overridden.
    """

    # Infinity is a legal scale factor (from or to nothing) and must survive being stored as JSON.
    model_config = ConfigDict(strict=True, ser_json_inf_nan="strings")

    action: str
    env: str
    service: str
    namespace: str
    team: str
    account: str
    region: str
    origin: Annotated[Origin, Field(strict=False)]
    requester: str
    severity: Annotated[Severity, Field(strict=False)]
    mutating: bool
    destructive: bool
    reversible: bool
    scale_factor: Annotated[float, Field(ge=1, strict=False)]
    """max(new/old, old/new) of the live replicas or instances; infinite when either is 0, and 1 when nothing scales."""
    pods_affected: Annotated[int, Field(ge=0)]
    at: AwareDatetime
    recent: Mapping[str, Annotated[int, Field(ge=0)]]
    rollbacks: Annotated[int, Field(ge=0)]
    earned: Mapping[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """The one fact that may be left out, as it was by plans of before: what nobody counted was not earned."""
    tainted_args: bool
    tainted_sensitive: bool
    corroborated: bool
    confidence: Annotated[float, Field(ge=0, le=10)]


def scale_factor(before: int, after: int) -> float:
    """How much a count changes, up or down alike: `Facts.scale_factor`."""
    if before == after:
        return 1.0
    if min(before, after) <= 0:
        return float("inf")
    return max(after / before, before / after)
