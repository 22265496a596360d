"""Messages and where they stand: posting, editing, reacting, threads, history, and what only one person may see.

Every edit keeps the look it replaced, because people click on what they saw, not on what is stored. Nothing here
sends events or checks limits.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from deploy.sandbox.workspace.wire import JsonObject, SlackError, listed, words


@dataclass(frozen=True)
class Content:
    """What a message shows: its text and, if any, its blocks and attachments. Every block has an id."""

    text: str = ""
    blocks: tuple[JsonObject, ...] = ()
    attachments: tuple[JsonObject, ...] = ()

    @classmethod
    def of(cls, text: str, blocks: Sequence[JsonObject] = (), attachments: Sequence[JsonObject] = ()) -> Content:
        """Content as received, with the missing block ids made up, as Slack does."""
        named = tuple(
            {**attachment, "id": n, "blocks": list(with_ids(listed(attachment, "blocks")))}
            if attachment.get("blocks")
            else {**attachment, "id": n}
            for n, attachment in enumerate(attachments, start=1)
        )
        return cls(text, with_ids(blocks), named)

    def every_block(self) -> Iterator[JsonObject]:
        """The blocks of the message and then of its attachments, in order."""
        yield from self.blocks
        for attachment in self.attachments:
            yield from listed(attachment, "blocks")


@dataclass
class Message:
    """One message of a channel, or one only its addressee sees (`only_for`)."""

    channel: str
    ts: str
    user: str
    team: str
    content: Content
    thread_ts: str = ""
    bot_id: str = ""
    app_id: str = ""
    subtype: str = ""
    username: str = ""
    client_msg_id: str = ""
    only_for: str = ""
    broadcast: bool = False
    metadata: JsonObject | None = None
    files: tuple[JsonObject, ...] = ()
    reactions: dict[str, list[str]] = field(default_factory=dict)
    edited_by: tuple[str, str] | None = None
    streaming: bool = False
    deleted: bool = False
    earlier: list[Content] = field(default_factory=list)

    @property
    def in_thread(self) -> bool:
        """A reply, not the root of a thread."""
        return bool(self.thread_ts) and self.thread_ts != self.ts

    def look(self, content: Content | None = None) -> dict[str, object]:
        """The message object of the Web API and of events, with this content or the present one."""
        shown = content or self.content
        optional: dict[str, object] = {
            "subtype": self.subtype,
            "bot_id": self.bot_id,
            "app_id": self.app_id,
            "username": self.username,
            "client_msg_id": self.client_msg_id,
            "thread_ts": self.thread_ts,
            "blocks": list(shown.blocks),
            "attachments": list(shown.attachments),
            "metadata": self.metadata,
            "files": list(self.files),
            "reactions": [{"name": n, "users": who, "count": len(who)} for n, who in self.reactions.items()],
            "streaming_state": "in_progress" if self.streaming else "",
        }
        if self.edited_by:
            optional["edited"] = {"user": self.edited_by[0], "ts": self.edited_by[1]}
        if self.only_for:
            optional["is_ephemeral"] = True
        base = {"type": "message", "user": self.user, "text": shown.text, "ts": self.ts, "team": self.team}
        return base | {key: value for key, value in optional.items() if value}


@dataclass
class Conversations:
    """All messages, by channel, oldest first; the deleted and the private ones apart."""

    by_channel: dict[str, list[Message]] = field(default_factory=dict)
    ephemeral: list[Message] = field(default_factory=list)
    deleted: list[Message] = field(default_factory=list)

    def add(self, message: Message) -> Message:
        """Put a message in its channel (or before its addressee)."""
        if message.only_for:
            self.ephemeral.append(message)
        else:
            self.by_channel.setdefault(message.channel, []).append(message)
            if message.in_thread:
                root = self.find(message.channel, message.thread_ts)
                root.thread_ts = root.ts
        return message

    def find(self, channel: str, ts: str) -> Message:
        """The message with this ts, ephemeral ones included; `message_not_found` otherwise."""
        for message in chain(self.by_channel.get(channel, ()), self.ephemeral):
            if message.ts == ts and message.channel == channel:
                return message
        raise SlackError("message_not_found")

    def find_even_deleted(self, channel: str, ts: str) -> Message:
        """The message with this ts, also when it is gone by now."""
        for message in self.deleted:
            if message.ts == ts and message.channel == channel:
                return message
        return self.find(channel, ts)

    def history(self, channel: str) -> list[Message]:
        """The top-level messages of a channel, and replies also sent to it, oldest first."""
        return [m for m in self.by_channel.get(channel, []) if not m.in_thread or m.broadcast]

    def thread(self, channel: str, root_ts: str) -> list[Message]:
        """The root and its replies, oldest first; `thread_not_found` when there is no such root."""
        thread = [m for m in self.by_channel.get(channel, []) if root_ts in (m.ts, m.thread_ts)]
        if not thread or thread[0].ts != root_ts:
            raise SlackError("thread_not_found")
        return thread

    def seen(self, message: Message) -> dict[str, object]:
        """The message object, with the reply counts a thread's root carries."""
        look = message.look()
        if message.only_for or message.in_thread or not message.thread_ts:
            return look
        replies = [m for m in self.by_channel.get(message.channel, []) if m.in_thread and m.thread_ts == message.ts]
        if replies:
            look |= {
                "reply_count": len(replies),
                "reply_users": list(dict.fromkeys(m.user for m in replies)),
                "latest_reply": replies[-1].ts,
            }
        return look

    def edit(self, message: Message, content: Content, by: str, at: str) -> None:
        """Replace what a message shows, keeping what it showed before."""
        message.earlier.append(message.content)
        message.content = content
        message.edited_by = (by, at)

    def remove(self, message: Message) -> None:
        """Take a message away; what it showed can still be clicked by someone who had it open."""
        message.deleted = True
        self.deleted.append(message)
        (self.ephemeral if message.only_for else self.by_channel[message.channel]).remove(message)

    def react(self, message: Message, user: str, name: str) -> None:
        """Add a reaction; `already_reacted` when this person has."""
        users = message.reactions.setdefault(name, [])
        if user in users:
            raise SlackError("already_reacted")
        users.append(user)

    def unreact(self, message: Message, user: str, name: str) -> None:
        """Take a reaction back; `no_reaction` when there is none."""
        users = message.reactions.get(name, [])
        if user not in users:
            raise SlackError("no_reaction")
        users.remove(user)
        if not users:
            del message.reactions[name]


def edited_content(before: Content, change: Mapping[str, object]) -> Content:
    """What `chat.update` leaves: a key that is given replaces, one that is not stays (also blocks under new text)."""
    return Content.of(
        words(change, "text") if "text" in change else before.text,
        listed(change, "blocks") if "blocks" in change else before.blocks,
        listed(change, "attachments") if "attachments" in change else before.attachments,
    )


def with_ids(blocks: Sequence[JsonObject]) -> tuple[JsonObject, ...]:
    """The blocks, each with a block_id."""
    return tuple(block if block.get("block_id") else {**block, "block_id": uuid.uuid4().hex[:5]} for block in blocks)
