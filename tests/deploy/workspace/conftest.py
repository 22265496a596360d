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


@pytest.fixture
def ws() -> Iterator[Workspace]:
    """A workspace that redelivers after milliseconds instead of minutes."""
    with Workspace(switches=QUICK) as workspace:
        yield workspace


@pytest.fixture
def client(ws: Workspace) -> WebClient:
    """The app's Web API client."""
    return WebClient(token=BOT_TOKEN, base_url=ws.api_url)


@pytest.fixture
def bot(ws: Workspace) -> App:
    """An app that answers mentions with an approval card, as an app in a real workspace would be written."""
    return ordinary_app(ws.api_url)


@pytest.fixture
def over_socket(ws: Workspace) -> Connect:
    """Connects an app by Socket Mode for as long as a block lasts."""

    @contextmanager
    def connected(app: App) -> Iterator[None]:
        handler = SocketModeHandler(app, APP_TOKEN, ping_interval=0.4)
        handler.connect()  # type: ignore[no-untyped-call]
        try:
            ws.wait_for_app()
            yield
        finally:
            # The SDK's reader sleeps up to 3 s in recv(); a socket cut from this side wakes it at once.
            handler.client.auto_reconnect_enabled = False
            ws.drop()
            handler.close()  # type: ignore[no-untyped-call]

    return connected


@pytest.fixture
def over_http(ws: Workspace) -> Connect:
    """Connects an app by signed HTTP for as long as a block lasts."""

    @contextmanager
    def connected(app: App) -> Iterator[None]:
        server = make_server("127.0.0.1", 0, SlackRequestHandler(app), handler_class=Silent)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            ws.settings(request_url=f"http://127.0.0.1:{server.server_port}/slack/events")
            yield
        finally:
            ws.settings(request_url="")
            server.shutdown()
            thread.join()
            server.server_close()

    return connected


@pytest.fixture
def connected(request: pytest.FixtureRequest, bot: App) -> Iterator[App]:
    """The ordinary app, connected over the transport the test asks for (`http` unless parametrized)."""
    connect: Connect = request.getfixturevalue(f"over_{getattr(request, 'param', 'http')}")
    with connect(bot):
        yield bot


class Silent(WSGIRequestHandler):
    """Keeps the app's HTTP server from writing every request to stderr."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""
