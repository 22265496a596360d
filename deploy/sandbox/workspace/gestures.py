"""What people do: say, click, choose, submit, close, run a command, open Home, press Stop.

A gesture carries exactly what the person sees: a button that is not on the message cannot be clicked, a modal that is
not on top cannot be submitted, somebody outside a channel cannot speak in it. `forced` lifts that, to replay a click on
what a message showed before. How the app's answer changes the open views is decided here too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.sandbox.workspace.acks import Ack
from deploy.sandbox.workspace.checks import check_message, check_view
from deploy.sandbox.workspace.directory import APP_ID, TEAM_DOMAIN, TEAM_ID, Channel, Person
from deploy.sandbox.workspace.elements import (
    Chosen,
    NotShown,
    Placed,
    complaints,
    entered_in,
    find,
    pressed,
    state_values,
)
from deploy.sandbox.workspace.messages import Content, Message
from deploy.sandbox.workspace.modals import View
from deploy.sandbox.workspace.slack import Slack
from deploy.sandbox.workspace.wire import JsonObject, SlackError, listed, nested, words

MENTION = re.compile(r"(?<![\w<@])@([a-z][\w-]*)")


@dataclass(frozen=True)
class Submitted:
    """How a submission ended: what the modal says beside its inputs (if it stays), and the app's ack, if asked."""

    errors: Mapping[str, str]
    ack: Ack | None


def say(
    slack: Slack, person: Person, channel: Channel, content: Content, thread_ts: str = "", subtype: str = ""
) -> Message:
    """Post as a person (or another app's bot); `@name` of somebody known becomes a mention."""
    _require_member(person, channel)
    text = MENTION.sub(lambda found: _mention(slack, found), content.text)
    posted = Content(text, content.blocks, content.attachments)
    return slack.post_as_person(channel, person, posted, thread_ts, subtype)


async def click(
    slack: Slack, person: Person, message: Message, placed: Placed, chosen: Chosen, seen: Content | None = None
) -> Ack:
    """Use an element of a message; `seen` is the earlier look it stood on, for a stale click."""
    state, channel = slack.state, slack.state.directory.channels[message.channel]
    action = pressed(placed, chosen, state.stamp())
    entered = {f"{placed.block_id}/{action['action_id']}": chosen} if chosen is not None else {}
    container = {"type": "message", "message_ts": message.ts, "channel_id": channel.id}
    blocks = [*(seen or message.content).every_block()]
    payload = _interaction(slack, person, "block_actions") | {
        "container": container | {"is_ephemeral": bool(message.only_for)} | _thread(message),
        "channel": {"id": channel.id, "name": channel.name},
        "message": message.look(seen),
        "state": {"values": state_values(blocks, entered)},
        "response_url": state.new_response_url(channel.id, person.id, message.ts),
        "actions": [action],
    }
    return await slack.deliveries.ask("interactive", payload)


async def click_in_view(slack: Slack, person: Person, view: View, placed: Placed, entered: Mapping[str, Chosen]) -> Ack:
    """Use an element of a modal or of the Home tab, with what else was entered there so far."""
    _, chosen = entered_in(placed, entered)
    action = pressed(placed, chosen, slack.state.stamp())
    view.values = state_values(view.blocks, entered)
    payload = _interaction(slack, person, "block_actions") | {
        "container": {"type": "view", "view_id": view.id},
        "view": view.json(),
        "state": {"values": view.values},
        "actions": [action],
    }
    return await slack.deliveries.ask("interactive", payload)


async def suggest(slack: Slack, person: Person, view: View, placed: Placed, typed: str) -> list[JsonObject]:
    """The options the app offers for what was typed into an external select."""
    ids = {"action_id": words(placed.element, "action_id"), "block_id": placed.block_id}
    container = {"type": "view", "view_id": view.id}
    asked = {**ids, "value": typed, "container": container, "view": view.json()}
    ack = await slack.deliveries.ask("interactive", _interaction(slack, person, "block_suggestion") | asked)
    return listed(ack.payload, "options")[:100]


async def submit(slack: Slack, person: Person, view: View, entered: Mapping[str, Chosen]) -> Submitted:
    """Submit the modal on top; incomplete required inputs never reach the app, as in Slack's own client."""
    if slack.state.views.top(person.id) is not view:
        raise NotShown("that modal is not on top")
    values = state_values(view.blocks, entered)
    missing = complaints(view.blocks, values)
    if missing:
        return Submitted(missing, None)
    view.values = values
    payload = _interaction(slack, person, "view_submission") | {"view": view.json(), "response_urls": []}
    ack = await slack.deliveries.ask("interactive", payload)
    try:
        if ack.acked:
            _answer_submission(slack, view, ack.payload)
    except SlackError as refused:
        return Submitted({}, Ack(acked=False, payload=ack.payload, reason=f"{refused.code}: {refused.messages}"))
    errors = nested(ack.payload, "errors") if words(ack.payload, "response_action") == "errors" else {}
    return Submitted({block: str(said) for block, said in errors.items()}, ack)


async def close(slack: Slack, person: Person, view: View, everything: bool = False) -> None:
    """Close a modal (or all of them); the app hears of it only if it asked to."""
    closed = slack.state.views.clear(person.id) if everything else [view]
    slack.state.views.close(view)
    slack.state.feed.tell("view", user=person.id)
    for gone in closed:
        if gone.body.get("notify_on_close"):
            payload = _interaction(slack, person, "view_closed") | {"view": gone.json(), "is_cleared": everything}
            await slack.deliveries.ask("interactive", payload)


async def slash(slack: Slack, person: Person, channel: Channel, command: str, text: str) -> Ack:
    """Run a slash command; its ack may answer at once, to the person or to the channel."""
    _require_member(person, channel)
    payload = {
        "token": "verif",
        "team_id": TEAM_ID,
        "team_domain": TEAM_DOMAIN,
        "channel_id": channel.id,
        "channel_name": channel.name,
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": MENTION.sub(lambda found: _mention(slack, found, named=True), text),
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": slack.state.new_response_url(channel.id, person.id),
        "trigger_id": slack.state.new_trigger(person.id),
    }
    ack = await slack.deliveries.ask("slash_commands", payload)
    try:
        if ack.payload.get("text") or ack.payload.get("blocks"):
            answer_with(slack, channel, person.id, ack.payload)
    except SlackError as refused:
        return Ack(acked=False, payload=ack.payload, reason=f"{refused.code}: {refused.messages}")
    return ack


def open_home(slack: Slack, person: Person, tab: str = "home") -> None:
    """Look at the app's Home (or Messages) tab."""
    direct = slack.state.directory.direct_channel(person.id)
    event: dict[str, object] = {"type": "app_home_opened", "user": person.id, "channel": direct.id, "tab": tab}
    if tab == "home" and person.id in slack.state.views.homes:
        event["view"] = slack.state.views.homes[person.id].json()
    slack.announce(direct, event)


def press_stop(slack: Slack, person: Person, channel: Channel, thread_ts: str) -> None:
    """Ask the app to stop what it is doing in a thread."""
    streaming = [m.ts for m in slack.state.conversations.thread(channel.id, thread_ts) if m.streaming]
    event = {"type": "agent_session_stopped", "channel": channel.id, "thread_ts": thread_ts, "user": person.id}
    slack.announce(channel, {**event, "streaming_message_ts": streaming})


def answer_with(slack: Slack, channel: Channel, user: str, answer: JsonObject, thread_ts: str = "") -> Message:
    """Post what the app answers to a command or a click: to its addressee only, unless it says `in_channel`."""
    check_message(slack.state, answer)
    content = Content.of(words(answer, "text"), listed(answer, "blocks"), listed(answer, "attachments"))
    only_for = "" if words(answer, "response_type") == "in_channel" else user
    return slack.post_as_app(channel, content, thread_ts, only_for)


def on_message(message: Message, action_id: str, block_id: str, value: str) -> tuple[Placed, Content | None]:
    """The element on what a message shows now."""
    if message.deleted:
        raise NotShown("that message is deleted")
    return find(message.content.every_block(), action_id, block_id, value), None


def once_on_message(message: Message, action_id: str, block_id: str, value: str) -> tuple[Placed, Content | None]:
    """The element on what a message shows or ever showed, newest look first; made up when it never did."""
    for content in (message.content, *reversed(message.earlier)):
        try:
            return find(content.every_block(), action_id, block_id, value), content
        except NotShown:
            continue
    made_up = {"type": "button", "action_id": action_id, "value": value, "text": {"type": "plain_text", "text": "?"}}
    return Placed(block_id or "forged", made_up), None


def _answer_submission(slack: Slack, view: View, answer: JsonObject) -> None:
    state = slack.state
    if answer.get("view"):
        check_view(state, nested(answer, "view"))
    match words(answer, "response_action"):
        case "errors":
            return
        case "update":
            state.views.update(view, nested(answer, "view"), state.stamp())
        case "push":
            state.views.push(view.user, nested(answer, "view"), state.stamp())
        case "clear":
            state.views.clear(view.user)
        case _:
            state.views.close(view)
    state.feed.tell("view", user=view.user)


def _interaction(slack: Slack, person: Person, kind: str) -> dict[str, object]:
    return {
        "type": kind,
        "user": person.brief(),
        "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
        "api_app_id": APP_ID,
        "token": "verif",
        "trigger_id": slack.state.new_trigger(person.id),
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _thread(message: Message) -> dict[str, object]:
    return {"thread_ts": message.thread_ts} if message.in_thread else {}


def require_sight(person: Person, channel: Channel, message: Message) -> None:
    """NotShown when this message is not before this person at all."""
    _require_member(person, channel)
    if message.only_for not in ("", person.id):
        raise NotShown(f"only {message.only_for} can see that message")


def _require_member(person: Person, channel: Channel) -> None:
    if person.standing == "deactivated":
        raise NotShown(f"{person.name} is deactivated and cannot do anything")
    if person.id not in channel.members:
        raise NotShown(f"{person.name} is not in {channel.name}")


def _mention(slack: Slack, found: re.Match[str], named: bool = False) -> str:
    person = next((p for p in slack.state.directory.people.values() if p.name == found[1]), None)
    if person is None:
        return found[0]
    return f"<@{person.id}|{person.name}>" if named else f"<@{person.id}>"
