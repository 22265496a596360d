"""Messages, mentions and the Home tab, as they come out of the inbox: handled once, after they were acknowledged."""

from __future__ import annotations

import json
import random
import threading
from typing import TYPE_CHECKING, Any

import structlog

from bot import answers, cards, intake
from bot.alerts import MalformedAlert, slack_message
from bot.listeners import home
from storage import inbox
from storage.tables import InboxEvent

if TYPE_CHECKING:
    from slack_sdk import WebClient

    from bot.desk import Desk

log = structlog.get_logger(__name__)
IN_HAND = 20
"""Events a process takes at a time: what it cannot handle within `inbox.TAKE_OVER` another one would handle too."""


class InboxWorker(threading.Thread):
    """Handles accepted events in order until stopped; one that fails is tried again, and never blocks the others."""

    def __init__(self, desk: Desk, client: WebClient, bot_user: str, alert_bots: frozenset[tuple[str, str]]) -> None:
        super().__init__(name="inbox", daemon=True)
        self._desk, self._client, self._bot_user, self._alert_bots = desk, client, bot_user, alert_bots
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(0.1):
            try:
                self.handle_waiting()
            except Exception:  # the thread's edge: a database that is away for a moment must not end it for good
                log.exception("inbox.failed")

    def stop(self) -> None:
        """Finish the event in hand and stop."""
        self._stopping.set()
        if self.is_alive():
            self.join(timeout=10)

    def handle_waiting(self) -> int:
        """Handle what waits now. Returns how many events were dealt with."""
        owner = self._desk.durable.executor
        with self._desk.database.reading() as session:
            waiting = inbox.waiting(session, self._desk.now(), owner)
        ours: list[InboxEvent] = []
        others: list[InboxEvent] = []
        for event in waiting:
            (ours if self._concerns_us(json.loads(event.body).get("event", {})) else others).append(event)
        taken = self._take([event.key for event in ours[:IN_HAND]], [event.key for event in others])
        return sum(self._handle_one(event) for event in ours if event.key in taken) + len(others)

    def _concerns_us(self, event: dict[str, Any]) -> bool:
        """Whether anything follows from it. Most of what is said in a channel is between people, or from other bots."""
        match event.get("type"):
            case "message" if event.get("subtype") in (None, "bot_message"):
                return self._is_alert(event) or self._is_for_us(event)
            case "app_mention" | "subteam_members_changed":
                return True
            case "app_home_opened":
                return event.get("tab") == "home"
            case _:
                return False

    def _take(self, ours: list[str], others: list[str]) -> frozenset[str]:
        """Take what is ours, and pass over that from which nothing follows: together, because a busy channel must not
        slow down what is ours.
        """
        if not ours and not others:
            return frozenset()
        with self._desk.database.writing() as session:
            inbox.all_handled(session, others, self._desk.now())
            return frozenset(inbox.claim(session, ours, self._desk.durable.executor, self._desk.now()))

    def _handle_one(self, event: InboxEvent) -> bool:
        try:
            self._handle(json.loads(event.body))
        except Exception as error:  # the worker's edge: one bad event must not stop the others
            log.exception("inbox.failed", key=event.key)
            self._try_later(event.key, f"{type(error).__name__}: {error}")
            return False
        with self._desk.database.writing() as session:
            inbox.handled(session, event.key, self._desk.now())
            if event.error:
                self._desk.metrics.dead_letters.set(inbox.count_dead(session))
        return True

    def _try_later(self, key: str, error: str) -> None:
        with self._desk.database.writing() as session:
            dead = inbox.failed(session, key, error, self._desk.now(), spread=random.random())  # noqa: S311 - no secret
            left = inbox.count_dead(session)
        self._desk.metrics.dead_letters.set(left)
        if dead:
            log.error("inbox.dead", key=key, error=error, fix=f"sayso dead-letters retry {key}")

    def _handle(self, body: dict[str, Any]) -> None:
        event = body["event"]
        match event.get("type"):
            case "message" if self._is_alert(event):
                self._alert(event)
            case "message" | "app_mention":
                self._answer(event)
            case "app_home_opened":
                self._client.views_publish(user_id=event["user"], view=home.view(event["user"], self._desk))
            case "subteam_members_changed":
                self._desk.people.forget()

    def _is_alert(self, event: dict[str, Any]) -> bool:
        return (event.get("channel"), event.get("bot_id")) in self._alert_bots

    def _is_for_us(self, event: dict[str, Any]) -> bool:
        """A person said it to us; other bots are left alone."""
        direct = event.get("channel_type") == "im" or f"<@{self._bot_user}>" in str(event.get("text"))
        return direct and not event.get("bot_id")

    def _alert(self, event: dict[str, Any]) -> None:
        """An alert bot's message; one that is no alert is left alone."""
        try:
            alerts = slack_message.parse(event)
        except MalformedAlert as error:
            log.info("alert.not_understood", channel=event.get("channel"), ts=event.get("ts"), why=str(error))
            return
        if alerts:
            intake.receive(alerts, self._desk)

    def _answer(self, event: dict[str, Any]) -> None:
        text = str(event.get("text", "")).replace(f"<@{self._bot_user}>", " ").strip()
        thread = event.get("thread_ts") or event["ts"]
        message = answers.reply(text, self._desk)
        key = f"reply:{event['channel']}:{event['ts']}"
        with self._desk.database.writing() as session:
            cards.show_reply(session, key, event["channel"], thread, message, self._desk)
