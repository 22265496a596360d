"""The record. Rows only; the functions that change them are in the module of their subject, one step up."""

from __future__ import annotations

from storage.tables.chain import AuditCheckpoint, AuditEntry, AuditHead
from storage.tables.deliveries import InboxEvent, Message, RefusedDelivery
from storage.tables.executions import Execution, ResourceLock
from storage.tables.incidents import Alert, Feedback, Incident, Investigation, Joining, Likeness, Memory, Mind
from storage.tables.plans import BreakGlass, Delegation, Escalation, Outcome, Plan, SignIn, Vote
from storage.tables.rules import PolicyVersion, PolicyVote, Switch
from storage.tables.statuses import (
    AlertStatus,
    ExecutionStatus,
    IncidentStatus,
    Nudge,
    Phase,
    PlanStatus,
    PolicyStatus,
    Result,
    Verdict,
)

__all__ = [
    "Alert",
    "AlertStatus",
    "AuditCheckpoint",
    "AuditEntry",
    "AuditHead",
    "BreakGlass",
    "Delegation",
    "Escalation",
    "Execution",
    "ExecutionStatus",
    "Feedback",
    "InboxEvent",
    "Incident",
    "IncidentStatus",
    "Investigation",
    "Joining",
    "Likeness",
    "Memory",
    "Message",
    "Mind",
    "Nudge",
    "Outcome",
    "Phase",
    "Plan",
    "PlanStatus",
    "PolicyStatus",
    "PolicyVersion",
    "PolicyVote",
    "RefusedDelivery",
    "ResourceLock",
    "Result",
    "SignIn",
    "Switch",
    "Verdict",
    "Vote",
]
