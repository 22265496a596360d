"""Streamed messages: text and task updates that grow in place until the stream is stopped.

What arrived so far is kept as ordinary blocks (a plan with its tasks, then markdown), so nothing else needs to know.
"""

from __future__ import annotations

from collections.abc import Iterable

from deploy.sandbox.workspace.arguments import Arguments
from deploy.sandbox.workspace.checks import check_message
from deploy.sandbox.workspace.messages import Content, Message
from deploy.sandbox.workspace.slack import Slack
from deploy.sandbox.workspace.wire import JsonObject, SlackError, listed, words


def start(slack: Slack, args: Arguments) -> JsonObject:
    """Begin a stream in a thread; in a channel it needs somebody it is for."""
    channel = slack.state.directory.channel(args.need("channel"))
    if not channel.direct_with and not (args.word("recipient_user_id") and args.word("recipient_team_id")):
        raise SlackError("missing_recipient_team_id" if args.word("recipient_user_id") else "missing_recipient_user_id")
    message = slack.post_as_app(channel, Content(), args.need("thread_ts"))
    message.streaming = True
    _grow(slack, message, args)
    return {"channel": channel.id, "ts": message.ts}


def append(slack: Slack, args: Arguments) -> JsonObject:
    """Add to a running stream."""
    message = _running(slack, args)
    _grow(slack, message, args)
    return {"channel": message.channel, "ts": message.ts}


def stop(slack: Slack, args: Arguments) -> JsonObject:
    """Add the last of it and end the stream; its final blocks come below what was streamed."""
    message = _running(slack, args)
    check_message(slack.state, args.content())
    _grow(slack, message, args)
    message.streaming = False
    message.metadata = args.object("metadata") or None
    message.content = Content.of(message.content.text, [*message.content.blocks, *args.objects("blocks")])
    slack.changed(message)
    return {"channel": message.channel, "ts": message.ts, "message": message.look()}


def _running(slack: Slack, args: Arguments) -> Message:
    channel = slack.state.directory.channel(args.need("channel"))
    message = slack.state.conversations.find(channel.id, args.need("ts"))
    if not message.streaming:
        raise SlackError("message_not_in_streaming_state")
    return message


def _grow(slack: Slack, message: Message, args: Arguments) -> None:
    chunks = [*args.objects("chunks")]
    if args.word("markdown_text"):
        chunks.append({"type": "markdown_text", "text": args.word("markdown_text")})
    text, blocks = message.content.text, list(message.content.blocks)
    for chunk in chunks:
        text += words(chunk, "text") if words(chunk, "type") == "markdown_text" else ""
        blocks = list(_with_chunk(blocks, chunk))
    message.content = Content.of(text, blocks)
    slack.changed(message)


def _with_chunk(blocks: list[JsonObject], chunk: JsonObject) -> Iterable[JsonObject]:
    """The blocks after one chunk: text joins the last markdown, the last update of a task wins."""
    match words(chunk, "type"):
        case "markdown_text" if blocks and words(blocks[-1], "type") == "markdown":
            return [*blocks[:-1], {**blocks[-1], "text": words(blocks[-1], "text") + words(chunk, "text")}]
        case "markdown_text":
            return [*blocks, {"type": "markdown", "text": words(chunk, "text")}]
        case "blocks":
            return [*blocks, *listed(chunk, "blocks")]
        case "plan_update":
            return _with_plan(blocks, {"title": words(chunk, "title")}, None)
        case "task_update":
            task = {key: value for key, value in chunk.items() if key not in ("type", "id")}
            return _with_plan(blocks, {}, {"type": "task_card", "task_id": words(chunk, "id"), **task})
        case unknown:
            raise SlackError("invalid_chunks", f"[ERROR] unsupported type: {unknown}")


def _with_plan(blocks: list[JsonObject], change: JsonObject, task: JsonObject | None) -> list[JsonObject]:
    plan = next((block for block in blocks if words(block, "type") == "plan"), None)
    tasks = {words(old, "task_id"): old for old in listed(plan or {}, "tasks")}
    if task:
        tasks[words(task, "task_id")] = {**tasks.get(words(task, "task_id"), {}), **task}
    grown = {"type": "plan", "title": "Working", **(plan or {}), **change, "tasks": list(tasks.values())}
    return [grown if block is plan else block for block in blocks] if plan else [grown, *blocks]
