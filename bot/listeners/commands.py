"""The slash command. Every answer comes from the record, so it is given with the acknowledgement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot import answers
from bot.slack_scopes import COMMANDS

if TYPE_CHECKING:
    from slack_bolt import Ack, App
    from slack_sdk import WebClient

    from bot.desk import Desk


def register(app: App, desk: Desk) -> None:
    """`/sayso <verb>`: answered to the one who typed it."""

    def command(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        answer = answers.command(typed(body), desk)
        if isinstance(answer, answers.Opens):
            client.views_open(trigger_id=str(body["trigger_id"]), view=answer.view)
            ack()
            return
        ack({"response_type": "ephemeral", **answer})

    for name in COMMANDS:
        app.command(name)(command)


def typed(body: dict[str, Any]) -> answers.Typed:
    """Who typed what. Slack gives each request a trigger of its own; the same one again is a replay."""
    return answers.Typed(
        key=f"command:{body.get('team_id')}:{body.get('user_id')}:{body.get('trigger_id')}",
        user_id=str(body.get("user_id", "")),
        team_id=str(body.get("team_id", "")),
        text=str(body.get("text", "")),
    )
