"""What was seen, what follows from it, and what is proposed. Values only: reading and judging live elsewhere.

Evidence is untrusted text. It may sway a proposal; a proposal can only name known actions.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Annotated, NewType

from pydantic import AwareDatetime, Field

from tools.actions import Action
from tools.criteria import Criterion
from tools.resources import Resource
from tools.values import Value

EvidenceId = NewType("EvidenceId", str)

MAXIMUM_ACTIONS = 5
"""Most actions one proposal may hold (approvals fact: a person must be able to read it on one card)."""


class Trust(StrEnum):
    """Who could have written a piece of evidence."""

    STATUS = "status"
    """The provider's own API said so: object status, counts, metrics."""
    TEXT = "text"
    """Anybody who can send a request or set a label: logs, events, annotations, alert text, tags."""


class Severity(StrEnum):
    """How much it hurts, most severe first: sev1 is an outage, sev4 can wait until morning."""

    SEV1 = "sev1"
    SEV2 = "sev2"
    SEV3 = "sev3"
    SEV4 = "sev4"


class Role(StrEnum):
    """Where a finding stands between a cause and what people notice, causes first."""

    CHANGE = "change"
    """Somebody changed something: a rollout, a limit, a selector, a cordon."""
    RESOURCE = "resource"
    """Something ran out: memory, disk, room on nodes, connections, quota."""
    DEPENDENCY = "dependency"
    """Something it needs is not there: a registry, a volume, a database, a node."""
    SYMPTOM = "symptom"
    """What the others look like from outside: a crash loop, pods not ready, errors."""


class Evidence(Value):
    """One thing that was read: the tool and query that read it, and the redacted text it answered."""

    id: EvidenceId
    tool: str
    query: str
    summary: str
    excerpt: str
    url: str | None = None
    collected_at: AwareDatetime
    trust: Trust


def evidence(
    *, tool: str, query: str, summary: str, excerpt: str, at: datetime, trust: Trust, url: str | None = None
) -> Evidence:
    """Evidence whose id follows from what was read, so that reading the same again names the same thing.

    `excerpt` must have been through `tools.redaction` already.
    """
    seed = "\x00".join((tool, query, excerpt)).encode()
    return Evidence(
        id=EvidenceId("ev-" + hashlib.sha256(seed).hexdigest()[:12]),
        tool=tool,
        query=query,
        summary=summary,
        excerpt=excerpt,
        url=url,
        collected_at=at,
        trust=trust,
    )


Confidence = Annotated[int, Field(ge=1, le=10)]
"""1 (a guess) to 10 (the evidence leaves nothing open)."""


class Finding(Value):
    """A cause found on a resource. `code` names the rule (`k8s.oom_killed`); the statement is one English sentence."""

    code: str
    title: str
    statement: str
    severity: Severity
    confidence: Confidence
    resource: Resource
    evidence_ids: tuple[EvidenceId, ...]
    role: Role = Role.SYMPTOM
    since: AwareDatetime | None = None
    """When it began, as far as the evidence tells."""


class Proposal(Value):
    """What one mind concluded: why, what to do, and how anyone can tell that it worked.

    No actions means: nothing known would fix this; a person has to look.
    """

    hypothesis: str
    findings: tuple[Finding, ...] = ()
    actions: Annotated[tuple[Action, ...], Field(max_length=MAXIMUM_ACTIONS)] = ()
    success_criteria: tuple[Criterion, ...] = ()
    confidence: Confidence
