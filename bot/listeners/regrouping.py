"""Joined alerts: the button that lists them, the command that does the same, and taking one out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot import regrouping
from bot.listeners.answering import Place, show, tell
from bot.listeners.payloads import press_of, submission_of
from bot.regrouping import Split
from bot.views import joined
from bot.views.ids import ActionId, CallbackId
from storage import messages

if TYPE_CHECKING:
    from slack_bolt import Ack, App
    from slack_sdk import WebClient

    from bot.desk import Desk


def register(app: App, desk: Desk) -> None:
    """The button and the modal."""

    def pressed(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        press = press_of(body)
        show(client, press, regrouping.form(regrouping.number_of(press.value), desk))
        ack()

    def submitted(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        ack()
        submission = submission_of(body)
        asked = Split(
            user_id=submission.user_id,
            team_id=submission.team_id,
            incident_id=regrouping.number_of(submission.metadata),
            identity=submission.typed.get(joined.ALERT_BLOCK, ""),
        )
        told = regrouping.split(asked, desk)
        tell(client, _thread(asked, desk), told)

    app.action(ActionId.SPLIT)(pressed)
    app.view(CallbackId.SPLIT)(submitted)


def _thread(asked: Split, desk: Desk) -> Place:
    with desk.database.reading() as session:
        root = messages.find(session, f"incident:{asked.incident_id}")
    if root is None:
        return Place(user_id=asked.user_id, channel=desk.channel)
    return Place(user_id=asked.user_id, channel=root.channel, thread_ts=root.ts or "")
