"""The HTTP side: routes, errors as OpenAI writes them, streaming, and a journal of what was asked."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import assert_never

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from deploy.sandbox.model import wire
from deploy.sandbox.model.wire import ChatRequest, Outcome, Raw, Reply, Script, Trouble


class Journal:
    """What was asked of the model, in order."""

    def __init__(self) -> None:
        self._requests: list[ChatRequest] = []

    @property
    def requests(self) -> tuple[ChatRequest, ...]:
        """Every request so far."""
        return tuple(self._requests)

    def add(self, request: ChatRequest) -> int:
        """Write one down; its number, counted from 1."""
        self._requests.append(request)
        return len(self._requests)


def app(script: Script, journal: Journal, name: str) -> Starlette:
    """The server for one script. `name` is the model it offers; it answers to any."""

    async def models(_: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": name, "object": "model", "owned_by": "sandbox"}]})

    return Starlette(
        routes=[
            Route("/v1/models", models),
            Route("/v1/chat/completions", _chat(script, journal), methods=["POST"]),
        ]
    )


def _chat(script: Script, journal: Journal) -> Callable[[Request], Awaitable[Response]]:
    async def chat(http: Request) -> Response:
        if not http.headers.get("authorization", "").startswith("Bearer "):
            return _error(HTTPStatus.UNAUTHORIZED, "You didn't provide an API key.")
        try:
            body = await http.body()
            request = wire.parse(json.loads(body), len(body))
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as fault:
            return _error(HTTPStatus.BAD_REQUEST, f"not a chat request: {fault!r}")
        number = journal.add(request)
        outcome = script(request)
        if isinstance(outcome, Reply):
            await _think(outcome.after, http)
        return _response(outcome, request, number)

    return chat


async def _think(seconds: float, http: Request) -> None:
    """Take a while, unless the client gives up first: nobody is left to answer then."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not await http.is_disconnected():
        await asyncio.sleep(min(left, 0.05))


def _response(outcome: Outcome, request: ChatRequest, number: int) -> Response:
    match outcome:
        case Reply():
            if request.stream:
                return StreamingResponse(wire.events(outcome, request, number), media_type="text/event-stream")
            return JSONResponse(wire.completion(outcome, request, number))
        case Trouble():
            if outcome.body is not None:
                return JSONResponse(outcome.body, status_code=outcome.status)
            return _error(outcome.status, outcome.message, dict(outcome.headers))
        case Raw():
            return StreamingResponse(_slowly(outcome), media_type="application/json")
        case _:
            assert_never(outcome)


async def _slowly(raw: Raw) -> AsyncIterator[str]:
    for piece in itertools.cycle(raw.pieces) if raw.forever else raw.pieces:
        await asyncio.sleep(raw.pause)
        yield piece


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    about = {"message": message, "type": "sandbox_error", "param": None, "code": None}
    return JSONResponse({"error": about}, status_code=status, headers=headers)
