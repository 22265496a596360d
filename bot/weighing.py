"""How severe an incident is, by what was seen: status facts may raise what the alert said, and nothing lowers it."""

from __future__ import annotations

from sqlmodel import Session

from bot.desk import Desk
from bot.investigation.rules import Conclusion
from storage import incidents
from storage.tables import Incident
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Workload
from tools.severity import raised


def weigh(session: Session, incident: Incident, conclusion: Conclusion, desk: Desk) -> None:
    """Raise the severity where a workload that the cause is about has no replica left; the card says why."""
    weighed = raised(incident.severity, incident.environment, _down(conclusion))
    if weighed is None or not incidents.raise_severity(session, incident.id or 0, weighed, desk.now()):
        return
    session.refresh(incident)
    why = f"Severity raised to {weighed.severity.upper()}: {weighed.why}."
    incident.remarks = (*(incident.remarks or ()), why)
    session.add(incident)


def _down(conclusion: Conclusion) -> tuple[str, ...]:
    """The workloads that findings are about and of which nothing is available, as the cluster's own status says."""
    picture = conclusion.picture
    if not isinstance(picture, Picture):
        return ()
    blamed = {finding.resource.name for finding in conclusion.proposal.findings}
    return tuple(f"{picture.subject.namespace}/{one.name}" for one in picture.workloads if _is_out(one, blamed))


def _is_out(workload: Workload, blamed: set[str]) -> bool:
    return workload.name in blamed and workload.wanted > 0 and workload.available == 0
