"""Joined alerts: the button that lists them, the command that does the same, and taking one out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot import regrouping
from bot.listeners.answering import in_incident, show, tell
from bot.listeners.payloads import press_of, submission_of
from bot.naming import incident_number
from bot.regrouping import Split
from bot.views import joined
from bot.views.ids import ActionId, CallbackId

if TYPE_CHECKING:
    from slack_bolt import Ack, App
    from slack_sdk import WebClient

    from bot.desk import Desk


def register(app: App, desk: Desk) -> None:
    """The button and the modal."""

    def pressed(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        press = press_of(body)
        show(client, press, regrouping.form(incident_number(press.value), desk))
        ack()

    def submitted(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        ack()
        submission = submission_of(body)
        asked = Split(
            user_id=submission.user_id,
            team_id=submission.team_id,
            incident_id=incident_number(submission.metadata),
            identity=submission.typed.get(joined.ALERT_BLOCK, ""),
        )
        told = regrouping.split(asked, desk)
        tell(client, in_incident(asked.user_id, asked.incident_id, desk), told)

    app.action(ActionId.SPLIT)(pressed)
    app.view(CallbackId.SPLIT)(submitted)
