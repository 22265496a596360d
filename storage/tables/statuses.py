"""The words a row's status is stored as. What can happen to a plan is `storage.plans.ARROWS`."""

from __future__ import annotations

from enum import StrEnum


class AlertStatus(StrEnum):
    """Whether the condition behind an alert holds."""

    FIRING = "firing"
    RESOLVED = "resolved"


class IncidentStatus(StrEnum):
    """How far an incident has come."""

    OPEN = "open"
    INVESTIGATING = "investigating"
    AWAITING_APPROVAL = "awaiting_approval"
    REMEDIATING = "remediating"
    NEEDS_HUMAN = "needs_human"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"


class PlanStatus(StrEnum):
    """Where a plan is between being proposed and its end."""

    PENDING = "pending"
    APPROVED = "approved"
    EXECUTING = "executing"
    VERIFYING = "verifying"
    ROLLING_BACK = "rolling_back"
    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_FAILED = "rollback_failed"
    FAILED = "failed"
    NEEDS_HUMAN = "needs_human"
    REJECTED = "rejected"
    EXPIRED = "expired"
    STALE = "stale"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


class Verdict(StrEnum):
    """What a person said to a plan."""

    APPROVE = "approve"
    REJECT = "reject"


class Nudge(StrEnum):
    """What an escalation does to the people of some groups when nobody has answered for a while."""

    NOTIFY = "notify"
    WIDEN = "widen"
    """They may approve from now on, beside those who were asked; the number never falls."""
    PAGE = "page"


class Result(StrEnum):
    """How one action of a finished plan turned out: what autonomy is earned, or lost, by."""

    VERIFIED = "verified"
    UNDONE = "undone"
    OVERRIDDEN = "overridden"
    """People decided otherwise: they rejected it, stopped it, edited it, or took it back afterwards."""


class PolicyStatus(StrEnum):
    """Where one version of the policy is."""

    PROPOSED = "proposed"
    """It allows more than the one in force: two people must agree first."""
    ACTIVE = "active"
    RETIRED = "retired"
    REJECTED = "rejected"


class Phase(StrEnum):
    """Whether an execution carries a step out or takes it back."""

    APPLY = "apply"
    UNDO = "undo"


class ExecutionStatus(StrEnum):
    """What is known of one call that changes the world."""

    INTENDED = "intended"
    """Written down; the call has not been made."""
    CALLING = "calling"
    """Somebody took it and may have made the call."""
    DONE = "done"
    FAILED = "failed"
    """Clearly refused; nothing changed."""
    STALE = "stale"
    """Not made: the target was no longer what people saw."""
    UNKNOWN = "unknown"
    """It may or may not have happened, and looking did not tell."""
