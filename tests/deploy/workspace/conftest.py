"""An ordinary Bolt app, connected over either transport to a workspace that nothing in it knows to be a stand-in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk import WebClient

from deploy.sandbox.workspace import APP_TOKEN, BOT_TOKEN, Switches, Workspace
from tests.deploy.workspace.ordinary import Connect, ordinary_app

QUICK = Switches(ack_timeout=1.0, redelivery_scale=0.001)


@pytest.fixture(scope="module")
def served() -> Iterator[Workspace]:
    """One server for a module's tests."""
    with Workspace() as workspace:
        yield workspace


@pytest.fixture
def ws(served: Workspace) -> Workspace:
    """A workspace as seeded, that redelivers after milliseconds instead of minutes."""
    served.reset()
    served.settings(**QUICK.model_dump(mode="json", exclude={"request_url"}))
    return served


@pytest.fixture
def client(ws: Workspace) -> WebClient:
    """The app's Web API client."""
    return WebClient(token=BOT_TOKEN, base_url=ws.api_url)


@pytest.fixture(scope="module")
def over_socket(served: Workspace) -> Connect:
    """Connects an app by Socket Mode for as long as a block lasts."""

    @contextmanager
    def connected(app: App) -> Iterator[None]:
        handler = SocketModeHandler(app, APP_TOKEN, ping_interval=0.4)
        handler.connect()  # type: ignore[no-untyped-call]
        try:
            served.wait_for_app()
            yield
        finally:
            # The SDK's reader sleeps up to 3 s in recv(); a socket cut from this side wakes it at once. Its own
            # disconnect() and that of close() must not meet: they race for the socket.
            handler.client.auto_reconnect_enabled = False
            served.drop()
            for _ in range(500):
                if not handler.client.is_connected():
                    break
                threading.Event().wait(0.01)
            handler.close()  # type: ignore[no-untyped-call]

    return connected


@pytest.fixture(scope="module")
def over_http(served: Workspace) -> Connect:
    """Connects an app by signed HTTP for as long as a block lasts."""

    @contextmanager
    def connected(app: App) -> Iterator[None]:
        server = make_server("127.0.0.1", 0, SlackRequestHandler(app), handler_class=Silent)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            served.settings(request_url=f"http://127.0.0.1:{server.server_port}/slack/events")
            yield
        finally:
            served.settings(request_url="")
            server.shutdown()
            thread.join()
            server.server_close()

    return connected


@pytest.fixture(scope="module")
def connected(request: pytest.FixtureRequest, served: Workspace) -> Iterator[App]:
    """The ordinary app, connected for a module's tests over the transport they ask for (`http` unless they do)."""
    connect: Connect = request.getfixturevalue(f"over_{getattr(request, 'param', 'http')}")
    app = ordinary_app(served.api_url)
    with connect(app):
        yield app


class Silent(WSGIRequestHandler):
    """Keeps the app's HTTP server from writing every request to stderr."""

    timeout = 5  # a connection that was opened and never used would hold the server, and its end, for ever

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""
