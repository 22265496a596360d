"""The buttons of a plan's card. Identity and ids come from the payload; everything else is loaded from the record.

A modal is opened before anything slow is done: a trigger lives three seconds. What takes longer is done after the
acknowledgement.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot import approval, cards
from bot.listeners.answering import beside, later, show, tell
from bot.listeners.payloads import Press, press_of
from bot.naming import plan_number
from bot.plans import asking_again, confirming, editing, undoing
from bot.views import editing as editing_view
from bot.views import ephemeral, modals
from bot.views.blocks import View
from bot.views.ids import ActionId, PlanReference, parse_reference
from storage import incidents
from storage.tables import Plan, Verdict

if TYPE_CHECKING:
    from slack_bolt import Ack, App
    from slack_sdk import WebClient

    from bot.desk import Desk

Handler = Callable[[PlanReference, Press, "WebClient"], None]


def register(app: App, desk: Desk) -> None:
    """Every button that decides a plan, changes it, or shows more of it."""

    def approve(reference: PlanReference, press: Press, client: WebClient) -> None:
        wanted = confirming.wanted(reference, desk)
        if wanted:
            show(client, press, modals.approve(reference, reason=wanted.reason, targets=wanted.targets))
            return
        tell(client, beside(press), approval.decide(_click(press, reference, Verdict.APPROVE), desk))

    def reject(reference: PlanReference, press: Press, client: WebClient) -> None:
        show(client, press, modals.reject(reference))

    def stop(reference: PlanReference, press: Press, client: WebClient) -> None:
        show(client, press, modals.stop(reference))

    def edit(reference: PlanReference, press: Press, client: WebClient) -> None:
        show(client, press, _edit_form(reference, desk))

    def undo(reference: PlanReference, press: Press, client: WebClient) -> None:
        show(client, press, _undo_form(reference, desk))

    def details(reference: PlanReference, press: Press, client: WebClient) -> None:
        show(client, press, _details(reference, desk))

    def ask_again(reference: PlanReference, press: Press, client: WebClient) -> None:
        tell(client, beside(press), asking_again.ask(reference, press.user_id, press.team_id, desk))

    at_once: dict[ActionId, Handler] = {
        ActionId.APPROVE: approve,
        ActionId.RUN_NOW: approve,
        ActionId.REJECT: reject,
        ActionId.STOP: stop,
        ActionId.EDIT: edit,
        ActionId.UNDO: undo,
        ActionId.DETAILS: details,
    }
    for action_id, handler in at_once.items():
        app.action(action_id)(_pressed(handler))
    app.action(ActionId.ASK_AGAIN)(ack=_acknowledge, lazy=[later(_on_plan(ask_again))])


def click_of(body: object, reference: PlanReference, verdict: Verdict, reason: str | None = None) -> approval.Click:
    """The decision in a payload: who is only what Slack signed, which is only what the button was drawn for."""
    return _click(press_of(body), reference, verdict, reason)


def _click(press: Press, reference: PlanReference, verdict: Verdict, reason: str | None = None) -> approval.Click:
    return approval.Click(
        event_key=press.key,
        user_id=press.user_id,
        team_id=press.team_id,
        channel=press.channel,
        reference=reference,
        verdict=verdict,
        reason=reason,
    )


def _pressed(handler: Handler) -> Callable[..., None]:
    """A listener for a button whose value names a plan."""
    handle = _on_plan(handler)

    def pressed(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        handle(body, client)
        ack()

    return pressed


def _on_plan(handler: Handler) -> Callable[[Any, WebClient], None]:
    """Hands on a press whose value names a plan; any other is answered, and nothing comes of it."""

    def handle(body: Any, client: WebClient) -> None:
        press = press_of(body)
        reference = parse_reference(press.value)
        if reference is None:
            tell(client, beside(press), ephemeral.unknown_plan())
            return
        handler(reference, press, client)

    return handle


def _acknowledge(ack: Ack) -> None:
    ack()


def _edit_form(reference: PlanReference, desk: Desk) -> View:
    plan = editing.opened(reference, desk)
    if not isinstance(plan, Plan):
        return modals.answer(f"Edit {reference.plan_id}", plan.told)
    actions = editing.editable(plan)
    if not any(action.fields for action in actions) and len(actions) == 1:
        return modals.notice("This plan has nothing that could be changed. Approve it, or reject it.")
    return editing_view.form(reference, actions)


def _undo_form(reference: PlanReference, desk: Desk) -> View:
    plan = undoing.opened(reference, desk)
    if not isinstance(plan, Plan):
        return modals.answer(f"Undo {reference.plan_id}", plan.told)
    return editing_view.undo_form(reference, undoing.way_back(plan))


def _details(reference: PlanReference, desk: Desk) -> View:
    with desk.database.reading() as session:
        plan = session.get(Plan, plan_number(reference.plan_id))
        if plan is None:
            return modals.notice("There is no such plan.")
        incident = incidents.get(session, plan.incident_id)
        card = cards.plan_card(session, plan, 0, desk)
        return modals.details(card, plan.proposal.findings, incident.evidence or ())
