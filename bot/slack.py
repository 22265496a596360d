"""The outbox: the one place that posts. It makes Slack show what `storage.messages` says each message should say.

Per channel in order, about one message a second with short bursts, the newest wish only; Retry-After is honoured; a
post that a dead process may have made is looked for before it is made again.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from bot.metrics import Metrics
from bot.people import LookupFailed
from storage import messages
from storage.database import Database
from storage.tables import Message
from tools.values import JsonObject, JsonValue

if TYPE_CHECKING:
    from slack_sdk import WebClient
    from slack_sdk.errors import SlackApiError

log = structlog.get_logger(__name__)
METADATA = "sayso_message"
"""Event type of the metadata by which a message of ours can be found again."""
BURST = 3.0
"""Posts a channel takes at once (Slack: about one a second and short bursts)."""
DRAWING = "data_visualization"
"""The type of a block that not every Slack knows."""
REFUSALS = frozenset(
    {
        *("invalid_blocks", "msg_blocks_too_long", "invalid_attachments", "no_text", "msg_too_long"),
        *("channel_not_found", "is_archived", "not_in_channel", "restricted_action"),
        *("message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed"),
    }
)
"""Errors that the same message will meet again: no use in retrying."""


CHANNELS = ("C", "G")
"""What ids of channels begin with; people of other organisations may be in those."""


class SharedChannel(Exception):
    """People of another organisation read this channel: no incident is told there."""


class Outbox(threading.Thread):
    """Posts and edits until stopped. One a process; several processes share the work through the table."""

    def __init__(
        self,
        client: WebClient,
        database: Database,
        owner: str,
        metrics: Metrics,
        now: Callable[[], datetime],
        posts_a_second: float = 1.0,
        is_shared: Callable[[str], bool] | None = None,
    ) -> None:
        super().__init__(name="outbox", daemon=True)
        self._client, self._database, self._owner, self._now = client, database, owner, now
        self._metrics = metrics
        self._pace = posts_a_second
        self._is_shared = is_shared
        self._stopping = threading.Event()
        self._not_before: defaultdict[str, float] = defaultdict(float)
        self._draws = True
        """Whether this Slack knows the block that draws charts; words beside it always say the same."""

    def run(self) -> None:
        while not self._stopping.wait(0.1):
            try:
                self.deliver()
            except Exception:  # the thread's edge: one bad message must not silence all others
                log.exception("outbox.failed")

    def stop(self) -> None:
        """Finish the message in hand and stop; what is left is posted by the next process."""
        self._stopping.set()
        if self.is_alive():
            self.join(timeout=10)

    def deliver(self) -> int:
        """Bring every message that may go now up to date. Returns how many Slack calls succeeded."""
        with self._database.reading() as session:
            due = messages.due(session)
        self._metrics.outbox_depth.set(len(due))
        return sum(self._bring_up_to_date(message) for message in due if self._may_go(message))

    def _may_go(self, message: Message) -> bool:
        """New posts share their channel's pace; an edit only waits for the last edit of the same message."""
        burst = 0.0 if message.ts else (BURST - 1) / self._pace
        return time.monotonic() >= self._not_before[_lane(message)] - burst

    def _spend(self, message: Message) -> None:
        lane, now = _lane(message), time.monotonic()
        self._not_before[lane] = max(self._not_before[lane], now) + 1 / self._pace

    def _bring_up_to_date(self, message: Message) -> bool:
        from slack_sdk.errors import SlackApiError, SlackClientError

        with self._database.writing() as session:
            message = session.get_one(Message, message.key)  # others posted meanwhile: what was read may be old
            tried_before = message.claimed_by is not None
            if not messages.set_out(session, message, self._owner, self._now()):
                return False  # another process has it
        self._spend(message)
        try:
            ts = message.ts or (self._posted_before(message) if tried_before else None)
            ts = self._edit(message, ts) if ts else self._post(message)
        except SlackApiError as error:
            self._after_refusal(message, error, tried_before)
            return False
        except SharedChannel:
            log.error("slack.shared_channel", message=message.key, channel=message.channel)
            with self._database.writing() as session:
                messages.undeliverable(session, message.key, "shared_channel")
            return False
        except (SlackClientError, LookupFailed, OSError) as error:
            self._count(message, "unreachable")
            log.warning("slack.unreachable", message=message.key, error=str(error))
            self._not_before[_lane(message)] = time.monotonic() + BURST / self._pace + 1
            return False
        with self._database.writing() as session:
            messages.posted(session, message.key, render=message.wanted_render, ts=ts)
        self._count(message, "ok")
        return True

    def _count(self, message: Message, result: str) -> None:
        method = "chat.update" if message.ts else "chat.postMessage"
        self._metrics.slack_calls.labels(method=method, result=result).inc()

    def _after_refusal(self, message: Message, error: SlackApiError, tried_before: bool) -> None:
        code = str(error.response.get("error"))
        self._count(message, "ratelimited" if code == "ratelimited" else "refused")
        if code == "ratelimited":
            wait = float(error.response.headers.get("Retry-After", 1))
            self._not_before[_lane(message)] = time.monotonic() + wait + BURST / self._pace
            if tried_before:
                return  # perhaps it was the look that was refused: the post of before may still be there
            with self._database.writing() as session:
                messages.give_back(session, message.key)
            return
        if code == "invalid_blocks" and self._draws and DRAWING in message.wanted:
            log.warning("slack.draws_no_charts", message=message.key)
            self._draws = False
            with self._database.writing() as session:
                messages.give_back(session, message.key)
            return
        log.error("slack.refused", message=message.key, error=code, details=error.response.get("response_metadata"))
        if code in REFUSALS:
            with self._database.writing() as session:
                messages.undeliverable(session, message.key, code)

    def _post(self, message: Message) -> str:
        if self._is_shared is not None and message.channel[:1] in CHANNELS and self._is_shared(message.channel):
            raise SharedChannel(message.channel)
        body = self._body(message)
        posted = self._client.chat_postMessage(
            channel=message.channel,
            thread_ts=self._thread_ts(message),
            **body,
        )
        return str(posted["ts"])

    def _edit(self, message: Message, ts: str) -> str:
        body = self._body(message)
        shown = {name: body.get(name, []) for name in ("blocks", "attachments")}  # an edit keeps what it is not told
        self._client.chat_update(channel=message.channel, ts=ts, text=body["text"], metadata=body["metadata"], **shown)
        return ts

    def _body(self, message: Message) -> dict[str, Any]:
        """What Slack is told, without drawings where it refused one."""
        body: dict[str, Any] = json.loads(message.wanted)
        if not self._draws and "blocks" in body:
            body["blocks"] = [block for block in body["blocks"] if block["type"] != DRAWING]
        return body | {"metadata": _metadata(message)}

    def _thread_ts(self, message: Message) -> str | None:
        if message.thread_key is None:
            return message.thread_ts
        with self._database.reading() as session:
            parent = messages.find(session, message.thread_key)
            return parent.ts if parent is not None else None

    def _posted_before(self, message: Message) -> str | None:
        """The timestamp of a post that a process made just before it died. Asked only when one had set out to."""
        thread = self._thread_ts(message)
        method = "conversations.replies" if thread else "conversations.history"
        arguments: dict[str, JsonValue] = {"channel": message.channel, "include_all_metadata": True, "limit": 200}
        if thread:
            arguments["ts"] = thread
        answer = self._client.api_call(method, params=arguments).data
        found = answer.get("messages", []) if isinstance(answer, dict) else []
        return next((str(one["ts"]) for one in found if _key_of(one) == message.key), None)


def _lane(message: Message) -> str:
    """What shares one pace: all new posts of a channel, or the edits of one message."""
    return message.key if message.ts else message.channel


def _metadata(message: Message) -> dict[str, JsonValue]:
    """By what a message of ours is found again: ids only, because any member can read it."""
    return {"event_type": METADATA, "event_payload": {"key": message.key}}


def _key_of(message: JsonObject) -> str | None:
    metadata = message.get("metadata")
    payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
    return str(payload.get("key")) if isinstance(payload, dict) else None
