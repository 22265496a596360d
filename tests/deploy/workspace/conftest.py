"""An ordinary Bolt app, connected over either transport to a workspace that nothing in it knows to be a stand-in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from slack_bolt import Ack, App, Respond
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk import WebClient
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from deploy.sandbox.workspace import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Switches, Workspace

Transport = Literal["socket", "http"]
Connect = Callable[[App], AbstractContextManager[None]]
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
    """The ordinary app, connected over the transport the test asks for (`socket` unless parametrized)."""
    connect: Connect = request.getfixturevalue(f"over_{getattr(request, 'param', 'socket')}")
    with connect(bot):
        yield bot


class Silent(WSGIRequestHandler):
    """Keeps the app's HTTP server from writing every request to stderr."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def ordinary_app(api_url: str) -> App:
    """The app: mentions, a message listener, buttons, a modal, a command, Home, files, streams."""
    client = WebClient(token=BOT_TOKEN, base_url=api_url)
    client.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=2))
    app = App(client=client, signing_secret=SIGNING_SECRET)

    @app.event("app_mention")
    def mention(event: dict[str, Any], say: Any, client: WebClient) -> None:
        client.reactions_add(channel=event["channel"], timestamp=event["ts"], name="eyes")
        if "chart" in event["text"]:
            client.files_upload_v2(
                channel=event["channel"],
                thread_ts=event["ts"],
                filename="c.png",
                content=b"\x89PNG not really",
                title="p95",
                initial_comment="chart",
            )
        elif "stream" in event["text"]:
            stream(event, client)
        else:
            say(text="approval needed", blocks=card(), thread_ts=event["ts"])

    @app.event("message")
    def message(event: dict[str, Any], say: Any) -> None:
        if event.get("bot_id") and "FIRING" in event.get("text", ""):
            say(text="investigating", thread_ts=event["ts"])

    @app.action("approve")
    def approve(ack: Ack, body: dict[str, Any], client: WebClient, respond: Respond) -> None:
        ack()
        done = [{"type": "section", "text": {"type": "mrkdwn", "text": f"approved by <@{body['user']['id']}>"}}]
        client.chat_update(channel=body["channel"]["id"], ts=body["message"]["ts"], text="approved", blocks=done)
        respond(text=f"you approved {body['actions'][0]['value']}", replace_original=False)

    @app.action("reject")
    def reject(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=reject_modal())

    @app.view("reject")
    def rejected(ack: Ack, view: dict[str, Any], body: dict[str, Any], client: WebClient) -> None:
        why = view["state"]["values"]["why"]["v"]["value"]
        if len(why) < 5:
            ack(response_action="errors", errors={"why": "Say more"})
            return
        ack()
        client.chat_postEphemeral(channel="C0ALERTS01", user=body["user"]["id"], text=f"rejected: {why}")

    @app.command("/sayso")
    def command(ack: Ack, command: dict[str, Any], respond: Respond) -> None:
        ack(text=f"you said {command['text']}")
        respond(text="and all heard", response_type="in_channel")

    @app.event("app_home_opened")
    def home(event: dict[str, Any], client: WebClient) -> None:
        section = {"type": "section", "text": {"type": "mrkdwn", "text": "*Needs you*"}}
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [section]})

    return app


def stream(event: dict[str, Any], client: WebClient) -> None:
    """Stream a plan with one task, and a sentence."""
    streamed = client.chat_stream(
        channel=event["channel"],
        thread_ts=event["ts"],
        recipient_user_id=event["user"],
        recipient_team_id="T0TEAM0001",
        task_display_mode="plan",
    )
    task = {"type": "task_update", "id": "1", "title": "Query metrics"}
    streamed.append(chunks=[{"type": "plan_update", "title": "Investigating"}, {**task, "status": "in_progress"}])
    streamed.append(markdown_text="**p95** doubled")
    streamed.append(chunks=[{**task, "status": "complete"}])
    streamed.stop()


def card() -> list[dict[str, Any]]:
    """An approval card with a confirm dialog on one of its two buttons."""
    confirm = {
        "title": {"type": "plain_text", "text": "Run in prod?"},
        "text": {"type": "mrkdwn", "text": "Roll back *checkout*."},
        "confirm": {"type": "plain_text", "text": "Run it"},
        "deny": {"type": "plain_text", "text": "Cancel"},
    }
    approve = {"type": "button", "action_id": "approve", "style": "primary", "value": "P-77:1", "confirm": confirm}
    reject = {"type": "button", "action_id": "reject", "style": "danger", "value": "P-77:1"}
    return [
        {"type": "header", "text": {"type": "plain_text", "text": ":raised_hand: Approval needed"}},
        {
            "type": "actions",
            "block_id": "apr:77:r1:act",
            "elements": [
                approve | {"text": {"type": "plain_text", "text": "Approve"}},
                reject | {"text": {"type": "plain_text", "text": "Reject…"}},
            ],
        },
    ]


def reject_modal() -> dict[str, Any]:
    """A modal that asks why."""
    element = {"type": "plain_text_input", "action_id": "v", "multiline": True}
    return {
        "type": "modal",
        "callback_id": "reject",
        "title": {"type": "plain_text", "text": "Reject P-77"},
        "submit": {"type": "plain_text", "text": "Reject"},
        "blocks": [
            {"type": "input", "block_id": "why", "label": {"type": "plain_text", "text": "Why?"}, "element": element}
        ],
    }
