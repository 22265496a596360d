"""The Starlette app: sockets on one side, `ApiServer` on the other, and the sandbox's own control paths."""

from __future__ import annotations

import json
import logging
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
_FLAGS = {"true": True, "false": False}


def create_app(plane: Plane, server: ApiServer, effects: Effects) -> Starlette:
    """The app that `LoopbackServer` serves."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    doors = _Doors(plane, server, effects)
    return Starlette(
        routes=[
            Route("/_sandbox/effects", doors.effects, methods=["GET"]),
            Route("/_sandbox/nodes/{name}/{state}", doors.power, methods=["POST"]),
            Route("/{path:path}", doors.kubernetes, methods=_METHODS),
        ]
    )


class _Doors:
    """What the app answers at each of its paths."""

    def __init__(self, plane: Plane, server: ApiServer, effects: Effects) -> None:
        self._plane = plane
        self._server = server
        self._effects = effects

    async def kubernetes(self, request: Request) -> Response:
        """Everything the real server has."""
        from starlette.responses import StreamingResponse

        call = await read_call(request)
        try:
            with self._plane.store.lock:
                answer = self._server.answer(call)
        except Refusal as refusal:
            return _json(refusal.code, refusal.status(), ())
        except Exception as error:  # the server's boundary: a client must get a Status, whatever happened
            logging.getLogger(__name__).exception("%s %s", call.method, call.path)
            return _json(500, Refusal(500, "InternalError", f"Internal error occurred: {error!r}").status(), ())
        if isinstance(answer, Watch):
            return StreamingResponse(stream(self._plane, answer), media_type="application/json")
        return _response(answer)

    async def effects(self, request: Request) -> Response:
        """The effects log, perhaps filtered: ?manager=sayso&dry_run=false&changed=true."""
        query = request.query_params
        manager, dry_run, changed = (query.get(name, "") for name in ("manager", "dry_run", "changed"))
        return _json(200, self._effects.listing(manager, _FLAGS.get(dry_run), _FLAGS.get(changed)), ())

    async def power(self, request: Request) -> Response:
        """POST /_sandbox/nodes/<name>/off silences a node, .../on brings it back."""
        try:
            with self._plane.store.lock:
                done = switch_node(self._plane, request.path_params["name"], request.path_params["state"])
        except Refusal as refusal:
            return _json(refusal.code, refusal.status(), ())
        return _json(200, done, ())


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
