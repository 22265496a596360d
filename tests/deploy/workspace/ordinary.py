"""An app as one would be written for a real workspace, and the card and modal it shows. It knows no sandbox."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from deploy.sandbox.workspace import BOT_TOKEN, SIGNING_SECRET

Connect: TypeAlias = Callable[[App], AbstractContextManager[None]]


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
