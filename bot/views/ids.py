"""The names by which a click or a submission comes back, and what their values hold: ids, never commands.

Whoever receives a click loads the state from the store by these ids; nothing else in the payload is believed.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from tools.values import Value

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
"""The id of a plan or an incident: ours, so never hostile."""
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{16,64}$")]
"""The digest of a plan in hexadecimal, whole or at least its first 16 characters."""


REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}:[1-9][0-9]{0,8}:[0-9a-f]{16}")


class ActionId(StrEnum):
    """Every button."""

    APPROVE = "plan.approve"
    REJECT = "plan.reject"
    STOP = "plan.stop"
    """In a veto window: it does not run."""
    RUN_NOW = "plan.run_now"
    """In a veto window: it need not wait."""
    EDIT = "plan.edit"
    UNDO = "plan.undo"
    ASK_AGAIN = "plan.ask_again"
    DETAILS = "plan.details"
    TIMELINE = "incident.timeline"
    INVESTIGATE = "incident.investigate"
    REPORT = "incident.report"
    USEFUL = "incident.useful"
    NOT_USEFUL = "incident.not_useful"
    """Opens a modal that asks what was wrong: `not useful` or `wrong cause`."""
    SPLIT = "incident.split"
    """Opens a modal with the alerts that joined, and why; one of them can be taken out."""
    POLICY_APPROVE = "policy.approve"
    POLICY_REJECT = "policy.reject"
    POLICY_DIFF = "policy.diff"
    BREAK_GLASS_REVIEW = "break_glass.review"


class CallbackId(StrEnum):
    """Every modal, and the Home tab."""

    APPROVE = "plan.approve"
    REJECT = "plan.reject"
    EDIT = "plan.edit"
    UNDO = "plan.undo"
    DETAILS = "plan.details"
    TIMELINE = "incident.timeline"
    REPORT = "incident.report"
    NOT_USEFUL = "incident.not_useful"
    SPLIT = "incident.split"
    POLICY_REJECT = "policy.reject"
    POLICY_DIFF = "policy.diff"
    BREAK_GLASS = "break_glass"
    BREAK_GLASS_REVIEW = "break_glass.review"
    DELEGATE = "delegate"
    LOADING = "loading"
    ERROR = "error"
    NOTICE = "notice"
    HOME = "home"


REASON_BLOCK, REASON_INPUT = "why", "v"
"""Where the reason is that a modal asks for: `view.state.values["why"]["v"]["value"]`."""
REASON_LEAST, REASON_MOST = 3, 1000
"""Characters a reason has."""
TARGET_BLOCK, TARGET_INPUT = "target-", "v"
"""Where the name of a target is that has to be typed again: `target-0`, `target-1`, ..."""


class PlanReference(Value):
    """Which plan, which version of it, and which bytes a button was drawn for: `P-77:1:9f3c2a4b5d6e7f80`."""

    plan_id: Identifier
    version: Annotated[int, Field(ge=1, lt=10**9)]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]

    def __str__(self) -> str:
        return f"{self.plan_id}:{self.version}:{self.digest}"


def parse_reference(value: str) -> PlanReference | None:
    """The reference in a button's value or a modal's private metadata; None when it is none of ours."""
    if REFERENCE.fullmatch(value) is None:
        return None
    plan_id, version, digest = value.split(":")
    return PlanReference(plan_id=plan_id, version=int(version), digest=digest)
