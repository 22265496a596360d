"""What the app says it is doing in a thread: status notes, titles, suggested prompts, agent sessions."""

from __future__ import annotations

from deploy.sandbox.workspace.arguments import Arguments
from deploy.sandbox.workspace.slack import Slack
from deploy.sandbox.workspace.state import AgentSession
from deploy.sandbox.workspace.wire import JsonObject, SlackError

STATUSES = ("active", "processing", "suspended", "closed")
TITLE = 200


def set_note(slack: Slack, args: Arguments) -> JsonObject:
    """`assistant.threads.setStatus`: a line like "is looking at the logs"; empty takes it away."""
    _session(slack, args).note = args.word("status")
    return _told(slack, args)


def set_title(slack: Slack, args: Arguments) -> JsonObject:
    """Name the session."""
    if len(args.word("title")) > TITLE:
        raise SlackError("invalid_arguments", f"[ERROR] must be less than {TITLE + 1} characters: title")
    _session(slack, args).title = args.word("title")
    return _told(slack, args)


def set_prompts(slack: Slack, args: Arguments) -> JsonObject:
    """Offer prompts; without a thread they stand in the empty Messages tab."""
    _session(slack, args).prompts = args.objects("prompts")
    return _told(slack, args)


def set_status(slack: Slack, args: Arguments) -> JsonObject:
    """`agents.sessions.setStatus`: begins the session if there is none; a title counts only then."""
    if args.word("status") not in STATUSES:
        raise SlackError("invalid_arguments", f"[ERROR] must be one of {', '.join(STATUSES)}: status")
    session = _session(slack, args)
    if not session.status:
        session.title = args.word("title")[:TITLE]
    session.status = args.word("status")
    return _told(slack, args)


def _session(slack: Slack, args: Arguments) -> AgentSession:
    channel = slack.state.directory.channel(args.need("channel_id"))
    thread_ts = args.word("thread_ts")
    if thread_ts:
        slack.state.conversations.thread(channel.id, thread_ts)
    return slack.state.sessions.setdefault((channel.id, thread_ts), AgentSession())


def _told(slack: Slack, args: Arguments) -> JsonObject:
    slack.state.feed.tell("session", channel=args.word("channel_id"), thread_ts=args.word("thread_ts"))
    return {}
