"""The door of the Web API: tokens, faults and rates, then the method, then the answer in Slack's envelope.

Also the two addresses the app gets from other answers: uploads and response_urls.
"""

from __future__ import annotations

import asyncio
import json
import uuid

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from deploy.sandbox.workspace.arguments import Arguments, read
from deploy.sandbox.workspace.checks import check_message
from deploy.sandbox.workspace.directory import APP_TOKEN, BOT_TOKEN, BOT_USER
from deploy.sandbox.workspace.faults import CallFault
from deploy.sandbox.workspace.gestures import answer_with
from deploy.sandbox.workspace.messages import edited_content
from deploy.sandbox.workspace.methods import METHODS
from deploy.sandbox.workspace.methods.files import mimetype
from deploy.sandbox.workspace.slack import Slack
from deploy.sandbox.workspace.state import ResponseUrl
from deploy.sandbox.workspace.wire import JsonObject, SlackError, as_object, words

SCOPES = (
    "app_mentions:read,chat:write,commands,channels:history,groups:history,im:history,channels:read,groups:read,"
    "users:read,users:read.email,usergroups:read,reactions:write,files:write,assistant:write"
)


def routes(slack: Slack) -> list[Route]:
    """What the app under test may call."""

    async def api(request: Request) -> Response:
        return await call(slack, request)

    async def upload(request: Request) -> Response:
        return await receive_upload(slack, request)

    async def answer(request: Request) -> Response:
        return await answer_response_url(slack, request)

    return [
        Route("/api/{method}", api, methods=["GET", "POST"]),
        Route("/upload/v1/{file_id}", upload, methods=["POST", "PUT"]),
        Route("/actions/{team}/{key}", answer, methods=["POST"]),
    ]


async def call(slack: Slack, request: Request) -> Response:
    """Answer one Web API call and write it into the journal."""
    method = request.path_params["method"]
    fault = slack.state.faults.for_call(method)
    if fault:
        await asyncio.sleep(fault.delay)
    try:
        args, token = await read(request)
        wait = _rate_limit(slack, method, args)
        if fault and (fault.error or fault.status != 200):
            response = _faulty(fault)
        elif wait:
            response = _rate_limited(wait)
        else:
            response = _answered(slack, method, args, token)
    except SlackError as refused:
        args, response = Arguments({}), _enveloped(refused.body())
    _note(slack, method, args, response)
    return response


async def receive_upload(slack: Slack, request: Request) -> Response:
    """Take the raw bytes of a file; anything but the announced length is refused."""
    upload = slack.state.uploads.get(request.path_params["file_id"])
    data = await request.body()
    if upload is None:
        return PlainTextResponse("no such upload", 404)
    if len(data) != upload.size:
        return PlainTextResponse(f"expected {upload.size} bytes, got {len(data)}", 400)
    upload.data = data
    return PlainTextResponse(f"OK - {len(data)}")


async def answer_response_url(slack: Slack, request: Request) -> Response:
    """Take an answer to a click or a command: replace or delete what was clicked, or post something new."""
    try:
        target = slack.state.use_response_url(request.path_params["key"])
    except SlackError as expired:
        return JSONResponse(expired.body(), 404)
    try:
        _take_answer(slack, target, as_object(json.loads(await request.body() or b"{}")))
    except SlackError as refused:
        return JSONResponse(refused.body(), 400)
    return PlainTextResponse("ok")


def _take_answer(slack: Slack, target: ResponseUrl, answer: JsonObject) -> None:
    channel = slack.state.directory.channels[target.channel]
    if answer.get("delete_original") and target.message_ts:
        slack.remove(slack.state.conversations.find(channel.id, target.message_ts))
    elif answer.get("replace_original") and target.message_ts:
        check_message(slack.state, answer)
        message = slack.state.conversations.find(channel.id, target.message_ts)
        slack.edit(message, edited_content(message.content, answer), BOT_USER)
    else:
        answer_with(slack, channel, target.user, answer, words(answer, "thread_ts"))


def _answered(slack: Slack, method: str, args: Arguments, token: str) -> Response:
    if method not in METHODS:
        return _enveloped({"ok": False, "error": "unknown_method", "req_method": method})
    try:
        if method != "api.test":
            _require_token(method, token)
        return _enveloped({"ok": True, **METHODS[method](slack, args)})
    except SlackError as refused:
        return _enveloped(refused.body())


def _require_token(method: str, token: str) -> None:
    if not token:
        raise SlackError("not_authed")
    if token not in (BOT_TOKEN, APP_TOKEN):
        raise SlackError("invalid_auth")
    if (token == APP_TOKEN) != (method == "apps.connections.open"):
        raise SlackError("not_allowed_token_type")


def _rate_limit(slack: Slack, method: str, args: Arguments) -> int:
    switches, now = slack.state.switches, slack.state.clock()
    if switches.posting_rate and method == "chat.postMessage":
        return slack.state.pace.wait_to_post(args.word("channel"), now)
    if switches.restricted_history and method in ("conversations.history", "conversations.replies"):
        return slack.state.pace.wait_to_read(method, now)
    return 0


def _faulty(fault: CallFault) -> Response:
    if fault.status == 429:
        return _rate_limited(fault.retry_after)
    return _enveloped({"ok": False, "error": fault.error or "internal_error"}, fault.status)


def _rate_limited(seconds: int) -> Response:
    # Retry-After is a whole number: the SDK reads it with int().
    body = {"ok": False, "error": "ratelimited"}
    return JSONResponse(body, 429, headers={"Retry-After": str(seconds)})


def _enveloped(body: JsonObject, status: int = 200) -> Response:
    return JSONResponse(body, status, headers={"x-oauth-scopes": SCOPES, "x-slack-req-id": uuid.uuid4().hex})


def _note(slack: Slack, method: str, args: Arguments, response: Response) -> None:
    answer = as_object(json.loads(bytes(response.body)))
    error, ok = words(answer, "error"), bool(answer.get("ok"))
    what = {"method": method, "args": args.values, "ok": ok, "error": error, "status": response.status_code}
    slack.state.journal.write(slack.state.clock(), "call", **what)
    slack.state.feed.tell("call")


async def serve_file(slack: Slack, request: Request) -> Response:
    """Hand a file back, with its own type and never as a page of this origin."""
    upload = slack.state.uploads.get(request.path_params["file_id"])
    if upload is None or not upload.data:
        return PlainTextResponse("no such file", 404)
    kind = mimetype(upload.name)
    shown = "inline" if kind in ("image/png", "image/jpeg", "image/gif", "image/webp") else "attachment"
    headers = {"content-disposition": shown, "x-content-type-options": "nosniff"}
    return Response(upload.data, media_type=kind, headers=headers)
