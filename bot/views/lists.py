"""What `/sayso incidents`, `plans`, `audit` and `status` answer, and the rows that App Home shows too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import AwareDatetime, Field

from bot.views import incident as incident_view
from bot.views import plan as plan_view
from bot.views.blocks import Message, Rendering, header, message, preformatted, section
from bot.views.ids import Identifier
from bot.views.incident import IncidentState
from bot.views.plan import PlanState
from bot.views.signs import SEVERITY, Sign
from bot.views.text import clock, code, counted, inline, link, moment, who
from tools.evidence import Severity
from tools.values import Value

ROWS_MOST = 15
"""Rows of one answer; the command line shows them all."""
ANSWER = Rendering("lst", "answer", 0)
"""Answers are never edited, so their block ids need no counter."""


class IncidentRow(Value):
    """One incident in a list. `permalink` leads to its message."""

    id: Identifier
    title: str
    service: str
    environment: str
    severity: Severity
    state: IncidentState
    since: AwareDatetime
    permalink: str | None = None


class PlanRow(Value):
    """One plan in a list. `permalink` leads to its card."""

    id: Identifier
    version: Annotated[int, Field(ge=1)]
    incident_id: Identifier
    title: str
    state: PlanState
    at: AwareDatetime
    """When it came into this state; while pending, when it expires."""
    permalink: str | None = None


class AuditRow(Value):
    """One entry of the record. `hash` is the entry's own, in hexadecimal."""

    sequence: Annotated[int, Field(ge=1)]
    at: AwareDatetime
    actor: str
    event: str
    subject: str
    hash: str


class PartHealth(Value):
    """Whether one part answers: Slack, the database, the cluster, AWS, the model."""

    name: str
    ok: bool
    detail: str


class Status(Value):
    """How sayso itself is doing."""

    parts: tuple[PartHealth, ...]
    open_incidents: int
    pending_plans: int
    stopped: bool
    """The kill switch is on: nothing is carried out."""
    diagnoses: str | None = None
    """How diagnoses did lately, in words; None while nobody has said."""


def incidents(rows: Sequence[IncidentRow]) -> Message:
    """Open incidents, in the order given."""
    return _answer("Open incidents", [incident_line(row) for row in rows], len(rows), "No open incidents.")


def plans(rows: Sequence[PlanRow]) -> Message:
    """Plans, in the order given."""
    return _answer("Plans", [plan_line(row) for row in rows], len(rows), "No plans.")


def explanation(plan_id: Identifier, told: str) -> Message:
    """Why policy asks whom for a plan, as the engine tells it."""
    title = f"Why plan {plan_id}"
    blocks = [header(ANSWER.part("head"), title), preformatted(ANSWER.part("why"), told[:2800])]
    return message(title, blocks)


def audit(rows: Sequence[AuditRow]) -> Message:
    """Entries of the record, in the order given."""
    return _answer("Audit", [_audit_line(row) for row in rows], len(rows), "Nothing on record.")


def status(seen: Status) -> Message:
    """How sayso itself is doing, in a few lines."""
    broken = [part for part in seen.parts if not part.ok]
    told = f"{len(broken)} of {len(seen.parts)} parts do not answer" if broken else "Every part answers"
    waiting = f"{counted(seen.pending_plans, 'plan')} waiting for approval"
    lines = [f"{counted(seen.open_incidents, 'open incident')} · {waiting}"]
    if seen.stopped:
        lines.insert(0, f"{Sign.WARNING} *Stopped:* the kill switch is on, nothing is carried out.")
    if seen.diagnoses is not None:
        lines.append(seen.diagnoses)
    lines += [part_line(part) for part in seen.parts]
    return message(told, [header(ANSWER.part("head"), told), section(ANSWER.part("rows"), lines)])


def incident_line(row: IncidentRow) -> str:
    """One incident as a line of mrkdwn."""
    face = incident_view.FACES[row.state]
    name = link(row.permalink, f"{row.id} {row.title}")
    where = f"{inline(row.service, 60)} · {inline(row.environment, 30)}"
    return f"{SEVERITY[row.severity]} *{name}* · {where} · {face.sign} {face.words} · since {moment(row.since)}"


def plan_line(row: PlanRow) -> str:
    """One plan as a line of mrkdwn."""
    face = plan_view.FACES[row.state]
    when = f"expires {clock(row.at)}" if row.state is PlanState.PENDING else moment(row.at)
    name = link(row.permalink, f"{row.id} {row.title}")
    return f"{face.sign} *{name}* · {face.words} · {when} · {row.incident_id}"


def part_line(part: PartHealth) -> str:
    """One part's health as a line of mrkdwn."""
    sign = Sign.DONE if part.ok else Sign.REFUSED
    return f"{sign} *{inline(part.name, 60)}* {inline(part.detail, 200)}"


def _audit_line(row: AuditRow) -> str:
    told = f"{inline(row.event, 80)} {code(row.subject, 80)}"
    return f"{row.sequence}. {moment(row.at)} · {who(row.actor)} · {told} · {code(row.hash[:12])}"


def _answer(title: str, lines: Sequence[str], count: int, nothing: str) -> Message:
    """A titled list; each row its own section, since rows vary in length."""
    if not count:
        return message(nothing, [section(ANSWER.part("none"), [nothing])])
    blocks = [header(ANSWER.part("head"), f"{title} ({count})")]
    blocks += [section(ANSWER.part(f"row{n}"), [line]) for n, line in enumerate(lines[:ROWS_MOST])]
    if count > ROWS_MOST:
        blocks.append(section(ANSWER.part("more"), [f"… and {count - ROWS_MOST} more"]))
    return message(f"{title}: {count}", blocks)
