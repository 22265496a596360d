"""What only the person who clicked or typed sees: refusals with their reason, and notes. The card stays as it is."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from bot.views.blocks import Message, Rendering, message, section
from bot.views.ids import Identifier
from bot.views.plan import FACES, PlanState
from bot.views.signs import Sign
from bot.views.text import clock, code, inline, link, moment, who

HERE = Rendering("eph", "note", 0)
"""Nobody edits what only one person saw, so block ids need no counter."""


def not_allowed(plan_id: Identifier, reason: str, approvers: tuple[str, ...] = ()) -> Message:
    """The person may not decide this plan: why, and who may. A mention that one person sees notifies nobody."""
    may = f"These may: {', '.join(who(party) for party in approvers)}." if approvers else ""
    return _private(Sign.LOCKED, f"You cannot decide plan {plan_id}: {inline(reason, 400)}", may)


def unauthorised(reason: str) -> Message:
    """Slack could not vouch for the person (a guest, another company, a bot), or could not be asked."""
    return _private(Sign.LOCKED, f"I cannot take that from this account: {inline(reason, 400)}")


def already_voted(plan_id: Identifier, verdict: Literal["approve", "reject"], at: datetime) -> Message:
    """The person's first vote stands."""
    done = "approved" if verdict == "approve" else "rejected"
    return _private(Sign.DONE, f"You already {done} plan {plan_id}.", f"Your vote of {moment(at)} stands.")


def vote_counted(plan_id: Identifier, progress: tuple[str, ...], *, stopped: bool = False) -> Message:
    """An approval, and how far the plan has come. `stopped`: everyone agreed, and nothing starts all the same."""
    so_far = [f"So far: {inline(each, 200)}" for each in progress]
    waits = ["I am stopped, so it waits: `/sayso resume` lets it run."] if stopped else []
    return _private(Sign.DONE, f"Your approval of plan {plan_id} counts.", *so_far, *waits)


def sign_in(plan_id: Identifier, url: str, until: datetime) -> Message:
    """The decision needs a fresh sign-in: the link that leads to it, for this person only."""
    told = f"Plan {plan_id} needs a fresh sign-in: nothing counts until you have confirmed it there."
    return _private(
        Sign.LOCKED, told, link(url, "Sign in and confirm"), f"The link is yours, works once, until {clock(until)}."
    )


def replaced(plan_id: Identifier, permalink: str | None = None) -> Message:
    """The card that was clicked shows an older version or other bytes than the plan that stands now."""
    newer = link(permalink, "The plan that stands now")
    return _private(Sign.WARNING, f"Plan {plan_id} was replaced after that card was drawn; nothing was done.", newer)


def expired(plan_id: Identifier, at: datetime) -> Message:
    """The click came too late."""
    return _private(Sign.WAITING, f"Plan {plan_id} expired; nothing was done.", f"It stood until {moment(at)}.")


def too_late(plan_id: Identifier, state: PlanState) -> Message:
    """The plan was decided, or ended, before the click arrived."""
    face = FACES[state]
    return _private(face.sign, f"Plan {plan_id} takes no votes any more: {face.words.lower()}.", face.meaning)


def unknown_plan() -> Message:
    """The click names no plan on record."""
    return _private(Sign.WARNING, "I have no plan like that on record; nothing was done.")


def unknown_click() -> Message:
    """The click is none that this version knows."""
    return _private(Sign.WARNING, "That button is from another version of me. Try `/sayso plans`.")


def not_here(reason: str) -> Message:
    """This channel is no place for it (shared with another company, or sayso is not a member)."""
    return _private(Sign.LOCKED, f"Not in this channel: {inline(reason, 400)}")


def failed(correlation_id: str) -> Message:
    """Something broke on our side; the log tells what under this id. Whether anything came of it, the record says."""
    told = "Something went wrong on my side. `/sayso plans` shows what stands."
    return _private(Sign.WARNING, told, f"Tell whoever runs me: {code(correlation_id, 80)}")


def note(sentence: str) -> Message:
    """A sentence for one person."""
    return _private(Sign.LOOKING, inline(sentence, 1000))


def _private(sign: Sign, told: str, *more: str) -> Message:
    """The sentence is the text as well, since a notification shows nothing else."""
    return message(told, [section(HERE.part("told"), [f"{sign} {told}", *(line for line in more if line)])])
