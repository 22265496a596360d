"""Break-glass and its review: the button of the notice, and the two modals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.emergencies import break_glass
from bot.emergencies.break_glass import Breaking
from bot.listeners.answering import in_thread, show, tell
from bot.listeners.payloads import Submission, press_of, submission_of
from bot.people import LookupFailed, NotAllowed
from bot.views import ephemeral
from bot.views import exceptions as exceptions_view
from bot.views.blocks import Message
from bot.views.ids import REASON_BLOCK, ActionId, CallbackId, parse_reference
from bot.views.modals import reason_errors

if TYPE_CHECKING:
    from slack_bolt import Ack, App
    from slack_sdk import WebClient

    from bot.desk import Desk

GONE = {REASON_BLOCK: "This plan is not known any more."}


def register(app: App, desk: Desk) -> None:
    """Before what answers for everything else."""

    def ask_review(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        press = press_of(body)
        reference = parse_reference(press.value)
        if reference is not None:
            show(client, press, exceptions_view.review(reference))
        ack()

    def broken(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        submission = submission_of(body)
        reference, reason = parse_reference(submission.metadata), submission.typed.get(REASON_BLOCK, "").strip()
        errors = reason_errors(reason)
        if errors or reference is None:
            ack(response_action="errors", errors=errors or GONE)
            return
        asked = Breaking(
            event_key=submission.key,
            user_id=submission.user_id,
            team_id=submission.team_id,
            reference=reference,
            reason=reason,
        )
        told = break_glass.go(asked, desk)
        ack()
        tell(client, in_thread(submission, reference, desk), told)

    def reviewed(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        submission = submission_of(body)
        reference, words = parse_reference(submission.metadata), submission.typed.get(REASON_BLOCK, "").strip()
        errors = reason_errors(words)
        if errors or reference is None:
            ack(response_action="errors", errors=errors or GONE)
            return
        told = _review(submission, f"{reference.plan_id} {words}", desk)
        ack()
        tell(client, in_thread(submission, reference, desk), told)

    app.action(ActionId.BREAK_GLASS_REVIEW)(ask_review)
    app.view(CallbackId.BREAK_GLASS)(broken)
    app.view(CallbackId.BREAK_GLASS_REVIEW)(reviewed)


def _review(submission: Submission, words: str, desk: Desk) -> Message:
    person = desk.people.identify(submission.user_id, submission.team_id)
    if isinstance(person, NotAllowed):
        return ephemeral.unauthorised(person.reason)
    try:
        return break_glass.review(person, words, desk)
    except LookupFailed as error:
        return ephemeral.unauthorised(f"Slack could not say who may review ({error}); try again")
