"""What people may ask in words, after `/sayso`, in a mention or in a direct message, and the answers from the record.

One table serves the parser and the help text. Nothing here changes anything.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from bot import cards
from bot.desk import Desk
from bot.health import check
from bot.views import ephemeral, lists
from bot.views import help as help_view
from bot.views.blocks import Message
from bot.views.incident import card as incident_card
from bot.views.plan import PlanState
from policies.engine import explain
from storage import audit, incidents, plans
from storage.tables import Incident, Plan, PlanStatus


@dataclass(frozen=True)
class Verb:
    """One thing people can ask for. `answer` gets what was typed after the verb."""

    usage: str
    does: str
    answer: Callable[[str, Desk], Message]


def reply(text: str, desk: Desk) -> Message:
    """The answer to what somebody typed; help, with the nearest verb, when it is not understood."""
    verb, _, rest = text.strip().partition(" ")
    known = VERBS.get(verb.lower())
    if known is not None:
        return known.answer(rest.strip(), desk)
    near = difflib.get_close_matches(verb.lower(), VERBS, n=1)
    if near:
        return help_view.answer(_commands(near), unknown=verb)
    return help_view.answer(_commands(list(VERBS)), unknown=verb or None)


def _commands(verbs: list[str]) -> list[help_view.Command]:
    return [help_view.Command(usage=VERBS[verb].usage, does=VERBS[verb].does) for verb in verbs]


def _help(_rest: str, _desk: Desk) -> Message:
    return help_view.answer(_commands(list(VERBS)))


def _incidents(_rest: str, desk: Desk) -> Message:
    with desk.database.reading() as session:
        return lists.incidents([incident_row(one) for one in incidents.listed(session, only_open=True, limit=20)])


def _incident(rest: str, desk: Desk) -> Message:
    with desk.database.reading() as session:
        incident = session.get(Incident, _number(rest, "INC-"))
        if incident is None:
            return ephemeral.note(f"There is no incident “{rest[:40]}”. `/sayso incidents` lists the open ones.")
        return incident_card(cards.incident_card(session, incident, 0, desk))


def _plans(_rest: str, desk: Desk) -> Message:
    with desk.database.reading() as session:
        return lists.plans([plan_row(one) for one in plans.listed(session, limit=20)])


def _why(rest: str, desk: Desk) -> Message:
    with desk.database.reading() as session:
        plan = session.get(Plan, _number(rest, "P-"))
        if plan is None:
            return ephemeral.note(f"There is no plan “{rest[:40]}”. `/sayso plans` lists them.")
        return lists.explanation(cards.plan_name(plan.id), explain(plan.decision))


def _audit(rest: str, desk: Desk) -> Message:
    subject = {"I": f"incident:{_number(rest, 'INC-')}", "P": f"plan:{_number(rest, 'P-')}"}.get(rest[:1].upper())
    with desk.database.reading() as session:
        entries = audit.latest(session, 15, subject)
    rows = [
        lists.AuditRow(
            sequence=one.seq,
            at=audit.moment(one),
            actor=one.actor,
            event=one.event,
            subject=one.subject,
            hash=one.hash,
        )
        for one in entries
    ]
    return lists.audit(rows)


def _status(_rest: str, desk: Desk) -> Message:
    with desk.database.reading() as session:
        waiting = len(plans.in_status(session, PlanStatus.PENDING))
        unresolved = len(incidents.listed(session, only_open=True, limit=1000))
    return lists.status(
        lists.Status(parts=check(desk), open_incidents=unresolved, pending_plans=waiting, stopped=False)
    )


VERBS: dict[str, Verb] = {
    "help": Verb("help", "This list", _help),
    "incidents": Verb("incidents", "Open incidents", _incidents),
    "incident": Verb("incident INC-7", "One incident, as its card shows it", _incident),
    "plans": Verb("plans", "The latest plans and how they ended", _plans),
    "why": Verb("why P-7", "Why policy asks whom for a plan", _why),
    "audit": Verb("audit [INC-7 | P-7]", "The latest entries of the record, of everything or of one thing", _audit),
    "status": Verb("status", "How sayso's own parts are", _status),
}


def incident_row(incident: Incident) -> lists.IncidentRow:
    """An incident as lists show it."""
    return lists.IncidentRow(
        id=cards.incident_name(incident.id),
        title=incident.title,
        service=incident.service or "unknown service",
        environment=incident.environment,
        severity=incident.severity,
        state=cards.INCIDENT_STATES[incident.status],
        since=incident.opened_at,
    )


def plan_row(plan: Plan) -> lists.PlanRow:
    """A plan as lists show it."""
    pending = plan.status == PlanStatus.PENDING
    return lists.PlanRow(
        id=cards.plan_name(plan.id),
        version=plan.version,
        incident_id=cards.incident_name(plan.incident_id),
        title=plan.rehearsal.steps[0].action.title,
        state=PlanState(plan.status),
        at=plan.not_after if pending else (plan.finished_at or plan.claimed_at or plan.decided_at or plan.proposed_at),
    )


def _number(name: str, prefix: str) -> int:
    digits = name.strip().upper().removeprefix(prefix)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
