"""The Starlette app: sockets on one side, `ApiServer` on the other, and the sandbox's own control paths."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from deploy.sandbox.cluster.api.calls import Answer
from deploy.sandbox.cluster.api.calls import Request as Call
from deploy.sandbox.cluster.api.effects import Effects
from deploy.sandbox.cluster.api.server import ApiServer
from deploy.sandbox.cluster.api.watching import Watch, stream
from deploy.sandbox.cluster.objects.refusals import Refusal, no_such_path
from deploy.sandbox.cluster.objects.resources import NODES
from deploy.sandbox.cluster.objects.shapes import Object
from deploy.sandbox.cluster.plane import Plane

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_FLAGS = {"true": True, "false": False, "": None}


def create_app(plane: Plane, server: ApiServer, effects: Effects) -> Starlette:
    """The app that `LoopbackServer` serves."""
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse, StreamingResponse
    from starlette.routing import Route

    async def kubernetes(request: Request) -> Response:
        call = await read_call(request)
        try:
            with plane.store.lock:
                answer = server.answer(call)
        except Refusal as refusal:
            return _json(refusal.code, refusal.status(), ())
        if isinstance(answer, Watch):
            return StreamingResponse(stream(plane, answer), media_type="application/json")
        return _response(answer)

    async def show_effects(request: Request) -> Response:
        query = request.query_params
        return JSONResponse(
            effects.listing(
                query.get("manager", ""),
                _FLAGS[query.get("dry_run", "")],
                _FLAGS[query.get("changed", "")],
            )
        )

    async def power(request: Request) -> Response:
        try:
            with plane.store.lock:
                return JSONResponse(switch_node(plane, request.path_params["name"], request.path_params["state"]))
        except Refusal as refusal:
            return _json(refusal.code, refusal.status(), ())

    return Starlette(
        routes=[
            Route("/_sandbox/effects", show_effects, methods=["GET"]),
            Route("/_sandbox/nodes/{name}/{state}", power, methods=["POST"]),
            Route("/{path:path}", kubernetes, methods=_METHODS),
        ]
    )


def switch_node(plane: Plane, name: str, state: str) -> Object:
    """Silence a node's kubelet (`off`) or let it speak again (`on`), as pulling a plug does."""
    node = plane.store.get(NODES, "", name)
    if node is None or state not in ("on", "off"):
        raise no_such_path()
    if state == "off":
        plane.runtime.silent_since.setdefault(name, plane.clock.now())
    else:
        plane.runtime.silent_since.pop(name, None)
    plane.store.put(NODES, {**node, "metadata": dict(node["metadata"])}, node)
    return {"node": name, "power": state}


async def read_call(request: Request) -> Call:
    """A Starlette request as the API server reads it."""
    query = dict(request.query_params.multi_items())
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call(request.method, request.url.path, query, headers, await request.body())


def _response(answer: Answer) -> Response:
    from starlette.responses import Response

    if isinstance(answer.body, bytes):
        return Response(answer.body, answer.code, media_type=answer.media_type)
    return _json(answer.code, answer.body, answer.warnings)


def _json(code: int, body: Object, warnings: tuple[str, ...]) -> Response:
    from starlette.responses import Response

    text = json.dumps(body, separators=(",", ":"))
    response = Response(text, code, media_type="application/json")
    for warning in warnings:
        quoted = warning.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.append("Warning", f'299 - "{quoted}"')
    return response
