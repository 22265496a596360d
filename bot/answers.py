"""What people may ask in words, after `/sayso`, in a mention or in a direct message, and the answers from the record.

One table serves the parser and the help text: verbs only look, orders change something. An order is taken only as the
slash command, whose request Slack signed for the very person, and is carried out where its subject lives.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot import cards, regrouping
from bot.desk import Desk
from bot.emergencies import break_glass, stopping
from bot.health import check
from bot.naming import incident_number, plan_number
from bot.people import LookupFailed, NotAllowed, Person, delegation
from bot.policy import policy_cards
from bot.views import ephemeral, lists
from bot.views import exceptions as exceptions_view
from bot.views import help as help_view
from bot.views.blocks import Message, View
from bot.views.incident import card as incident_card
from bot.views.plan import PlanState
from policies.engine import explain
from storage import audit, exceptions, feedback, inbox, incidents, plans
from storage.feedback import Opinion
from storage.tables import Incident, Plan, PlanStatus
from tools.values import Value

LATELY = timedelta(days=30)
"""How far back what people thought of diagnoses is counted."""


@dataclass(frozen=True)
class Verb:
    """One thing people can ask for. `answer` gets what was typed after the verb."""

    usage: str
    does: str
    answer: Callable[[str, Desk], Message]


@dataclass(frozen=True)
class Opens:
    """An answer that is a modal."""

    view: View


@dataclass(frozen=True)
class Order:
    """One thing people can have done. `carry_out` gets who asks and what was typed after it.

    It may raise LookupFailed when Slack does not say who may.
    """

    usage: str
    does: str
    carry_out: Callable[[Person, str, Desk], Message | Opens]


class Typed(Value):
    """A slash command as it came: who typed what. `key` is unique for one request, so that a replay is recognised."""

    key: str
    user_id: str
    team_id: str
    text: str


def reply(text: str, desk: Desk) -> Message:
    """The answer to what somebody said; help, with the nearest verb, when it is not understood. Changes nothing."""
    name, rest = _parted(text)
    if name in VERBS:
        return VERBS[name].answer(rest, desk)
    if name in ORDERS:
        return ephemeral.note(f"That changes something, so I take it only as the command: /sayso {ORDERS[name].usage}")
    near = difflib.get_close_matches(name, [*VERBS, *ORDERS], n=1)
    return help_view.answer(_commands(near or [*VERBS, *ORDERS]), unknown=text.strip().partition(" ")[0] or None)


def command(typed: Typed, desk: Desk) -> Message | Opens:
    """Answer a slash command, or carry it out for who may have that done; refusals leave an audit entry."""
    name, rest = _parted(typed.text)
    if name not in ORDERS:
        return reply(typed.text, desk)
    person = desk.people.identify(typed.user_id, typed.team_id)
    if isinstance(person, NotAllowed):
        return _refused(typed, person.reason, ephemeral.unauthorised(person.reason), desk)
    with desk.database.writing() as session:
        fresh = inbox.accept(session, typed.key, "command", typed.model_dump_json(), desk.now())
        inbox.handled(session, typed.key, desk.now())
    if not fresh:
        return _refused(typed, "the same command again", ephemeral.note("This command was taken before."), desk)
    try:
        return ORDERS[name].carry_out(person, rest, desk)
    except LookupFailed as error:
        reason = f"Slack could not say who may do that ({error})"
        return _refused(typed, reason, ephemeral.unauthorised(f"{reason}; try again"), desk)


def _parted(text: str) -> tuple[str, str]:
    name, _, rest = text.strip().partition(" ")
    return name.lower(), rest.strip()


def _refused(typed: Typed, reason: str, told: Message, desk: Desk) -> Message:
    subject, payload = f"command:{_parted(typed.text)[0]}", {"reason": reason, "team": typed.team_id}
    with desk.database.writing() as session:
        audit.append(
            session, actor=typed.user_id, event="command.refused", subject=subject, payload=payload, at=desk.now()
        )
    return told


def _commands(names: list[str]) -> list[help_view.Command]:
    every: dict[str, Verb | Order] = {**VERBS, **ORDERS}
    return [help_view.Command(usage=every[name].usage, does=every[name].does) for name in names]


def _help(_rest: str, _desk: Desk) -> Message:
    return help_view.answer(_commands([*VERBS, *ORDERS]))


def _incidents(_rest: str, desk: Desk) -> Message:
    with desk.database.reading() as session:
        return lists.incidents([incident_row(one) for one in incidents.listed(session, only_open=True, limit=20)])


def _incident(rest: str, desk: Desk) -> Message:
    with desk.database.reading() as session:
        incident = session.get(Incident, incident_number(rest))
        if incident is None:
            return ephemeral.note(f"There is no incident “{rest[:40]}”. `/sayso incidents` lists the open ones.")
        return incident_card(cards.incident_card(session, incident, 0, desk))


def _plans(_rest: str, desk: Desk) -> Message:
    with desk.database.reading() as session:
        return lists.plans([plan_row(one) for one in plans.listed(session, limit=20)])


def _why(rest: str, desk: Desk) -> Message:
    with desk.database.reading() as session:
        plan = session.get(Plan, plan_number(rest))
        if plan is None:
            return ephemeral.note(f"There is no plan “{rest[:40]}”. `/sayso plans` lists them.")
        return lists.explanation(cards.plan_name(plan.id), explain(plan.decision))


def _policy(_rest: str, desk: Desk) -> Message:
    return policy_cards.status(desk)


def _audit(rest: str, desk: Desk) -> Message:
    subject = {"I": f"incident:{incident_number(rest)}", "P": f"plan:{plan_number(rest)}"}.get(rest[:1].upper())
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
        stopped = exceptions.stopped(session) is not None
        told = feedback.counted(session, desk.now() - LATELY)
    return lists.status(
        lists.Status(
            parts=check(desk),
            open_incidents=unresolved,
            pending_plans=waiting,
            stopped=stopped,
            diagnoses=_diagnoses(told),
        )
    )


def _diagnoses(told: Mapping[Opinion, int]) -> str | None:
    """What people thought of diagnoses lately."""
    if not any(told.values()):
        return None
    useful, wrong, no_use = told[Opinion.USEFUL], told[Opinion.WRONG_CAUSE], told[Opinion.NOT_USEFUL]
    return f"Diagnoses in the last 30 days: {useful} called useful, {wrong} with the wrong cause, {no_use} not useful"


def _break_glass(_person: Person, rest: str, desk: Desk) -> Message | Opens:
    asked = break_glass.question(rest, desk)
    return ephemeral.note(asked) if isinstance(asked, str) else Opens(exceptions_view.break_glass(asked))


def _merge(person: Person, rest: str, desk: Desk) -> Message | Opens:
    asked = regrouping.merge_of(rest, person.user_id)
    return ephemeral.note(asked) if isinstance(asked, str) else regrouping.merge(asked, desk)


def _split(_person: Person, rest: str, desk: Desk) -> Message | Opens:
    return Opens(regrouping.form(incident_number(rest), desk))


VERBS: dict[str, Verb] = {
    "help": Verb("help", "This list", _help),
    "incidents": Verb("incidents", "Open incidents", _incidents),
    "incident": Verb("incident INC-7", "One incident, as its card shows it", _incident),
    "plans": Verb("plans", "The latest plans and how they ended", _plans),
    "why": Verb("why P-7", "Why policy asks whom for a plan", _why),
    "audit": Verb("audit [INC-7 | P-7]", "The latest entries of the record, of everything or of one thing", _audit),
    "status": Verb("status", "How sayso's own parts are", _status),
    "policy": Verb("policy", "Which rules decide, since when, and what change of them waits", _policy),
    "delegations": Verb("delegations", "Whose vote is lent to whom", delegation.listed),
}
ORDERS: dict[str, Order] = {
    "delegate": Order("delegate @bob 3d holiday", "Lend somebody your vote for a while", delegation.lend),
    "undelegate": Order("undelegate @bob", "Take your vote back", delegation.take_back),
    "stop": Order("stop [reason]", "Let nothing start any more", stopping.stop),
    "resume": Order("resume", "Let what is approved start again", stopping.resume),
    "reset-breaker": Order(
        "reset-breaker", "Let routine things run by themselves after rollbacks", stopping.reset_breaker
    ),
    "break-glass": Order("break-glass P-7", "Run a plan alone, in an emergency; everybody is told", _break_glass),
    "merge": Order("merge INC-8 into INC-7", "Put two incidents together; a waiting plan of the first ends", _merge),
    "split": Order("split INC-7", "Take an alert out of an incident that it joined wrongly", _split),
    "review": Order("review P-7 what happened", "Review what somebody did alone", break_glass.review),
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
        title=plan.rehearsal.steps[0].title,
        state=PlanState(plan.status),
        at=plan.not_after if pending else (plan.finished_at or plan.claimed_at or plan.decided_at or plan.proposed_at),
    )
