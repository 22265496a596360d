"""The line to Slack: bursts, renewals, cuts, and what is acknowledged, over real websockets to a workspace."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.socket_mode import SocketMode
from deploy.sandbox.workspace import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Switches, Workspace
from deploy.sandbox.workspace.directory import ALERTS, BOT_USER
from deploy.sandbox.workspace.faults import CallFault, DeliveryFault
from deploy.sandbox.workspace.wire import JsonObject, nested, words


class Listener:
    """An app that notes what it hears; `slow` seconds pass before it answers, and its first `failing` answers fail."""

    def __init__(self, workspace: Workspace) -> None:
        client = WebClient(token=BOT_TOKEN, base_url=workspace.api_url)
        app = App(client=client, signing_secret=SIGNING_SECRET, process_before_response=True)
        app.event("message")(self._message)
        app.command("/sayso")(self._command)
        self.line = SocketMode(app, client, APP_TOKEN)
        self.heard: Counter[str] = Counter()
        self.slow, self.failing = 0.0, 0
        self.begun = threading.Event()

    def _message(self, event: dict[str, Any]) -> None:
        self.begun.set()
        time.sleep(self.slow)
        self.heard[event["text"]] += 1
        if self.heard[event["text"]] <= self.failing:
            raise RuntimeError("not now")

    def _command(self, ack: Ack) -> None:
        ack({"response_type": "ephemeral", "text": "here is your answer"})


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    """A workspace that delivers again after milliseconds."""
    with Workspace(switches=Switches(redelivery_scale=0.001)) as served:
        yield served


@pytest.fixture
def listener(workspace: Workspace) -> Iterator[Listener]:
    """An app with its line open."""
    made = Listener(workspace)
    made.line.connect()
    workspace.wait_for_app()
    yield made
    made.line.close()


def test_a_burst_is_acknowledged_whole_and_at_the_first_try(workspace: Workspace, listener: Listener) -> None:
    workspace.fault(DeliveryFault(mishap="hold", kind="events_api", times=300))
    for number in range(300):
        workspace.person("bob").say(ALERTS, f"line {number}")

    workspace.release()

    deliveries = _settled(workspace, 300)
    assert listener.heard == Counter({f"line {number}": 1 for number in range(300)})
    assert {(one["attempt"], one["acked"]) for one in deliveries} == {(0, True)}


def test_a_line_is_renewed_without_being_out_of_reach(workspace: Workspace, listener: Listener) -> None:
    workspace.disconnect()
    workspace.wait_for_app(connections=2)
    workspace.person("bob").say(ALERTS, "on one of the two")
    workspace.person("bob").say(ALERTS, "on the other")

    deliveries = _settled(workspace, 2)

    assert listener.heard == Counter(["on one of the two", "on the other"])
    assert all(one["acked"] and one["attempt"] == 0 for one in deliveries)
    workspace.wait_until(lambda: workspace.connections() == 1 or None, "the old line to be hung up", 15)
    assert workspace.person("bob").slash("/sayso").acked


@pytest.mark.parametrize("refusals", [0, 2])
def test_a_cut_line_is_opened_again(workspace: Workspace, listener: Listener, refusals: int) -> None:
    if refusals:
        workspace.fault(CallFault(method="apps.connections.open", times=refusals, status=500, error="internal_error"))
    workspace.drop()
    workspace.wait_until(lambda: len(workspace.calls("apps.connections.open")) > 1 + refusals or None, "a new line", 15)
    workspace.wait_for_app()

    workspace.person("bob").say(ALERTS, "after the cut")

    workspace.wait_until(lambda: listener.heard["after the cut"] or None, "the event")
    assert listener.line.is_connected()


def test_what_was_not_handled_is_not_acknowledged_and_comes_again(workspace: Workspace, listener: Listener) -> None:
    listener.failing = 1
    workspace.settings(ack_timeout=0.3)

    workspace.person("bob").say(ALERTS, "twice")

    deliveries = _settled(workspace, 2)
    assert [(one["attempt"], one["acked"]) for one in deliveries] == [(0, False), (1, True)]
    assert listener.heard["twice"] == 2


def test_an_answer_goes_back_with_the_acknowledgement(workspace: Workspace, listener: Listener) -> None:
    told = workspace.person("bob").slash("/sayso", "help")

    assert told.acked
    assert words(told.payload, "text") == "here is your answer"
    assert listener.line.is_connected()


def test_closing_answers_what_is_in_hand(workspace: Workspace, listener: Listener) -> None:
    listener.slow = 0.5
    workspace.person("bob").say(ALERTS, "in hand")
    assert listener.begun.wait(5)

    listener.line.close()

    deliveries = _settled(workspace, 1)
    assert [(one["attempt"], one["acked"]) for one in deliveries] == [(0, True)]
    assert not listener.line.is_connected()


def test_a_token_slack_refuses_is_said_at_once(workspace: Workspace) -> None:
    refused = SocketMode(
        App(client=WebClient(token=BOT_TOKEN, base_url=workspace.api_url)), _client(workspace), "xapp-x"
    )

    with pytest.raises(SlackApiError, match="invalid_auth"):
        refused.connect()

    refused.close()


def _client(workspace: Workspace) -> WebClient:
    return WebClient(token=BOT_TOKEN, base_url=workspace.api_url)


def _settled(workspace: Workspace, count: int) -> list[JsonObject]:
    """The deliveries of what people said, once there are so many."""

    def made() -> list[JsonObject] | None:
        found = [one for one in workspace.journal("delivery") if one.get("type") == "events_api"]
        said = [one for one in found if words(nested(nested(one, "payload"), "event"), "user") != BOT_USER]
        return said if len(said) >= count else None

    return workspace.wait_until(made, f"{count} deliveries", 15)
