"""The parent message of an incident: readable in two seconds on a phone, edited in place. The rest is in its thread."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field

from bot.views import around
from bot.views.blocks import Block, Message, Rendering, button, button_row, context, fields, message, section, speech
from bot.views.ids import ActionId, Identifier
from bot.views.signs import AMBER, GREEN, GREY, RED, SEVERITY, Sign
from bot.views.text import clock, code, counted, inline, moment, plain
from tools.changes import Change
from tools.evidence import Confidence, Evidence, Severity
from tools.radius import BlastRadius
from tools.resources import Resource
from tools.values import Value

EVIDENCE_ON_CARD = 5
GAPS_ON_CARD = 5
JOINED_ON_CARD = 3


class IncidentState(StrEnum):
    """What is going on with an incident, in the order of a good day, then the two ways it stays with people."""

    INVESTIGATING = "investigating"
    AWAITING_APPROVAL = "awaiting_approval"
    REMEDIATING = "remediating"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    NEEDS_PERSON = "needs_person"
    NO_PLAN = "no_plan"


class Face(Value):
    """How a state looks: sign, words, colour, what it means, and whether looking again makes sense."""

    sign: Sign
    words: str
    colour: str
    meaning: str
    again: bool = False


FACES: dict[IncidentState, Face] = {
    IncidentState.INVESTIGATING: Face(
        sign=Sign.LOOKING,
        words="Investigating",
        colour=RED,
        meaning="Looking with read-only tools; nothing has been changed.",
    ),
    IncidentState.AWAITING_APPROVAL: Face(
        sign=Sign.ASKING,
        words="Awaiting approval",
        colour=AMBER,
        meaning="A plan is in the thread; nothing runs until it is approved.",
    ),
    IncidentState.REMEDIATING: Face(
        sign=Sign.WORKING, words="Remediating", colour=AMBER, meaning="An approved plan is running; see the thread."
    ),
    IncidentState.MITIGATED: Face(
        sign=Sign.GREEN,
        words="Mitigated",
        colour=GREEN,
        meaning="The fix holds; waiting for the alert to clear.",
        again=True,
    ),
    IncidentState.RESOLVED: Face(sign=Sign.DONE, words="Resolved", colour=GREEN, meaning="Nothing more to do here."),
    IncidentState.NEEDS_PERSON: Face(
        sign=Sign.FIRING,
        words="Needs a person",
        colour=RED,
        meaning="I stopped here; somebody has to look.",
        again=True,
    ),
    IncidentState.NO_PLAN: Face(
        sign=Sign.SEARCHED,
        words="No plan",
        colour=GREY,
        meaning="I know no safe fix, so nothing will be changed; over to you.",
        again=True,
    ),
}


class Cause(Value):
    """The likely cause. `unverified` when the sentence is a model's own prose and not a rule's."""

    statement: str
    confidence: Confidence
    resource: Resource | None = None
    unverified: bool = False


class Mind(Value):
    """Who thought: the rules alone, a model, or the rules because the model failed."""

    model: str | None = None
    calls: int = 0
    tokens: int = 0
    failure: str | None = None
    dollars: float | None = None
    answered_by: str | None = None
    """The model that stood in, where the first could not answer."""


class IncidentCard(Value):
    """All that the parent message of an incident shows. `render` rises with every edit of the message."""

    id: Identifier
    render: Annotated[int, Field(ge=0)]
    state: IncidentState
    severity: Severity
    title: str
    service: str
    environment: str
    since: AwareDatetime
    updated_at: AwareDatetime
    alerts: Annotated[int, Field(ge=1)] = 1
    """How many alerts were folded into this incident."""
    joined: tuple[str, ...] = ()
    """What joined after the alert that opened it, each with why, the latest last; can be taken out again."""
    category: str | None = None
    cause: Cause | None = None
    evidence: tuple[Evidence, ...] = ()
    """What was seen, for a person to go on from; shown where no cause is known."""
    mind: Mind | None = None
    gaps: tuple[str, ...] = ()
    """What could not be looked at, and why."""
    changes: tuple[Change, ...] = ()
    radius: BlastRadius | None = None
    reminders: tuple[around.Reminder, ...] = ()
    """What it is like, best first; the card shows one."""
    note: str | None = None
    """What there is to say beyond the state: `plan P-77 waits for sre-oncall`, `resolved by itself`."""


def card(incident: IncidentCard) -> Message:
    """The parent message of an incident, beside a coloured bar."""
    face, here = FACES[incident.state], Rendering("inc", incident.id, incident.render)
    blocks = [section(here.part("head"), _head(incident)), fields(here.part("facts"), _facts(incident))]
    blocks += _conclusion(incident, here)
    if incident.joined:
        blocks.append(section(here.part("joined"), _joined(incident.joined)))
    if known := list(_around(incident)):
        blocks.append(section(here.part("around"), known))
    if incident.gaps:
        blocks.append(section(here.part("gaps"), _gaps(incident.gaps)))
    blocks.append(button_row(here.part("act"), list(_buttons(incident))))
    blocks.append(context(here.part("foot"), [_foot(incident)]))
    ids: Block = {"id": incident.id}
    return message(_summary(incident), blocks, colour=face.colour, metadata=("incident", ids))


def mind_words(mind: Mind) -> str:
    """Who thought, in words: `model gpt-x (6 calls, 9k tokens, $0.01)`."""
    if mind.failure is not None:
        return _alone(mind, mind.failure)
    if mind.model is None:
        return "rules"
    who = inline(mind.answered_by, 60) + " in place of " if mind.answered_by else ""
    return f"model {who}{inline(mind.model, 60)} ({effort_words(mind.calls, mind.tokens, mind.dollars)})"


def effort_words(calls: int, tokens: int, dollars: float | None = None) -> str:
    """What a model took: `6 calls, 9k tokens, $0.01`; without dollars where nobody knows the price."""
    cost = [] if dollars is None else ["<$0.01" if 0 < dollars < 0.01 else f"${dollars:.2f}"]
    return ", ".join([*([counted(calls, "call")] if calls else []), f"{_thousands(tokens)} tokens", *cost])


def _alone(mind: Mind, failure: str) -> str:
    """Why the rules answered alone: nobody was asked, or what came back was no use, or we liked it less."""
    why = inline(failure, 150)
    if mind.calls == 0 and failure.startswith("the model"):
        return f"rules alone: {why}"
    if failure.startswith("it "):
        return f"rules first; the model was asked: {why}"
    return f"model failed: {why}; rules answered"


def confidence_words(confidence: int) -> str:
    """A confidence as a number and a word, so that nobody has to know the scale."""
    word = "high" if confidence >= 8 else "medium" if confidence >= 5 else "low"
    return f"confidence {confidence}/10, {word}"


def _summary(incident: IncidentCard) -> str:
    """One line above the bar, and the notification."""
    where = f"{inline(incident.service, 60)} ({inline(incident.environment, 30)})"
    words = FACES[incident.state].words.lower()
    return f"{incident.severity.upper()} {words}: {inline(incident.title, 120)} · {where}"


def _head(incident: IncidentCard) -> Iterator[str]:
    yield f"{SEVERITY[incident.severity]} *{inline(incident.title, 200)}*"
    folded = f" · ×{incident.alerts} alerts folded" if incident.alerts > 1 else ""
    yield f"{incident.id} · since {moment(incident.since)}{folded}"


def _facts(incident: IncidentCard) -> Iterator[tuple[str, list[str]]]:
    face = FACES[incident.state]
    note = [inline(incident.note, 400)] if incident.note else []
    yield "State", [f"{face.sign} {face.words}", *(note or [face.meaning])]
    where = f"{inline(incident.service, 80)} · {inline(incident.environment, 40)}"
    kind = f" · {inline(incident.category, 30)}" if incident.category not in (None, "unknown") else ""
    yield "Service", [where, f"Severity {incident.severity.upper()}{kind}"]


def _conclusion(incident: IncidentCard, here: Rendering) -> Iterator[Block]:
    if incident.cause is not None:
        yield from _cause(incident.cause, here)
    elif incident.state is not IncidentState.INVESTIGATING:
        yield section(here.part("cause"), _unexplained(incident.evidence))


def _cause(cause: Cause, here: Rendering) -> Iterator[Block]:
    on = f" · {code(str(cause.resource))}" if cause.resource is not None else ""
    label = f"*Likely cause* ({confidence_words(cause.confidence)}){on}"
    if cause.unverified:
        yield section(here.part("cause"), [label])
        yield speech(here.part("said"), "The assistant's reasoning (unverified)", plain(cause.statement, 600))
    else:
        yield section(here.part("cause"), [label, inline(cause.statement, 800)])


def _unexplained(evidence: tuple[Evidence, ...]) -> Iterator[str]:
    """The calm answer: what was looked at, so that a person need not look again."""
    yield "*No known cause.* Nothing I know explains this."
    if evidence:
        yield "What I saw:"
    for seen in evidence[:EVIDENCE_ON_CARD]:
        yield f"• {code(seen.tool, 60)} {inline(seen.summary, 250)}"
    if len(evidence) > EVIDENCE_ON_CARD:
        yield f"… and {len(evidence) - EVIDENCE_ON_CARD} more in the thread"


def _around(incident: IncidentCard) -> Iterator[str]:
    """The nearest change, the reach, and the likeliest memory, a line each."""
    if change := around.nearest_change(incident.changes, incident.since):
        yield f"*Changed just before* {change}"
    if incident.radius is not None and (incident.radius.affected or incident.radius.healthy):
        yield f"*Reach* {around.reach(incident.radius)}"
    for line in around.reminders(incident.reminders[:1]):
        yield f"*Seen before* {line.removeprefix('• ')}"


def _gaps(gaps: tuple[str, ...]) -> Iterator[str]:
    yield f"{Sign.WARNING} *Could not see*"
    yield from (f"• {inline(gap, 300)}" for gap in gaps[:GAPS_ON_CARD])
    if len(gaps) > GAPS_ON_CARD:
        yield f"… and {len(gaps) - GAPS_ON_CARD} more"


def _joined(joined: tuple[str, ...]) -> Iterator[str]:
    yield "*Joined it*"
    yield from (f"• {inline(one, 250)}" for one in joined[-JOINED_ON_CARD:])
    if len(joined) > JOINED_ON_CARD:
        yield f"… and {len(joined) - JOINED_ON_CARD} more behind *Joined alerts*"


def _buttons(incident: IncidentCard) -> Iterator[Block]:
    if FACES[incident.state].again:
        yield button(ActionId.INVESTIGATE, "Look again", incident.id)
    yield button(ActionId.TIMELINE, "Timeline", incident.id)
    if incident.joined and incident.state is not IncidentState.RESOLVED:
        yield button(ActionId.SPLIT, "Joined alerts", incident.id)


def _foot(incident: IncidentCard) -> str:
    thought = f" · {mind_words(incident.mind)}" if incident.mind is not None else ""
    return f"Updated {clock(incident.updated_at)}{thought} · mention me to ask"


def _thousands(count: int) -> str:
    return str(count) if count < 1000 else f"{round(count / 1000)}k"
