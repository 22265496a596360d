"""Whatever no other listener knows: acknowledged, and answered where somebody waits for an answer. Registered last."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import structlog

from bot.listeners.answering import beside, tell
from bot.listeners.payloads import press_of
from bot.views import ephemeral

if TYPE_CHECKING:
    from slack_bolt import Ack, App
    from slack_sdk import WebClient

log = structlog.get_logger(__name__)


def register(app: App) -> None:
    """Buttons of another version, links (Slack tells us of those too), modals with nothing to submit, closed ones."""

    def unknown(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        ack()
        press = press_of(body)
        log.info("click.unknown", action=press.action_id)
        if not press.is_link:
            tell(client, beside(press), ephemeral.unknown_click())

    def nothing(ack: Ack) -> None:
        ack()

    app.action(re.compile(".*"))(unknown)
    app.view(re.compile(".*"))(nothing)
    app.view_closed(re.compile(".*"))(nothing)
