"""What sayso asks of a workspace: scopes, events and commands. The manifest says the same; doctor checks the scopes.

Names only, in Slack's own words. What a listener does with an event is in `bot/listeners`.
"""

from __future__ import annotations

BOT_SCOPES = (
    "app_mentions:read",  # being asked in a channel
    "assistant:write",  # the status line under a thread while investigating
    "channels:history",  # alert bots' messages, and replies in an incident's thread
    "channels:read",  # is the alert channel there, shared with strangers, and are we in it
    "chat:write",  # cards, edited in place
    "commands",  # /sayso
    "files:write",  # charts
    "groups:history",  # the same in private channels
    "groups:read",
    "im:history",  # being asked in a direct message
    "reactions:write",  # seen, done
    "usergroups:read",  # who may approve
    "users:read",  # guests, bots, strangers and deactivated people may not
)
"""Scopes of the bot token; all are needed."""

APP_SCOPES = ("connections:write",)
"""Scopes of the app-level token (Socket Mode)."""

NEVER_SCOPES = ("chat:write.customize", "chat:write.public", "channels:manage", "search:read", "users:read.email")
"""Scopes that would let sayso speak as others, anywhere, or read what it need not; granted ones are worth a warning."""

EVENTS = {
    "agent_session_stopped": "assistant:write",
    "app_context_changed": "assistant:write",
    "app_home_opened": None,
    "app_mention": "app_mentions:read",
    "app_uninstalled": None,
    "member_joined_channel": "channels:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "subteam_members_changed": "usergroups:read",
    "tokens_revoked": None,
}
"""Events subscribed to, each with the scope without which Slack would not send it."""

COMMANDS = ("/sayso",)
"""Slash commands."""
