"""What people turn by hand: the stop switch, which lets nothing new start, and the breaker after rollbacks.

The switch is read before a plan starts, at its claim and between its steps (`storage.exceptions.stopped`).
"""

from __future__ import annotations

from bot.desk import Desk
from bot.people import Person, groups
from bot.starting import start_waiting
from bot.views import ephemeral, exceptions
from bot.views.blocks import Message
from storage import audit, messages
from storage.exceptions import Lever, stopped, turn

NOT_YOURS = "Only people of the approver groups may do that."


def stop(person: Person, words: str, desk: Desk) -> Message:
    """Let nothing start any more. Raises LookupFailed."""
    if not groups.mine(person.user_id, desk):
        return _refused(person, "stop", desk)
    _turn_stop(person, words, desk, on=True)
    return ephemeral.note("Stopped: nothing starts until somebody resumes me.")


def resume(person: Person, words: str, desk: Desk) -> Message:
    """Let what is approved start again. Raises LookupFailed."""
    if not groups.mine(person.user_id, desk):
        return _refused(person, "resume", desk)
    with desk.database.reading() as session:
        was = stopped(session)
    if was is None:
        return ephemeral.note("I am not stopped.")
    _turn_stop(person, words, desk, on=False)
    start_waiting(desk)
    return ephemeral.note("Resumed: what was approved and is still in time starts now.")


def reset_breaker(person: Person, words: str, desk: Desk) -> Message:
    """Rollbacks from before now do not keep things from running by themselves any more. Raises LookupFailed."""
    breaker, mine = desk.policy.file.breaker, groups.mine(person.user_id, desk)
    if breaker is None:
        return ephemeral.note("This policy has no breaker: there is nothing to reset.")
    if not set(mine) & set(breaker.from_ or mine):
        return _refused(person, "reset-breaker", desk)
    with desk.database.writing() as session:
        turn(session, Lever.BREAKER, on=False, by=person.user_id, reason=words or None, at=desk.now())
    return ephemeral.note("Reset: rollbacks from before now no longer count.")


def _turn_stop(person: Person, words: str, desk: Desk, *, on: bool) -> None:
    at, reason = desk.now(), words[:500] or None
    with desk.database.writing() as session:
        turn(session, Lever.STOP, on=on, by=person.user_id, reason=reason, at=at)
        told = exceptions.switched(stopped=on, by=person.user_id, reason=reason, at=at)
        messages.want(session, f"switch:stop:{at.isoformat()}", channel=desk.channel, body=told, at=at, priority=1)


def _refused(person: Person, verb: str, desk: Desk) -> Message:
    with desk.database.writing() as session:
        audit.append(
            session,
            actor=person.user_id,
            event="command.refused",
            subject=f"command:{verb}",
            payload={"reason": NOT_YOURS},
            at=desk.now(),
        )
    return ephemeral.note(NOT_YOURS)
