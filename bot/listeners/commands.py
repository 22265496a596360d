"""The slash command. Every answer comes from the record, so it is given with the acknowledgement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot import answers
from bot.slack_scopes import COMMANDS

if TYPE_CHECKING:
    from slack_bolt import Ack, App

    from bot.desk import Desk


def register(app: App, desk: Desk) -> None:
    """`/sayso <verb>`: answered to the one who typed it."""

    def command(ack: Ack, body: dict[str, Any]) -> None:
        message = answers.reply(str(body.get("text", "")), desk)
        ack({"response_type": "ephemeral", **message})

    for name in COMMANDS:
        app.command(name)(command)
