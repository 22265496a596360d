"""The workspace's verbs: what changes when the app or a person posts, edits, removes or reacts, and who is told.

Both sides end here: the Web API for the app, gestures for people. Each verb changes the state, hints at it on the feed
and announces the event to the app. Arguments are already parsed, permissions already checked.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from deploy.sandbox.workspace.deliveries import Deliveries
from deploy.sandbox.workspace.directory import APP_ID, BOT_ID, BOT_USER, TEAM_ID, Channel, Person
from deploy.sandbox.workspace.messages import Content, Message
from deploy.sandbox.workspace.sockets import Sockets
from deploy.sandbox.workspace.state import WorkspaceState
from deploy.sandbox.workspace.wire import JsonObject


@dataclass(frozen=True)
class Slack:
    """The workspace at work: what it remembers, and its lines to the app."""

    state: WorkspaceState
    sockets: Sockets
    deliveries: Deliveries

    def post_as_app(
        self,
        channel: Channel,
        content: Content,
        thread_ts: str = "",
        only_for: str = "",
        broadcast: bool = False,
        metadata: JsonObject | None = None,
    ) -> Message:
        """Post a message of the app under test; it is announced too, and Bolt drops it as its own."""
        self._require_thread(channel, thread_ts)
        message = self._message(channel, BOT_USER, content, thread_ts)
        message.bot_id, message.app_id = BOT_ID, APP_ID
        message.only_for, message.broadcast, message.metadata = only_for, broadcast, metadata
        return self._add(channel, message)

    def post_as_person(
        self, channel: Channel, person: Person, content: Content, thread_ts: str = "", subtype: str = ""
    ) -> Message:
        """Post a message of a person or of another app's bot; a mention of the app is announced a second time."""
        self._require_thread(channel, thread_ts)
        message = self._message(channel, person.id, content, thread_ts)
        message.team, message.subtype = person.team_id, subtype
        if person.bot_id:
            message.bot_id, message.app_id = person.bot_id, person.app_id
            message.username = person.real_name if subtype else ""
        else:
            message.client_msg_id = str(uuid.uuid4())
        self._add(channel, message)
        if f"<@{BOT_USER}>" in content.text and not channel.direct_with:
            self.announce(channel, {**message.look(), "type": "app_mention", "channel": channel.id})
        return message

    def edit(self, message: Message, content: Content, by: str) -> None:
        """Change what a message shows."""
        previous = message.look()
        self.state.conversations.edit(message, content, by, self.state.stamp())
        self.changed(message)
        if not message.only_for:
            self._announce_about(message, "message_changed", {"message": message.look(), "previous_message": previous})

    def remove(self, message: Message) -> None:
        """Delete a message."""
        self.state.conversations.remove(message)
        self.changed(message)
        if not message.only_for:
            gone = {"deleted_ts": message.ts, "previous_message": message.look()}
            self._announce_about(message, "message_deleted", gone)

    def react(self, message: Message, user: str, name: str, add: bool = True) -> None:
        """Add or take back a reaction."""
        conversations = self.state.conversations
        (conversations.react if add else conversations.unreact)(message, user, name)
        self.changed(message)
        item = {"type": "message", "channel": message.channel, "ts": message.ts}
        event = {"user": user, "reaction": name, "item": item, "item_user": message.user}
        channel = self.state.directory.channels[message.channel]
        self.announce(channel, {"type": "reaction_added" if add else "reaction_removed", **event})

    def join(self, channel: Channel, user: str) -> None:
        """Add someone to a channel."""
        if self.state.directory.join(channel.id, user):
            event = {"type": "member_joined_channel", "user": user, "channel": channel.id, "channel_type": "C"}
            self.announce(channel, {**event, "team": TEAM_ID})
            self.state.feed.tell("channel", channel=channel.id)

    def regroup(self, usergroup: str, users: tuple[str, ...]) -> None:
        """Change who is in a usergroup."""
        before, after = set(self.state.directory.usergroup(usergroup).users), set(users)
        self.state.directory.regroup(usergroup, users)
        change = {"added_users": sorted(after - before), "removed_users": sorted(before - after)}
        self.announce(None, {"type": "subteam_members_changed", "subteam_id": usergroup, "team_id": TEAM_ID, **change})

    def announce(self, channel: Channel | None, event: JsonObject) -> None:
        """Send an event to the app, wrapped as the Events API wraps it."""
        shared = bool(channel and channel.shared)
        authorization = {"enterprise_id": None, "team_id": TEAM_ID, "user_id": BOT_USER, "is_bot": True}
        self.deliveries.announce(
            {
                "token": "verif",
                "team_id": TEAM_ID,
                "api_app_id": APP_ID,
                "type": "event_callback",
                "event_id": self.state.new_id("Ev"),
                "event_time": int(self.state.clock()),
                "event_context": "4-sandbox",
                "is_ext_shared_channel": shared,
                "authorizations": [{**authorization, "is_enterprise_install": False}],
                "event": {"event_ts": self.state.stamp(), **event},
            }
        )

    def changed(self, message: Message) -> None:
        """Hint that a message looks different now."""
        self.state.feed.tell("message", channel=message.channel, ts=message.ts, user=message.only_for)

    def _message(self, channel: Channel, user: str, content: Content, thread_ts: str) -> Message:
        return Message(channel.id, self.state.stamp(), user, TEAM_ID, content, thread_ts)

    def _require_thread(self, channel: Channel, thread_ts: str) -> None:
        if thread_ts:
            self.state.conversations.thread(channel.id, thread_ts)

    def _add(self, channel: Channel, message: Message) -> Message:
        self.state.conversations.add(message)
        self.changed(message)
        if not message.only_for:
            kind = "im" if channel.direct_with else "channel"
            look = message.look() | {"channel": channel.id, "channel_type": kind, "event_ts": message.ts}
            self.announce(channel, look)
        return message

    def _announce_about(self, message: Message, subtype: str, what: JsonObject) -> None:
        channel = self.state.directory.channels[message.channel]
        stamp = self.state.stamp()
        event = {"type": "message", "subtype": subtype, "hidden": True, "channel": channel.id, "ts": stamp, **what}
        kind = "im" if channel.direct_with else "channel"
        self.announce(channel, {**event, "channel_type": kind, "event_ts": stamp})
