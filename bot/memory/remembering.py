"""A resolved incident as memory: what it looked like, what it was, and what helped. Redacted, and never more certain
than the record: a cause that people called wrong is left out, a fix counts only where it was verified.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from bot.naming import incident_name
from storage import feedback, incidents, memory, plans
from storage.feedback import Opinion
from storage.memory import Remembered
from storage.tables import Incident, IncidentStatus, Memory, PlanStatus
from tools.redaction import redact

MOST = 8000
"""Characters of one memory."""
LINES = 12
"""Lines of evidence kept with it."""


def remember(session: Session, incident_id: int, at: datetime) -> bool:
    """Keep an incident, if it is resolved and was not merged into another. False where nothing was to be written."""
    incident = incidents.get(session, incident_id)
    if incident.status != IncidentStatus.RESOLVED or incident.merged_into is not None:
        return False
    right, fix = _was_right(session, incident_id), _fix(session, incident_id)
    remembered = Remembered(
        kind="incident",
        ref=incident_name(incident_id),
        title=redact(incident.title)[:300],
        service=incident.service or "",
        body=redact("\n".join(_told(session, incident, right is not False)))[:MOST],
        fix=redact(fix)[:500] if fix else None,
        url=None,
        at=incident.resolved_at or at,
        verified=right is True or (right is None and fix is not None),
    )
    return memory.keep(session, remembered)


def missed(session: Session, limit: int) -> list[int]:
    """Resolved incidents that are not remembered yet: what an older sayso, or a crash, left behind."""
    name = sa.literal("INC-").concat(sa.cast(col(Incident.id), sa.String))
    known = select(Memory.id).where(Memory.kind == "incident", Memory.ref == name).exists()
    resolved = (Incident.status == IncidentStatus.RESOLVED, col(Incident.merged_into).is_(None), ~known)
    newest = select(Incident.id).where(*resolved).order_by(col(Incident.id).desc()).limit(limit)
    return [number or 0 for number in session.exec(newest)]


def _told(session: Session, incident: Incident, with_cause: bool) -> Iterator[str]:
    """What it looked like, and what it was."""
    for alert in incidents.alerts_of(session, incident.id or 0)[:10]:
        yield f"{alert.name}: {alert.annotations.get('summary') or alert.annotations.get('description') or ''}"
    if incident.category:
        yield incident.category
    if incident.proposal is None or not with_cause:
        return
    yield incident.proposal.hypothesis
    for finding in incident.proposal.findings[:5]:
        yield f"{finding.code} {finding.title}: {finding.statement}"
    cited = {number for finding in incident.proposal.findings for number in finding.evidence_ids}
    lines = [line for one in incident.evidence or () if one.id in cited for line in one.excerpt.splitlines()]
    yield from lines[:LINES]


def _was_right(session: Session, incident_id: int) -> bool | None:
    """What people said of the cause: the latest word; None where nobody said."""
    said = feedback.of_incident(session, incident_id)
    return said[-1].verdict == Opinion.USEFUL if said else None


def _fix(session: Session, incident_id: int) -> str | None:
    """What was done and verified."""
    done = [one for one in plans.of_incident(session, incident_id) if one.status == PlanStatus.SUCCEEDED]
    done = [one for one in done if one.undoes is None]
    return "; ".join(step.title for step in done[-1].rehearsal.steps) if done else None
