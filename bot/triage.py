"""FLOW 1, durable: alert -> incident -> investigation -> rehearsal -> decision -> a plan posted, or a calm card.

Nothing is changed here: the investigation reads, the rehearsal dry-runs. What people see is in `bot.cards`.
"""

from __future__ import annotations

import time
from datetime import datetime
from importlib.metadata import version

from sqlmodel import Session

from bot import cards, second_look, standing
from bot.desk import Desk
from bot.durable import step
from bot.investigation.minds import think
from bot.investigation.permission import permission
from bot.investigation.rules import Conclusion
from bot.logs import bound
from bot.memory.reminding import remind
from bot.plans import proposing
from bot.plans.proposing import Draft
from bot.progress import Telling
from bot.rehearsal import NotPossible, rehearse
from bot.starting import start_if_free
from bot.weighing import weigh
from storage import audit, incidents, investigations, plans
from storage.tables import Incident, IncidentStatus, Investigation, Mind, PlanStatus
from tools.evidence import Proposal
from tools.previews import Rehearsal


def triage(incident_id: int, look: int, desk: Desk) -> str:
    """Find out what is wrong and ask for the fix. Returns where the incident stands."""
    with bound(incident=incident_id):
        step(begin, incident_id, desk)
        step(investigate, incident_id, desk)
        return step(propose, incident_id, look, desk)


def begin(incident_id: int, desk: Desk) -> None:
    """The incident is being looked at, and everybody can see it."""
    with desk.database.writing() as session:
        incidents.move(session, incident_id, IncidentStatus.INVESTIGATING, desk.now())
        cards.show_incident(session, incidents.get(session, incident_id), desk)


def investigate(incident_id: int, desk: Desk) -> None:
    """Let the minds think, and keep what they concluded with its evidence. Entered again, it simply looks again."""
    with desk.database.reading() as session:
        incident = incidents.get(session, incident_id)
        alerts = incidents.alerts_of(session, incident_id)
        permitted = permission(session, incident_id, desk.minds.models, desk.minds.budget, desk.now())
    started, started_at = time.monotonic(), desk.now()
    with Telling(incident_id, incident.looks, desk) as telling:
        mind, conclusion = think(
            incident.subject, alerts, desk.minds, desk.readers, desk.now, permitted=permitted, tell=telling
        )
    telling.ended(mind)
    reminders = remind(incident, alerts, conclusion, desk)
    desk.metrics.triage_seconds.labels(mind=mind.model or "rules").observe(time.monotonic() - started)
    desk.metrics.count_model(mind)
    with desk.database.writing() as session:
        incidents.conclude(
            session,
            incident_id,
            mind=mind,
            proposal=conclusion.proposal,
            evidence=conclusion.evidence,
            gaps=conclusion.gaps,
            advice=conclusion.advice,
            second=conclusion.second,
            remarks=conclusion.remarks,
            changes=conclusion.changes,
            radius=conclusion.radius,
            at=desk.now(),
        )
        incident = incidents.get(session, incident_id)
        weigh(session, incident, conclusion, desk)
        incidents.keep_reminders(session, incident, reminders)
        investigations.keep(session, _as_kept(incident, mind, conclusion, started_at, desk.now()))
        cards.show_incident(session, incident, desk)
        cards.show_evidence(session, incident, desk)


def _as_kept(
    incident: Incident, mind: Mind, conclusion: Conclusion, started_at: datetime, finished_at: datetime
) -> Investigation:
    """This look, as it is kept to be judged again."""
    return Investigation(
        incident_id=incident.id or 0,
        look=incident.looks,
        started_at=started_at,
        finished_at=finished_at,
        version=version("sayso"),
        mind=mind,
        subject=incident.subject,
        picture=investigations.packed(conclusion.picture) if conclusion.picture is not None else None,
        proposal=conclusion.proposal,
        evidence=conclusion.evidence,
        reads=conclusion.reads,
        dollars=mind.dollars,
        tokens=mind.tokens,
    )


def propose(incident_id: int, look: int, desk: Desk) -> str:
    """Rehearse the proposal, ask policy, write the plan down and show it; or leave it to a person."""
    with desk.database.reading() as session:
        incident = incidents.get(session, incident_id)
        existing = [plan for plan in plans.of_incident(session, incident_id) if plan.look == look]
    if existing or incident.proposal is None:
        return str(incident.status)
    if not incident.proposal.actions:
        return _leave_to_people(incident_id, incident.advice, desk)
    rehearsal = rehearse(incident.proposal, desk.writers)
    if isinstance(rehearsal, Rehearsal):
        return _post_plan(incident, incident.proposal, rehearsal, look, desk)
    second = rehearse(incident.second, desk.writers) if incident.second is not None else rehearsal
    if incident.second is None or isinstance(second, NotPossible):
        return _leave_to_people(incident_id, f"No plan: {rehearsal.reason}", desk)
    _note_failed_fix(incident_id, rehearsal.reason, desk)
    return _post_plan(incident, incident.second, second, look, desk)


def _note_failed_fix(incident_id: int, reason: str, desk: Desk) -> None:
    """The model's fix cannot be done; what follows is the rules'."""
    with desk.database.writing() as session:
        incident = incidents.get(session, incident_id)
        if incident.mind is not None:
            incident.mind = incident.mind.model_copy(update={"failure": f"its fix cannot be done ({reason})"})
        incident.proposal = incident.second
        session.add(incident)


def give_up_triage(incident_id: int, desk: Desk) -> str:
    """Something in sayso itself failed: the incident is a person's, and the log says what it was."""
    return _leave_to_people(incident_id, "sayso itself failed while looking; its log says why.", desk)


def _leave_to_people(incident_id: int, note: str | None, desk: Desk) -> str:
    with desk.database.writing() as session:
        if second_look.will_follow(incidents.get(session, incident_id)):
            note = " ".join(filter(None, (note, second_look.NOTE)))
        incidents.move(session, incident_id, IncidentStatus.NEEDS_HUMAN, desk.now(), note=note)
        cards.show_incident(session, incidents.get(session, incident_id), desk)
    return IncidentStatus.NEEDS_HUMAN


def _post_plan(incident: Incident, proposal: Proposal, rehearsal: Rehearsal, look: int, desk: Desk) -> str:
    decision = proposing.judge(incident, proposal, rehearsal, desk)
    nobody = standing.nobody_to_ask(decision, audit.BOT, desk)
    if nobody is not None:
        standing.page(incident.id or 0, look, nobody, desk)
        return _leave_to_people(incident.id or 0, f"No plan: nobody could approve it: {nobody}", desk)
    draft = Draft(incident.id or 0, look, proposal, rehearsal, decision)
    with desk.database.writing() as session:
        if incidents.get(session, draft.incident_id).status == IncidentStatus.RESOLVED:
            return IncidentStatus.RESOLVED  # it cleared by itself while we looked
        if asked_already(session, draft, desk):
            return str(incidents.get(session, draft.incident_id).status)
        plan = proposing.write_down(session, draft, desk)
        stands = str(incidents.get(session, draft.incident_id).status)
    if plan.status == PlanStatus.APPROVED:
        start_if_free(plan.id or 0, desk)
    return stands


def asked_already(session: Session, draft: Draft, desk: Desk) -> bool:
    """Whether an open plan of the incident would do just the same: it stays, with the votes it has."""
    same = plans.likeness(draft.proposal, draft.rehearsal)
    open_ones = [one for one in plans.of_incident(session, draft.incident_id) if one.status in plans.OPEN]
    plan = next((one for one in open_ones if one.likeness == same), None)
    if plan is None:
        return False
    subject, at, note = f"plan:{plan.id}", desk.now(), f"Looked again: {cards.plan_name(plan.id)} is still the fix."
    audit.append(session, actor=audit.BOT, event="plan.confirmed", subject=subject, payload={"look": draft.look}, at=at)
    incidents.move(session, plan.incident_id, IncidentStatus.AWAITING_APPROVAL, at, note=note)
    cards.refresh(session, plan, desk)
    return True
