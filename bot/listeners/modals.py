"""Submitted modals: the reason of a decision, the changed fields of a plan, the wish to take one back.

What is wrong with an entry is said beside it at once. What takes long (a rehearsal against the live targets) is done
after the acknowledgement, in sight: the modal says that it goes on, and then what came of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot import approval
from bot.desk import Desk
from bot.listeners.answering import external_id, in_thread, later, show_result, tell
from bot.listeners.buttons import click_of
from bot.listeners.payloads import Submission, submission_of
from bot.plans import confirming, editing, undoing
from bot.plans.editing import Edit
from bot.plans.undoing import TakeBack
from bot.views import ephemeral, modals
from bot.views.blocks import Message
from bot.views.ids import REASON_BLOCK, CallbackId, PlanReference, parse_reference
from storage.tables import Plan, Verdict

if TYPE_CHECKING:
    from slack_bolt import Ack, App
    from slack_sdk import WebClient

REHEARSING = "Rehearsing it against the live targets. This takes a few seconds."
Errors = dict[str, str]
"""What is wrong with what was typed, by block id."""


def register(app: App, desk: Desk) -> None:
    """Everything that can be submitted."""

    def approve_errors(submission: Submission, reference: PlanReference) -> Errors:
        wanted = confirming.wanted(reference, desk)
        reason = _reason_errors(submission) if wanted.reason else {}
        return modals.target_errors(submission.typed, wanted.targets) | reason

    def reject_errors(submission: Submission, _reference: PlanReference) -> Errors:
        return _reason_errors(submission)

    def edit(submission: Submission, reference: PlanReference) -> Message:
        ids = {"user_id": submission.user_id, "team_id": submission.team_id, "channel": ""}
        return editing.edit(Edit(**ids, reference=reference, typed=submission.typed), desk)

    def undo(submission: Submission, reference: PlanReference) -> Message:
        ids = {"user_id": submission.user_id, "team_id": submission.team_id, "channel": ""}
        reason = submission.typed.get(REASON_BLOCK, "").strip()
        return undoing.take_back(TakeBack(**ids, reference=reference, reason=reason), desk)

    def edit_errors(submission: Submission, reference: PlanReference) -> Errors:
        plan = editing.opened(reference, desk)
        found = editing.read(plan, submission.typed) if isinstance(plan, Plan) else ()
        return found if isinstance(found, dict) else {}

    def decides(verdict: Verdict, errors: Callable[[Submission, PlanReference], Errors]) -> None:
        callback = CallbackId.APPROVE if verdict is Verdict.APPROVE else CallbackId.REJECT
        app.view(callback)(_deciding(verdict, errors, desk))

    decides(Verdict.APPROVE, approve_errors)
    decides(Verdict.REJECT, reject_errors)
    slow = {CallbackId.EDIT: ("Edit", edit_errors, edit), CallbackId.UNDO: ("Undo", reject_errors, undo)}
    for callback, (verb, errors, work) in slow.items():
        app.view(callback)(ack=_working(verb, errors), lazy=[later(_worked(verb, errors, work, desk))])


def _deciding(
    verdict: Verdict, errors: Callable[[Submission, PlanReference], Errors], desk: Desk
) -> Callable[..., None]:
    def submitted(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        submission = submission_of(body)
        reference = parse_reference(submission.metadata)
        wrong = errors(submission, reference) if reference is not None else {}
        if wrong:
            ack(response_action="errors", errors=wrong)
            return
        ack()
        told = ephemeral.unknown_plan()
        if reference is not None:
            reason = submission.typed.get(REASON_BLOCK) or None
            told = approval.decide(click_of(body, reference, verdict, reason), desk)
        tell(client, in_thread(submission, reference, desk), told)

    return submitted


def _working(verb: str, errors: Callable[[Submission, PlanReference], Errors]) -> Callable[..., None]:
    """The answer Slack waits for: what is wrong, or that it is being worked on."""

    def acknowledge(ack: Ack, body: dict[str, Any]) -> None:
        submission = submission_of(body)
        reference = parse_reference(submission.metadata)
        if reference is None:
            ack(response_action="update", view=modals.answer(verb, ephemeral.unknown_plan()))
        elif wrong := errors(submission, reference):
            ack(response_action="errors", errors=wrong)
        else:
            title = f"{verb} {reference.plan_id}"
            ack(response_action="update", view=modals.working(title, REHEARSING, external_id(submission.view_id)))

    return acknowledge


def _worked(
    verb: str,
    errors: Callable[[Submission, PlanReference], Errors],
    work: Callable[[Submission, PlanReference], Message],
    desk: Desk,
) -> Callable[[Any, WebClient], None]:
    """What is done after that answer; nothing, where something was wrong."""

    def worked(body: Any, client: WebClient) -> None:
        submission = submission_of(body)
        reference = parse_reference(submission.metadata)
        if reference is None or errors(submission, reference):
            return
        told = work(submission, reference)
        if not show_result(client, submission.view_id, f"{verb} {reference.plan_id}", told):
            tell(client, in_thread(submission, reference, desk), told)

    return worked


def _reason_errors(submission: Submission) -> Errors:
    return modals.reason_errors(submission.typed.get(REASON_BLOCK))
