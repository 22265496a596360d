"""Slack's surfaces. Each listener validates, persists, acknowledges, starts one flow and returns.

Events go to the durable inbox before they are acknowledged, so that none is lost and none is handled twice; clicks,
modals and commands are answered at once, because somebody is waiting.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.listeners import (
    answering,
    anything_else,
    buttons,
    commands,
    exceptions,
    incident_buttons,
    modals,
    policies,
    regrouping,
    reports,
)
from storage import inbox
from storage.database import Database

if TYPE_CHECKING:
    from slack_bolt import App, BoltResponse

    from bot.desk import Desk


def register(app: App, desk: Desk) -> None:
    """Put every listener on the app, catch-alls last."""
    keep_events(app, desk.database, desk.now)
    app.error(answering.broke)
    buttons.register(app, desk)
    incident_buttons.register(app, desk)
    modals.register(app, desk)
    reports.register(app, desk)
    regrouping.register(app, desk)
    exceptions.register(app, desk)
    policies.register(app, desk)
    commands.register(app, desk)
    anything_else.register(app)


def keep_events(app: App, database: Database, now: Callable[[], datetime]) -> None:
    """Put events in the inbox, then acknowledge them; a duplicate is only acknowledged.

    A failure here is not acknowledged, so that Slack delivers the event again.
    """
    from slack_bolt import BoltResponse

    def keep(body: dict[str, Any], next: Callable[[], BoltResponse]) -> BoltResponse:  # noqa: A002 - Bolt's name
        if body.get("type") != "event_callback":
            return next()
        if not is_ours_to_handle(body["event"]):
            return BoltResponse(status=200, body="")
        with database.writing() as session:
            inbox.accept(session, event_key(body), str(body["event"].get("type")), json.dumps(body), now())
        return BoltResponse(status=200, body="")

    app.middleware(keep)


def is_ours_to_handle(event: dict[str, Any]) -> bool:
    """Whether anything follows from an event. Slack tells an app of its own edits too; those are only acknowledged."""
    if event.get("type") == "message":
        return event.get("subtype") in (None, "bot_message")
    return event.get("type") in ("app_mention", "app_home_opened", "subteam_members_changed")


def event_key(body: dict[str, Any]) -> str:
    """One key for one thing that happened: a mention's `message` and `app_mention` share channel and timestamp."""
    event = body["event"]
    if event.get("type") in ("message", "app_mention") and event.get("subtype") in (None, "bot_message"):
        return f"message:{body.get('team_id')}:{event.get('channel')}:{event.get('ts')}"
    return f"event:{body.get('team_id')}:{body.get('event_id')}"
