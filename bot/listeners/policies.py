"""Buttons and the modal of a changed policy's card. Who is only what Slack signed, which only what was drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.listeners.answering import Place, beside, show, tell
from bot.listeners.payloads import press_of, submission_of
from bot.policy import policy_change
from bot.policy.policy_change import PolicyClick
from bot.views import ephemeral, modals
from bot.views import policy as view
from bot.views.blocks import View
from bot.views.ids import REASON_BLOCK, ActionId, CallbackId
from bot.views.policy import PolicyReference, parse_policy_reference
from storage import policies
from storage.tables import PolicyVersion, Verdict

if TYPE_CHECKING:
    from slack_bolt import Ack, App
    from slack_sdk import WebClient

    from bot.desk import Desk


def register(app: App, desk: Desk) -> None:
    """Approve, reject with a reason, show the diff."""

    def approve(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        ack()
        press = press_of(body)
        reference = parse_policy_reference(press.value)
        if reference is None:
            tell(client, beside(press), ephemeral.unknown_click())
            return
        click = PolicyClick(
            event_key=press.key,
            user_id=press.user_id,
            team_id=press.team_id,
            channel=press.channel,
            reference=reference,
            verdict=Verdict.APPROVE,
        )
        tell(client, beside(press), policy_change.decide(click, desk))

    def reject(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        press = press_of(body)
        reference = parse_policy_reference(press.value)
        if reference is not None:  # opened before anything slow: the trigger lives three seconds
            show(client, press, view.reject(reference))
        ack()

    def rejected(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        submission = submission_of(body)
        reference, reason = parse_policy_reference(submission.metadata), submission.typed.get(REASON_BLOCK, "")
        errors = modals.reason_errors(reason)
        if errors or reference is None:
            ack(response_action="errors", errors=errors or {REASON_BLOCK: "These rules are not known any more."})
            return
        ack()
        click = PolicyClick(
            event_key=submission.key,
            user_id=submission.user_id,
            team_id=submission.team_id,
            channel="",
            reference=reference,
            verdict=Verdict.REJECT,
            reason=reason.strip(),
        )
        tell(client, Place(user_id=submission.user_id, channel=desk.channel), policy_change.decide(click, desk))

    def diff(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        press = press_of(body)
        show(client, press, _diff(parse_policy_reference(press.value), desk))
        ack()

    app.action(ActionId.POLICY_APPROVE)(approve)
    app.action(ActionId.POLICY_REJECT)(reject)
    app.action(ActionId.POLICY_DIFF)(diff)
    app.view(CallbackId.POLICY_REJECT)(rejected)


def _diff(reference: PolicyReference | None, desk: Desk) -> View:
    """The version against the one that was in force before it, or is while it waits."""
    with desk.database.reading() as session:
        row = session.get(PolicyVersion, reference.row) if reference is not None else None
        if row is None:
            return modals.notice("There is no such version of the rules.")
        base = policies.before(session, row)
    name, earlier = (
        f"version {row.version}",
        ("nothing", "") if base is None else (f"version {base.version}", base.text),
    )
    return view.diff(f"Rules, {name}", earlier, (name, row.text))
