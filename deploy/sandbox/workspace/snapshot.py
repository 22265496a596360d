"""The workspace as one JSON value, for the page and for the driver: what everybody could see, side by side.

People see less than this; the page and the driver pick what their person may see.
"""

from __future__ import annotations

from dataclasses import asdict

from deploy.sandbox.workspace.directory import BOT_USER, TEAM_NAME
from deploy.sandbox.workspace.messages import Message
from deploy.sandbox.workspace.slack import Slack


def snapshot(slack: Slack) -> dict[str, object]:
    """Everything there is now."""
    state = slack.state
    return {
        "revision": state.feed.revision,
        "team": TEAM_NAME,
        "bot_user": BOT_USER,
        "connected": slack.sockets.connected,
        "request_url": state.switches.request_url,
        "people": [person.json() for person in state.directory.people.values()],
        "channels": [{**c.json(), "members": list(c.members)} for c in state.directory.channels.values()],
        "usergroups": [group.json() for group in state.directory.usergroups.values()],
        "messages": {
            channel: [message_as_seen(slack, message) for message in messages]
            for channel, messages in state.conversations.by_channel.items()
        },
        "ephemerals": [message_as_seen(slack, message) for message in state.conversations.ephemeral],
        "stacks": {user: [view.json() for view in stack] for user, stack in state.views.stacks.items()},
        "homes": {user: view.json() for user, view in state.views.homes.items()},
        "sessions": [
            {"channel": channel, "thread_ts": thread_ts, **asdict(session)}
            for (channel, thread_ts), session in state.sessions.items()
        ],
    }


def message_as_seen(slack: Slack, message: Message) -> dict[str, object]:
    """A message object, with its channel and, when only one person sees it, who."""
    look = slack.state.conversations.seen(message) | {"channel": message.channel}
    if message.broadcast:
        look["broadcast"] = True
    return look | ({"only_for": message.only_for} if message.only_for else {})
