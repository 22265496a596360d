"""What somebody thinks of an investigation: checked, written down, counted, and shown below what was found."""

from __future__ import annotations

import re

from bot import cards
from bot.desk import Desk
from bot.memory.remembering import remember
from bot.naming import incident_number
from bot.people import NotAllowed
from bot.views import ephemeral
from bot.views.blocks import Message
from storage import audit, feedback, incidents, investigations
from storage.feedback import Opinion
from tools.redaction import redact
from tools.values import Value

THANKS = "Noted, thank you. It counts in `sayso status`, and people see it below the findings."


class Said(Value):
    """What somebody said of a look (`INC-7:1`), as it came."""

    user_id: str
    team_id: str
    look: str
    opinion: str
    reason: str | None = None


def take(said: Said, desk: Desk) -> Message:
    """Write it down. Refused to whom nobody knows, and about what nobody looked at."""
    person = desk.people.identify(said.user_id, said.team_id)
    named, at = _named(said.look), desk.now()
    with desk.database.writing() as session:
        if named is None or investigations.of_look(session, *named) is None or said.opinion not in set(Opinion):
            return ephemeral.note("There is no such investigation.")
        incident_id, look = named
        if isinstance(person, NotAllowed):
            subject, refused = f"incident:{incident_id}", {"reason": person.reason, "team": said.team_id}
            audit.append(session, actor=said.user_id, event="click.refused", subject=subject, payload=refused, at=at)
            return ephemeral.unauthorised(person.reason)
        reason = redact(said.reason.strip()) if said.reason and said.reason.strip() else None
        if feedback.give(session, incident_id, look, person.user_id, Opinion(said.opinion), reason, at):
            desk.metrics.feedback.labels(opinion=said.opinion).inc()
            remember(session, incident_id, at)  # a wrong cause is no memory, a right one is a better one
        cards.show_evidence(session, incidents.get(session, incident_id), desk)
    return ephemeral.note(THANKS)


def _named(look: str) -> tuple[int, int] | None:
    """The numbers in `INC-7:1`; None when it is none of ours."""
    incident, _, number = look.partition(":")
    return (incident_number(incident), int(number)) if re.fullmatch(r"[0-9]{1,9}", number) else None
