"""Channels and what was said in them, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from deploy.sandbox.workspace.arguments import Arguments
from deploy.sandbox.workspace.directory import BOT_USER, Channel
from deploy.sandbox.workspace.faults import RESTRICTED_PAGE
from deploy.sandbox.workspace.messages import Message
from deploy.sandbox.workspace.paging import page
from deploy.sandbox.workspace.slack import Slack
from deploy.sandbox.workspace.wire import JsonObject, SlackError


def history(slack: Slack, args: Arguments) -> JsonObject:
    """The top-level messages of a channel, newest first."""
    channel = _readable(slack, args)
    newest_first = list(reversed(_between(slack.state.conversations.history(channel.id), args)))
    return _paged(slack, args, newest_first)


def replies(slack: Slack, args: Arguments) -> JsonObject:
    """A thread, root first."""
    channel = _readable(slack, args)
    thread = slack.state.conversations.thread(channel.id, args.need("ts"))
    # Slack returns the root with every page's window, whatever oldest and latest say.
    return _paged(slack, args, [thread[0], *_between(thread[1:], args)])


def info(slack: Slack, args: Arguments) -> JsonObject:
    """One channel."""
    return {"channel": slack.state.directory.channel(args.need("channel")).json()}


def listing(slack: Slack, args: Arguments) -> JsonObject:
    """The channels of the asked types, page by page."""
    types = {kind.strip() for kind in (args.word("types") or "public_channel").split(",")}
    every = slack.state.directory.channels.values()
    wanted = [channel for channel in every if ("im" if channel.direct_with else "public_channel") in types]
    channels, after = page(wanted, args.number("limit", 0), args.word("cursor"))
    return {"channels": [channel.json() for channel in channels], "response_metadata": {"next_cursor": after}}


def members(slack: Slack, args: Arguments) -> JsonObject:
    """Who is in a channel, page by page."""
    channel = slack.state.directory.channel(args.need("channel"))
    ids, after = page(channel.members, args.number("limit", 0), args.word("cursor"))
    return {"members": ids, "response_metadata": {"next_cursor": after}}


def open_direct(slack: Slack, args: Arguments) -> JsonObject:
    """The direct-message channel with a person."""
    if args.word("channel"):
        return info(slack, args)
    user = args.need("users").split(",")[0]
    if user not in slack.state.directory.people:
        raise SlackError("user_not_found")
    return {"channel": slack.state.directory.direct_channel(user).json()}


def join(slack: Slack, args: Arguments) -> JsonObject:
    """The app joins a public channel."""
    channel = slack.state.directory.channel(args.need("channel"))
    slack.join(channel, BOT_USER)
    return {"channel": slack.state.directory.channel(channel.id).json()}


def _readable(slack: Slack, args: Arguments) -> Channel:
    channel = slack.state.directory.channel(args.need("channel"))
    if BOT_USER not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _between(messages: Sequence[Message], args: Arguments) -> list[Message]:
    """The messages after `oldest` and before `latest` (with `inclusive`, also those two)."""
    oldest, latest = _moment(args, "oldest"), _moment(args, "latest")
    kept = []
    for message in messages:
        at = Decimal(message.ts)
        edge = args.flag("inclusive") and at in (oldest, latest)
        if edge or ((oldest is None or at > oldest) and (latest is None or at < latest)):
            kept.append(message)
    return kept


def _moment(args: Arguments, name: str) -> Decimal | None:
    try:
        return Decimal(args.word(name)) if args.word(name) not in ("", "0", "now") else None
    except InvalidOperation:
        raise SlackError(f"invalid_ts_{name}") from None


def _paged(slack: Slack, args: Arguments, messages: Sequence[Message]) -> JsonObject:
    limit = args.number("limit", 0)
    if slack.state.switches.restricted_history:
        limit = min(limit or RESTRICTED_PAGE, RESTRICTED_PAGE)
    shown, after = page(messages, limit, args.word("cursor"))
    looks = [slack.state.conversations.seen(message) for message in shown]
    if not args.flag("include_all_metadata"):
        looks = [{key: value for key, value in look.items() if key != "metadata"} for look in looks]
    return {"messages": looks, "has_more": bool(after), "response_metadata": {"next_cursor": after}}
