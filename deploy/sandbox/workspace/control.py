"""The control API: tests, the demo and the page act as people through it, and make things go wrong.

Never for the app under test: posts must be JSON (so no web page can send them across origins) and, where a control
token is set, carry it. `409` means a person could not have done that.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from deploy.sandbox.workspace import gestures, orders
from deploy.sandbox.workspace.elements import NotShown, Placed, find
from deploy.sandbox.workspace.faults import CallFault, DeliveryFault, Switches
from deploy.sandbox.workspace.messages import Content
from deploy.sandbox.workspace.modals import View
from deploy.sandbox.workspace.slack import Slack
from deploy.sandbox.workspace.snapshot import message_as_seen, snapshot
from deploy.sandbox.workspace.wire import JsonObject, SlackError

LONGEST_WAIT = 30.0
OrderT = TypeVar("OrderT", bound=BaseModel)
Doing: TypeAlias = Callable[[Slack, JsonObject], Awaitable[JsonObject]]


def routes(slack: Slack, token: str) -> list[Route]:
    """The control API, guarded by a token when one is given."""

    async def order(request: Request) -> Response:
        return _forbidden(request, token) or await obey(slack, request)

    async def look(request: Request) -> Response:
        return _forbidden(request, token) or await _looked(slack, request)

    async def events(request: Request) -> Response:
        return _forbidden(request, token) or StreamingResponse(_stream(slack), media_type="text/event-stream")

    return [
        Route("/_control/{what}", order, methods=["POST"]),
        Route("/_control/{what}", look, methods=["GET"]),
        Route("/_events", events),
    ]


async def obey(slack: Slack, request: Request) -> Response:
    """Carry out one order."""
    doing = ORDERS.get(request.path_params["what"])
    if doing is None:
        return JSONResponse({"error": "no such order"}, 404)
    if not request.headers.get("content-type", "").startswith("application/json"):
        return JSONResponse({"error": "orders are JSON"}, 415)
    try:
        return JSONResponse(await doing(slack, json.loads(await request.body() or b"{}")))
    except (ValidationError, ValueError) as error:
        return JSONResponse({"error": str(error)}, 422)
    except NotShown as impossible:
        return JSONResponse({"error": str(impossible)}, 409)
    except SlackError as refused:
        return JSONResponse({"error": refused.code, "messages": refused.messages}, 404)


async def _looked(slack: Slack, request: Request) -> Response:
    match request.path_params["what"]:
        case "state":
            return JSONResponse(snapshot(slack))
        case "journal":
            last = int(request.query_params.get("last", "5000"))
            return PlainTextResponse(slack.state.journal.lines(last), media_type="application/x-ndjson")
        case "wait":
            after = int(request.query_params.get("after", "0"))
            seconds = min(float(request.query_params.get("timeout", "5")), LONGEST_WAIT)
            return JSONResponse({"revision": await slack.state.feed.past(after, seconds)})
        case _:
            return JSONResponse({"error": "nothing to see"}, 404)


async def _stream(slack: Slack) -> AsyncIterator[str]:
    yield f"data: {json.dumps({'kind': 'hello', 'revision': slack.state.feed.revision})}\n\n"
    async for change in slack.state.feed.listen():
        yield f"data: {json.dumps(change)}\n\n"


def _forbidden(request: Request, token: str) -> Response | None:
    given = request.headers.get("x-control-token") or request.query_params.get("token", "")
    return JSONResponse({"error": "a control token is needed"}, 403) if token and given != token else None


def _order(model: type[OrderT], carry_out: Callable[[Slack, OrderT], Awaitable[JsonObject]]) -> Doing:
    async def doing(slack: Slack, body: JsonObject) -> JsonObject:
        return await carry_out(slack, model.model_validate(body))

    return doing


async def _say(slack: Slack, order: orders.Say) -> JsonObject:
    directory = slack.state.directory
    content = Content.of(order.text, order.blocks, order.attachments)
    person, channel = directory.person(order.user), directory.channel(order.channel)
    return message_as_seen(slack, gestures.say(slack, person, channel, content, order.thread_ts, order.subtype))


async def _edit(slack: Slack, order: orders.OnMessage) -> JsonObject:
    message = slack.state.conversations.find(slack.state.directory.channel(order.channel).id, order.ts)
    person = slack.state.directory.person(order.user)
    if message.user != person.id:
        raise NotShown("that is somebody else's message")
    slack.edit(message, Content.of(order.text), person.id) if order.text else slack.remove(message)
    return message_as_seen(slack, message)


async def _react(slack: Slack, order: orders.OnMessage) -> JsonObject:
    message = slack.state.conversations.find(slack.state.directory.channel(order.channel).id, order.ts)
    slack.react(message, slack.state.directory.person(order.user).id, order.name, add=not order.remove)
    return message_as_seen(slack, message)


async def _click(slack: Slack, order: orders.Click) -> JsonObject:
    state = slack.state
    person, channel = state.directory.person(order.user), state.directory.channel(order.channel)
    message = state.conversations.find_even_deleted(channel.id, order.ts)
    if not order.forced:
        gestures.require_sight(person, channel, message)
    look = gestures.once_on_message if order.forced else gestures.on_message
    placed, seen = look(message, order.action_id, order.block_id, order.value)
    return asdict(await gestures.click(slack, person, message, placed, order.chosen, seen))


async def _click_view(slack: Slack, order: orders.InView) -> JsonObject:
    view, placed = _in_view(slack, order)
    person = slack.state.directory.person(order.user)
    return asdict(await gestures.click_in_view(slack, person, view, placed, order.values))


async def _suggest(slack: Slack, order: orders.InView) -> JsonObject:
    view, placed = _in_view(slack, order)
    person = slack.state.directory.person(order.user)
    return {"options": await gestures.suggest(slack, person, view, placed, order.typed)}


async def _submit(slack: Slack, order: orders.InView) -> JsonObject:
    view, person = _own_view(slack, order), slack.state.directory.person(order.user)
    submitted = await gestures.submit(slack, person, view, order.values)
    return {"errors": submitted.errors, "ack": asdict(submitted.ack) if submitted.ack else None}


async def _close(slack: Slack, order: orders.InView) -> JsonObject:
    view, person = _own_view(slack, order), slack.state.directory.person(order.user)
    await gestures.close(slack, person, view, order.everything)
    return {}


async def _slash(slack: Slack, order: orders.Slash) -> JsonObject:
    person, channel = slack.state.directory.person(order.user), slack.state.directory.channel(order.channel)
    return asdict(await gestures.slash(slack, person, channel, order.command, order.text))


async def _home(slack: Slack, order: orders.Look) -> JsonObject:
    gestures.open_home(slack, slack.state.directory.person(order.user), order.tab)
    return {}


async def _stop(slack: Slack, order: orders.Look) -> JsonObject:
    person, channel = slack.state.directory.person(order.user), slack.state.directory.channel(order.channel)
    gestures.press_stop(slack, person, channel, order.thread_ts)
    return {}


async def _join(slack: Slack, order: orders.Arrange) -> JsonObject:
    slack.join(slack.state.directory.channel(order.channel), slack.state.directory.person(order.user).id)
    return {}


async def _usergroup(slack: Slack, order: orders.Arrange) -> JsonObject:
    slack.regroup(order.usergroup, tuple(slack.state.directory.person(user).id for user in order.users))
    return {}


async def _standing(slack: Slack, order: orders.Arrange) -> JsonObject:
    return slack.state.directory.restand(slack.state.directory.person(order.user).id, order.standing).json()


async def _call_fault(slack: Slack, fault: CallFault) -> JsonObject:
    slack.state.faults.add(fault)
    return {}


async def _delivery_fault(slack: Slack, fault: DeliveryFault) -> JsonObject:
    slack.state.faults.add(fault)
    return {}


async def _release(slack: Slack, order: orders.Nothing) -> JsonObject:
    slack.deliveries.release()
    return {}


async def _announce(slack: Slack, order: orders.Announce) -> JsonObject:
    slack.announce(slack.state.directory.channel(order.channel) if order.channel else None, order.event)
    return {}


async def _disconnect(slack: Slack, order: orders.Disconnect) -> JsonObject:
    await slack.sockets.disconnect(order.reason)
    return {}


async def _drop(slack: Slack, order: orders.Nothing) -> JsonObject:
    await slack.sockets.drop()
    return {}


async def _reset(slack: Slack, order: orders.Nothing) -> JsonObject:
    slack.deliveries.abandon()
    slack.state.forget()
    slack.state.feed.tell("reset")
    return {}


async def _settings(slack: Slack, body: JsonObject) -> JsonObject:
    """Change some switches; a new request URL must echo a challenge, as with Slack."""
    before = slack.state.switches
    slack.state.switches = Switches.model_validate({**before.model_dump(), **body})
    if slack.state.switches.request_url not in ("", before.request_url):
        ack = await slack.deliveries.verify_url()
        if not ack.acked:
            slack.state.switches = before
            raise SlackError("url_not_verified", ack.reason)
    slack.state.feed.tell("settings")
    return slack.state.switches.model_dump(mode="json")


def _in_view(slack: Slack, order: orders.InView) -> tuple[View, Placed]:
    view = _own_view(slack, order)
    return view, find(view.blocks, order.action_id, order.block_id, order.value)


def _own_view(slack: Slack, order: orders.InView) -> View:
    view = slack.state.views.find(order.view_id)
    if view.user != slack.state.directory.person(order.user).id:
        raise NotShown("that view is somebody else's")
    return view


ORDERS: Mapping[str, Doing] = {
    "message": _order(orders.Say, _say),
    "edit": _order(orders.OnMessage, _edit),
    "reaction": _order(orders.OnMessage, _react),
    "click": _order(orders.Click, _click),
    "click_view": _order(orders.InView, _click_view),
    "suggest": _order(orders.InView, _suggest),
    "submit": _order(orders.InView, _submit),
    "close": _order(orders.InView, _close),
    "slash": _order(orders.Slash, _slash),
    "home": _order(orders.Look, _home),
    "stop": _order(orders.Look, _stop),
    "join": _order(orders.Arrange, _join),
    "usergroup": _order(orders.Arrange, _usergroup),
    "standing": _order(orders.Arrange, _standing),
    "fault": _order(CallFault, _call_fault),
    "delivery_fault": _order(DeliveryFault, _delivery_fault),
    "release": _order(orders.Nothing, _release),
    "announce": _order(orders.Announce, _announce),
    "disconnect": _order(orders.Disconnect, _disconnect),
    "drop": _order(orders.Nothing, _drop),
    "reset": _order(orders.Nothing, _reset),
    "settings": _settings,
}
