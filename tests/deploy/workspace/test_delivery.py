"""Events come again until acked, interactions come once, and what can go wrong on the way can be made to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import App, BoltResponse
from slack_sdk import WebClient

from deploy.sandbox.workspace import BOT_TOKEN, SIGNING_SECRET, CallFault, DeliveryFault, Workspace
from tests.deploy.workspace.ordinary import Connect, ordinary_app

both_transports = pytest.mark.parametrize("transport", ["socket", "http"])


@pytest.fixture
def connect(request: pytest.FixtureRequest, transport: str) -> Connect:
    """Connects an app over the transport the test asks for."""
    found: Connect = request.getfixturevalue(f"over_{transport}")
    return found


def listening_app(ws: Workspace, failures: int = 0, slow: float = 0.0) -> tuple[App, list[dict[str, Any]]]:
    """An app that keeps every event body it gets, and fails to ack (or dawdles over) the first few."""
    client = WebClient(token=BOT_TOKEN, base_url=ws.api_url)
    app = App(client=client, process_before_response=True, signing_secret=SIGNING_SECRET)
    bodies: list[dict[str, Any]] = []

    @app.middleware
    def keep(body: dict[str, Any], next: Any) -> Any:  # noqa: A002
        bodies.append(body)
        if len(bodies) <= failures:
            threading.Event().wait(slow)
            return BoltResponse(status=500)
        return next()

    @app.event("message")
    def message(event: dict[str, Any]) -> None: ...

    @app.action("go")
    def go(ack: Any) -> None:
        ack()

    return app, bodies


def delivered(ws: Workspace) -> list[tuple[int, bool]]:
    """Attempt number and whether it was acked, of every event delivery so far."""
    return [(e["attempt"], e["acked"]) for e in ws.journal("delivery") if e["type"] == "events_api"]  # type: ignore[misc]


@both_transports
def test_an_event_the_app_fails_on_comes_again_with_the_same_id_until_acked(ws: Workspace, connect: Connect) -> None:
    ws.settings(ack_timeout=0.4)
    app, bodies = listening_app(ws, failures=2)

    with connect(app):
        ws.person("alice").say("alerts", "hello")
        ws.wait_until(lambda: len(delivered(ws)) == 3 or None, "three deliveries")

    assert delivered(ws) == [(0, False), (1, False), (2, True)]
    assert len({body["event_id"] for body in bodies}) == 1


def test_an_event_is_given_up_after_three_redeliveries(ws: Workspace, over_http: Connect) -> None:
    app, _ = listening_app(ws, failures=99)

    with over_http(app):
        ws.person("alice").say("alerts", "hello")
        ws.wait_until(lambda: len(delivered(ws)) == 4 or None, "four deliveries")

    assert delivered(ws) == [(0, False), (1, False), (2, False), (3, False)]


def test_http_redeliveries_say_which_and_why(ws: Workspace, over_http: Connect) -> None:
    app, _ = listening_app(ws, failures=1)

    with over_http(app):
        ws.person("alice").say("alerts", "hello")
        ws.wait_until(lambda: len(delivered(ws)) == 2 or None, "two deliveries")

    again = ws.journal("delivery")[-1]
    assert (again["attempt"], again["retry_reason"]) == (1, "http_500")


def test_an_event_that_finds_no_connection_is_kept_for_later(ws: Workspace, over_socket: Connect) -> None:
    ws.settings(redelivery_after=[0.0, 1_000.0, 0.0])
    app, bodies = listening_app(ws)
    ws.person("alice").say("alerts", "is anybody there?")

    with over_socket(app):
        ws.wait_until(lambda: bodies or None, "the redelivery")

    assert bodies[0]["event"]["text"] == "is anybody there?"
    assert delivered(ws)[-1] == (2, True)


def test_a_duplicated_event_has_the_same_id_twice(ws: Workspace, over_http: Connect) -> None:
    app, bodies = listening_app(ws)
    ws.fault(DeliveryFault(mishap="duplicate", kind="events_api"))

    with over_http(app):
        ws.person("alice").say("alerts", "once")
        ws.wait_until(lambda: len(bodies) == 2 or None, "both copies")

    assert bodies[0]["event_id"] == bodies[1]["event_id"]


def test_a_lost_ack_makes_an_event_come_again_although_it_was_handled(ws: Workspace, over_http: Connect) -> None:
    app, bodies = listening_app(ws)
    ws.fault(DeliveryFault(mishap="drop_ack", kind="events_api"))

    with over_http(app):
        ws.person("alice").say("alerts", "once")
        ws.wait_until(lambda: len(bodies) == 2 or None, "the redelivery")

    assert [body["event"]["text"] for body in bodies] == ["once", "once"]


def test_a_reordered_event_is_overtaken_by_the_next(ws: Workspace, over_http: Connect) -> None:
    app, bodies = listening_app(ws)
    ws.fault(DeliveryFault(mishap="reorder", kind="events_api"))

    with over_http(app):
        ws.person("alice").say("alerts", "first")
        ws.person("alice").say("alerts", "second")
        ws.wait_until(lambda: len(bodies) == 2 or None, "both")

    assert [body["event"]["text"] for body in bodies] == ["second", "first"]


def test_a_held_event_arrives_once_released(ws: Workspace, over_http: Connect) -> None:
    app, bodies = listening_app(ws)
    ws.fault(DeliveryFault(mishap="hold", kind="events_api"))

    with over_http(app):
        ws.person("alice").say("alerts", "held")
        ws.person("alice").say("alerts", "free")
        ws.wait_until(lambda: bodies or None, "the free one")
        before = [body["event"]["text"] for body in bodies]
        ws.release()
        ws.wait_until(lambda: len(bodies) == 2 or None, "the held one")

    assert before == ["free"]
    assert bodies[1]["event"]["text"] == "held"


def test_a_click_nobody_acks_is_not_sent_again_and_the_clicker_learns_it(ws: Workspace, over_http: Connect) -> None:
    ws.settings(ack_timeout=0.3)
    app, _ = listening_app(ws)
    button = {"type": "button", "action_id": "unheard", "text": {"type": "plain_text", "text": "Unheard"}}
    blocks = [{"type": "actions", "elements": [button]}]

    with over_http(app):
        posted = app.client.chat_postMessage(channel="C0ALERTS01", text="x", blocks=blocks)
        ack = ws.person("alice").click("alerts", posted["ts"], "unheard")

    clicks = [entry for entry in ws.journal("delivery") if entry["type"] == "interactive"]
    assert (ack.acked, ack.reason) == (False, "http_404")
    assert len(clicks) == 1


def test_a_429_names_its_seconds_and_the_sdk_waits_them_out(ws: Workspace, over_http: Connect) -> None:
    ws.fault(CallFault(method="chat.postMessage", status=429, retry_after=1))

    with over_http(ordinary_app(ws.api_url)):
        ws.person("alice").say("alerts", "@sayso status?")
        ws.wait_for_message("alerts", "approval needed")

    first, second = ws.calls("chat.postMessage")
    assert (first["status"], first["error"], second["ok"]) == (429, "ratelimited", True)
    assert float(str(second["at"])) - float(str(first["at"])) >= 1


@pytest.mark.parametrize("cut", ["disconnect", "drop"])
def test_the_app_comes_back_after_its_socket_goes(ws: Workspace, over_socket: Connect, cut: str) -> None:
    with over_socket(ordinary_app(ws.api_url)):
        getattr(ws, cut)()
        ws.wait_until(lambda: connections_made(ws) == 2 or None, "a second connection")
        ws.wait_until(lambda: ws.connections() == 1 or None, "only the new connection")
        ws.person("alice").say("alerts", "@sayso status?")
        card = ws.wait_for_message("alerts", "approval needed")

    assert card.action_ids == ["approve", "reject"]


def connections_made(ws: Workspace) -> int:
    """How many Socket Mode connections there have been."""
    return len([entry for entry in ws.journal("socket") if entry["event"] == "connected"])


@pytest.fixture
def two_apps(ws: Workspace, over_socket: Connect) -> Iterator[list[list[dict[str, Any]]]]:
    """Two processes of one app, each with its own connection, and what each heard."""
    one, heard_by_one = listening_app(ws)
    two, heard_by_two = listening_app(ws)
    with over_socket(one), over_socket(two):
        ws.wait_for_app(connections=2)
        yield [heard_by_one, heard_by_two]


def test_each_envelope_goes_to_one_connection_in_turn(ws: Workspace, two_apps: list[list[dict[str, Any]]]) -> None:
    for n in range(4):
        ws.person("alice").say("alerts", f"message {n}")
    ws.wait_until(lambda: sum(map(len, two_apps)) == 4 or None, "all four")

    assert [len(heard) for heard in two_apps] == [2, 2]


def test_a_mention_gives_two_events_that_share_a_ts_but_not_an_id(ws: Workspace, over_http: Connect) -> None:
    app, bodies = listening_app(ws)
    app.event("app_mention")(lambda: None)

    with over_http(app):
        said = ws.person("alice").say("alerts", "@sayso hello")
        ws.wait_until(lambda: len(bodies) == 2 or None, "both events")

    events = sorted((body["event"]["type"], body["event"]["ts"]) for body in bodies)
    assert events == [("app_mention", said.ts), ("message", said.ts)]
    assert len({body["event_id"] for body in bodies}) == 2
    assert len({body["event"]["client_msg_id"] for body in bodies}) == 1


def test_edits_and_deletions_are_told_and_shared_channels_are_marked(ws: Workspace, over_http: Connect) -> None:
    app, bodies = listening_app(ws)
    oscar = ws.person("oscar")

    with over_http(app):
        said = oscar.say("shared", "helo")
        oscar.edit(said, "hello")
        oscar.edit(said, "")
        ws.wait_until(lambda: len(bodies) == 3 or None, "all three")

    subtypes = {body["event"].get("subtype") for body in bodies}
    assert subtypes == {None, "message_changed", "message_deleted"}
    assert all(body["is_ext_shared_channel"] for body in bodies)


def test_an_event_no_gesture_makes_can_be_announced(ws: Workspace, over_http: Connect) -> None:
    app, bodies = listening_app(ws)

    with over_http(app):
        ws.announce({"type": "tokens_revoked", "tokens": {"bot": ["U0BOT00001"]}})
        ws.wait_until(lambda: bodies or None, "the event")

    assert bodies[0]["event"]["tokens"] == {"bot": ["U0BOT00001"]}


def test_a_changed_usergroup_is_told_with_who_came_and_went(ws: Workspace, over_http: Connect) -> None:
    app, bodies = listening_app(ws)

    with over_http(app):
        ws.set_usergroup("S0ONCALL01", "bob", "carol")
        ws.wait_until(lambda: bodies or None, "the event")

    event = bodies[0]["event"]
    assert (event["added_users"], event["removed_users"]) == (["U0CAROL001"], ["U0ALICE001"])


def test_a_request_url_that_does_not_echo_the_challenge_is_refused(ws: Workspace) -> None:
    with pytest.raises(Exception, match="url_not_verified"):
        ws.settings(request_url=f"{ws.url}/nowhere")

    assert ws.state()["request_url"] == ""
