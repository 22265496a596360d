"""Messages as the app writes them: post, update, delete, permalinks, reactions."""

from __future__ import annotations

from deploy.sandbox.workspace.arguments import Arguments
from deploy.sandbox.workspace.checks import check_message
from deploy.sandbox.workspace.directory import BOT_ID, BOT_USER, Channel
from deploy.sandbox.workspace.messages import Content, Message, edited_content
from deploy.sandbox.workspace.slack import Slack
from deploy.sandbox.workspace.wire import JsonObject, SlackError, listed, words


def post_message(slack: Slack, args: Arguments) -> JsonObject:
    """Post to a channel or a thread."""
    channel = _joined(slack, args)
    message = slack.post_as_app(
        channel,
        _content(slack, args),
        args.word("thread_ts"),
        broadcast=args.flag("reply_broadcast"),
        metadata=args.object("metadata") or None,
    )
    return {"channel": channel.id, "ts": message.ts, "message": message.look()}


def post_ephemeral(slack: Slack, args: Arguments) -> JsonObject:
    """Post what only one person sees, and only once."""
    channel, user = _joined(slack, args), args.need("user")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    message = slack.post_as_app(channel, _content(slack, args), args.word("thread_ts"), only_for=user)
    return {"message_ts": message.ts}


def update(slack: Slack, args: Arguments) -> JsonObject:
    """Change one of the app's own messages in place."""
    message = _own(slack, args, "cant_update_message")
    check_message(slack.state, args.content())
    if not args.has("text") and not args.has("blocks") and not args.has("attachments"):
        raise SlackError("no_text")
    if args.has("metadata"):
        message.metadata = args.object("metadata") or None
    slack.edit(message, edited_content(message.content, args.content()), BOT_USER)
    look = message.look()
    return {"channel": message.channel, "ts": message.ts, "text": look["text"], "message": look}


def delete(slack: Slack, args: Arguments) -> JsonObject:
    """Delete one of the app's own messages."""
    message = _own(slack, args, "cant_delete_message")
    slack.remove(message)
    return {"channel": message.channel, "ts": message.ts}


def get_permalink(slack: Slack, args: Arguments) -> JsonObject:
    """Where a person finds a message: the page of this workspace."""
    channel = slack.state.directory.channel(args.need("channel"))
    message = slack.state.conversations.find(channel.id, args.need("message_ts"))
    link = f"{slack.state.base_url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    thread = f"?thread_ts={message.thread_ts}" if message.in_thread else ""
    return {"channel": channel.id, "permalink": link + thread}


def reactions_add(slack: Slack, args: Arguments) -> JsonObject:
    """React as the app."""
    slack.react(_reacted(slack, args), BOT_USER, args.need("name").strip(":"))
    return {}


def reactions_remove(slack: Slack, args: Arguments) -> JsonObject:
    """Take one of the app's reactions back."""
    slack.react(_reacted(slack, args), BOT_USER, args.need("name").strip(":"), add=False)
    return {}


def reactions_get(slack: Slack, args: Arguments) -> JsonObject:
    """The reactions on a message."""
    message = _reacted(slack, args)
    return {"type": "message", "channel": message.channel, "message": message.look()}


def _joined(slack: Slack, args: Arguments) -> Channel:
    channel = slack.state.directory.channel(args.need("channel"))
    if BOT_USER not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _content(slack: Slack, args: Arguments) -> Content:
    check_message(slack.state, args.content())
    markdown = args.word("markdown_text")
    content = args.content()
    if markdown:
        return Content.of(markdown, [{"type": "markdown", "text": markdown}])
    if not words(content, "text") and not content.get("blocks") and not content.get("attachments"):
        raise SlackError("no_text")
    return Content.of(words(content, "text"), listed(content, "blocks"), listed(content, "attachments"))


def _own(slack: Slack, args: Arguments, otherwise: str) -> Message:
    channel = slack.state.directory.channel(args.need("channel"))
    message = slack.state.conversations.find(channel.id, args.need("ts"))
    if message.only_for:
        raise SlackError("message_not_found")
    if message.bot_id != BOT_ID:
        raise SlackError(otherwise)
    return message


def _reacted(slack: Slack, args: Arguments) -> Message:
    channel = slack.state.directory.channel(args.need("channel"))
    return slack.state.conversations.find(channel.id, args.need("timestamp"))
