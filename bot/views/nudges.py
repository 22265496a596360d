"""What is said while a plan goes unanswered: to groups in the incident's thread, and to those who are paged."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from pydantic import AwareDatetime

from bot.views.blocks import Message, Rendering, context, message, section
from bot.views.ids import Identifier
from bot.views.plan import Party
from bot.views.signs import Sign
from bot.views.text import channel_link, inline, moment, utc, who
from tools.values import Value


class NudgeKind(StrEnum):
    """What happens to the people of the groups; the stored words."""

    NOTIFY = "notify"
    WIDEN = "widen"
    PAGE = "page"


class Nudge(Value):
    """One step of an escalation, as shown."""

    kind: NudgeKind
    plan_id: Identifier
    incident_id: Identifier
    title: str
    """What the plan would do, in one line."""
    service: str
    environment: str
    parties: tuple[Party, ...]
    expires_at: AwareDatetime
    channel: str
    """Id of the channel where the card is."""


SAID = {
    NudgeKind.NOTIFY: "this plan waits for you",
    NudgeKind.WIDEN: "nobody has answered yet, so you may approve or reject this plan too",
    NudgeKind.PAGE: "nobody has answered yet, and time runs out",
}


def reply(nudge: Nudge) -> Message:
    """In the incident's thread, where it notifies the groups that are mentioned."""
    asked = ", ".join(who(party.id) if party.id else inline(party.name, 80) for party in nudge.parties)
    sign = Sign.FIRING if nudge.kind is NudgeKind.PAGE else Sign.ASKING
    lines = [f"{sign} {asked}: {SAID[nudge.kind]}.", f"*{nudge.plan_id}* {_what(nudge)}"]
    here = Rendering("nudge", nudge.plan_id, 0)
    told = f"Plan {nudge.plan_id} waits for an answer until {utc(nudge.expires_at)}"
    small = [f"Until {moment(nudge.expires_at)}; then nothing is done. The card is above, in this thread."]
    return message(told, [section(here.part("told"), lines), context(here.part("until"), small)])


def page(nudge: Nudge) -> Message:
    """To one person, directly. There is nothing to press: decisions are made on the card, where everybody sees them."""
    here = Rendering("page", nudge.plan_id, 0)
    lines = [
        f"{Sign.FIRING} Plan *{nudge.plan_id}* needs an answer, and nobody has given one.",
        _what(nudge),
        f"Its card is in the thread of {nudge.incident_id} in {channel_link(nudge.channel)}.",
    ]
    told = f"Plan {nudge.plan_id} needs an answer until {utc(nudge.expires_at)}: {inline(nudge.title, 140)}"
    small = [f"Until {moment(nudge.expires_at)}; then nothing is done."]
    return message(told, [section(here.part("told"), lines), context(here.part("until"), small)])


def parties_of(named: Sequence[tuple[str, str | None]]) -> tuple[Party, ...]:
    """Groups by their policy name, with the usergroup each is in Slack; those that are one usergroup are named once."""
    once = {usergroup or name: Party(id=usergroup, name=name) for name, usergroup in named}
    return tuple(once.values())


def _what(nudge: Nudge) -> str:
    return f"{inline(nudge.title, 260)} · {inline(nudge.service, 80)} · {inline(nudge.environment, 40)}"
