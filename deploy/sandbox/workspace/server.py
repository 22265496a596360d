"""The workspace as a server: every route in one app, and `Workspace`, which runs it in this process."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from deploy.sandbox.serving import LOOPBACK, LoopbackServer
from deploy.sandbox.workspace import control, webapi
from deploy.sandbox.workspace.deliveries import Deliveries
from deploy.sandbox.workspace.driver import WorkspaceDriver
from deploy.sandbox.workspace.faults import Switches
from deploy.sandbox.workspace.slack import Slack
from deploy.sandbox.workspace.sockets import Sockets
from deploy.sandbox.workspace.state import WorkspaceState

PAGE = Path(__file__).parent / "page"
# The page shows text that models and alerts wrote: nothing but its own files may run or load.
PAGE_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Workspace(WorkspaceDriver):
    """A workspace served in this process and driven like any other: `with Workspace() as ws: ws.api_url`."""

    def __init__(
        self,
        port: int = 0,
        switches: Switches | None = None,
        base_url: str = "",
        control_token: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._state = WorkspaceState(switches or Switches(), clock)
        hosts = [LOOPBACK, "localhost", urlsplit(base_url).hostname or LOOPBACK]
        self._server = LoopbackServer(build(self._state, control_token, hosts), port)
        self._state.base_url = base_url or self._server.url
        super().__init__(self._server.url, control_token)

    def start(self) -> Self:
        """Serve in a background thread."""
        self._server.start()
        return self

    def serve_forever(self) -> None:
        """Serve in this thread until interrupted."""
        self._server.serve_forever()

    def stop(self) -> None:
        """End the feed, so that nobody is left waiting, then the server."""
        self._state.feed.closing = True
        self._server.stop()
        self.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def build(state: WorkspaceState, control_token: str, hosts: list[str]) -> Starlette:
    """The app: Web API, Socket Mode, uploads, control API and the page."""
    sockets = Sockets(state)
    slack = Slack(state, sockets, Deliveries(state, sockets))

    async def link(socket: WebSocket) -> None:
        await sockets.serve(socket)

    async def file(request: Request) -> Response:
        return await webapi.serve_file(slack, request)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await slack.deliveries.close()

    routes: list[BaseRoute] = [
        *webapi.routes(slack),
        *control.routes(slack, control_token),
        WebSocketRoute("/link/", link),
        Route("/files/{file_id}", file),
        *page_routes(),
    ]
    middleware = [Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)]
    return Starlette(routes=routes, middleware=middleware, lifespan=lifespan)


def page_routes() -> list[Route]:
    """The page's own files, by name; every permalink opens the page, which finds the message itself."""

    async def index(request: Request) -> Response:
        return FileResponse(PAGE / "index.html", headers=PAGE_HEADERS)

    async def asset(request: Request) -> Response:
        known = {path.name: path for path in PAGE.iterdir() if path.is_file()}
        path = known.get(request.path_params["name"])
        return FileResponse(path, headers=PAGE_HEADERS) if path else PlainTextResponse("not found", 404)

    return [
        Route("/", index),
        Route("/inspector", index),
        Route("/archives/{channel}", index),
        Route("/archives/{channel}/{message}", index),
        Route("/page/{name}", asset),
    ]
