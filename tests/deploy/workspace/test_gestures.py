"""People can do what Slack lets them do and no more; a click carries exactly what the message shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from deploy.sandbox.workspace import BOT_TOKEN, SIGNING_SECRET, Workspace
from deploy.sandbox.workspace.driver import Impossible
from tests.deploy.workspace.ordinary import Connect, card, reject_modal


class Recorder:
    """An app that acks every interaction, as told, and keeps the bodies."""

    def __init__(self, ws: Workspace) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.answers: dict[str, dict[str, Any]] = {}
        self.app = App(client=WebClient(token=BOT_TOKEN, base_url=ws.api_url), signing_secret=SIGNING_SECRET)
        self.app.use(self._answer)

    def _answer(self, body: dict[str, Any], ack: Ack) -> Any:
        self.bodies.append(body)
        return ack(**self.answers.get(body.get("view", {}).get("callback_id", ""), {}))


@pytest.fixture
def recorder(ws: Workspace, over_http: Connect) -> Iterator[Recorder]:
    """A connected recorder."""
    recorder = Recorder(ws)
    with over_http(recorder.app):
        yield recorder


def post(client: WebClient, blocks: list[dict[str, Any]], channel: str = "C0ALERTS01") -> str:
    """Post a message with blocks; its ts."""
    return str(client.chat_postMessage(channel=channel, text="card", blocks=blocks)["ts"])


def modal(callback_id: str) -> dict[str, Any]:
    """A modal with this callback id that asks why."""
    return {**reject_modal(), "callback_id": callback_id}


def open_modal(ws: Workspace, client: WebClient, recorder: Recorder, view: dict[str, Any]) -> str:
    """Have bob click a card and open a modal with the trigger; the view's id."""
    ws.person("bob").click("alerts", post(client, card()), "reject")
    return str(client.views_open(trigger_id=recorder.bodies[-1]["trigger_id"], view=view)["view"]["id"])


def test_a_click_carries_what_the_message_shows(ws: Workspace, client: WebClient, recorder: Recorder) -> None:
    ts = post(client, card())

    ws.person("bob").click("alerts", ts, "approve")

    (body,) = recorder.bodies
    (action,) = body["actions"]
    assert (action["block_id"], action["value"], action["text"]["text"]) == ("apr:77:r1:act", "P-77:1", "Approve")
    assert body["user"] == {"id": "U0BOB00001", "username": "bob", "name": "bob", "team_id": "T0TEAM0001"}
    assert body["container"]["message_ts"] == body["message"]["ts"] == ts
    assert body["message"]["blocks"] == ws.message("alerts", ts).blocks


def test_a_button_that_is_not_there_cannot_be_clicked(ws: Workspace, client: WebClient, recorder: Recorder) -> None:
    ts = post(client, card()[:1])

    with pytest.raises(Impossible, match="no element approve"):
        ws.person("bob").click("alerts", ts, "approve")

    assert recorder.bodies == []


def test_a_stale_click_replays_what_the_message_showed_before(
    ws: Workspace, client: WebClient, recorder: Recorder
) -> None:
    ts = post(client, card())
    client.chat_update(channel="C0ALERTS01", ts=ts, text="superseded", blocks=card()[:1])

    with pytest.raises(Impossible):
        ws.person("bob").click("alerts", ts, "approve")
    ws.person("bob").click("alerts", ts, "approve", forced=True)

    (body,) = recorder.bodies
    assert body["actions"][0]["value"] == "P-77:1"
    assert [block["type"] for block in body["message"]["blocks"]] == ["header", "actions"]


def test_a_deleted_message_can_still_be_clicked_by_who_had_it_open(
    ws: Workspace, client: WebClient, recorder: Recorder
) -> None:
    ts = post(client, card())
    client.chat_delete(channel="C0ALERTS01", ts=ts)

    with pytest.raises(Impossible, match="deleted"):
        ws.person("bob").click("alerts", ts, "approve")
    ack = ws.person("bob").click("alerts", ts, "approve", forced=True)

    assert ack.acked


@pytest.mark.parametrize(
    ("name", "why"), [("dave", "deactivated"), ("oscar", "not in alerts")], ids=["deactivated", "outsider"]
)
def test_who_is_not_in_the_channel_cannot_click_in_it(
    ws: Workspace, client: WebClient, recorder: Recorder, name: str, why: str
) -> None:
    ts = post(client, card())

    with pytest.raises(Impossible, match=why):
        ws.person(name).click("alerts", ts, "approve")
    forced = ws.person(name).click("alerts", ts, "approve", forced=True)

    assert forced.acked
    assert recorder.bodies[0]["user"]["name"] == name


def test_an_outsider_clicks_in_a_shared_channel_with_a_team_of_their_own(
    ws: Workspace, client: WebClient, recorder: Recorder
) -> None:
    ts = post(client, card(), "C0SHARED01")

    ws.person("oscar").click("shared", ts, "approve")

    assert recorder.bodies[0]["user"]["team_id"] == "T0OTHER001"
    assert recorder.bodies[0]["team"]["id"] == "T0TEAM0001"


def test_only_its_addressee_can_click_an_ephemeral_message(
    ws: Workspace, client: WebClient, recorder: Recorder
) -> None:
    ts = client.chat_postEphemeral(channel="C0ALERTS01", user="U0BOB00001", text="you", blocks=card())["message_ts"]

    with pytest.raises(Impossible, match="only U0BOB00001"):
        ws.person("alice").click("alerts", ts, "approve")
    ack = ws.person("bob").click("alerts", ts, "approve")

    assert ack.acked
    assert recorder.bodies[0]["container"]["is_ephemeral"] is True


OPTIONS = [{"text": {"type": "plain_text", "text": label}, "value": label} for label in ("1h", "4h")]
ELEMENTS: list[tuple[dict[str, Any], Any, dict[str, Any]]] = [
    ({"type": "static_select", "options": OPTIONS}, "4h", {"selected_option": OPTIONS[1]}),
    ({"type": "overflow", "options": OPTIONS}, "1h", {"selected_option": OPTIONS[0]}),
    ({"type": "radio_buttons", "options": OPTIONS}, "1h", {"selected_option": OPTIONS[0]}),
    ({"type": "checkboxes", "options": OPTIONS}, ["1h", "4h"], {"selected_options": OPTIONS}),
    ({"type": "multi_static_select", "options": OPTIONS}, ["4h"], {"selected_options": OPTIONS[1:]}),
    ({"type": "users_select"}, "U0ALICE001", {"selected_user": "U0ALICE001"}),
    ({"type": "datepicker"}, "2026-11-21", {"selected_date": "2026-11-21"}),
]


@pytest.mark.parametrize(("element", "chosen", "sent"), ELEMENTS, ids=[element["type"] for element, _, _ in ELEMENTS])
def test_choosing_sends_what_that_kind_of_element_sends(
    ws: Workspace, client: WebClient, recorder: Recorder, element: dict[str, Any], chosen: Any, sent: dict[str, Any]
) -> None:
    ts = post(client, [{"type": "actions", "block_id": "b", "elements": [element | {"action_id": "pick"}]}])

    ws.person("bob").click("alerts", ts, "pick", chosen=chosen)

    (action,) = recorder.bodies[0]["actions"]
    assert sent.items() <= action.items()


def test_an_option_that_is_not_offered_cannot_be_chosen(ws: Workspace, client: WebClient, recorder: Recorder) -> None:
    select = {"type": "static_select", "action_id": "pick", "options": OPTIONS}
    ts = post(client, [{"type": "actions", "elements": [select]}])

    with pytest.raises(Impossible, match="does not offer 8h"):
        ws.person("bob").click("alerts", ts, "pick", chosen="8h")


def test_a_trigger_opens_one_view_once(ws: Workspace, client: WebClient, recorder: Recorder) -> None:
    open_modal(ws, client, recorder, reject_modal())

    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        client.views_open(trigger_id=recorder.bodies[-1]["trigger_id"], view=reject_modal())
    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        client.views_open(trigger_id="1.2.made-up", view=reject_modal())


def test_a_trigger_is_too_old_after_its_time(ws: Workspace, client: WebClient, recorder: Recorder) -> None:
    ws.settings(trigger_lifetime=0.0)
    ws.person("bob").click("alerts", post(client, card()), "reject")

    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        client.views_open(trigger_id=recorder.bodies[-1]["trigger_id"], view=reject_modal())


def test_modals_stack_three_high_and_close_one_by_one(ws: Workspace, client: WebClient, recorder: Recorder) -> None:
    bob = ws.person("bob")
    root = open_modal(ws, client, recorder, modal("first"))
    for name in ("second", "third"):
        recorder.answers = {words: {"response_action": "push", "view": modal(name)} for words in ("first", "second")}
        top = ws.open_view("bob")
        assert top is not None
        bob.submit(top, {"why": "because"})
    third = ws.wait_for_view("bob", "third")

    recorder.answers = {"third": {"response_action": "push", "view": modal("fourth")}}
    too_high = bob.submit(third, {"why": "because"})

    assert third.json["root_view_id"] == root
    assert too_high.ack is not None
    assert "push_limit_reached" in too_high.ack.reason
    bob.close(third)
    below = ws.open_view("bob")
    assert below is not None
    assert below.callback_id == "second"


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        ({}, "first"),
        ({"response_action": "clear"}, None),
        ({"response_action": "update", "view": modal("changed")}, "changed"),
        ({"response_action": "errors", "errors": {"why": "no"}}, "second"),
    ],
    ids=["close", "clear", "update", "errors"],
)
def test_the_answer_to_a_submission_decides_what_stays_open(
    ws: Workspace, client: WebClient, recorder: Recorder, answer: dict[str, Any], left: str | None
) -> None:
    open_modal(ws, client, recorder, modal("first"))
    recorder.answers = {"first": {"response_action": "push", "view": modal("second")}, "second": answer}
    ws.person("bob").submit(ws.wait_for_view("bob", "first"), {"why": "because"})

    ws.person("bob").submit(ws.wait_for_view("bob", "second"), {"why": "because"})

    top = ws.open_view("bob")
    assert (top.callback_id if top else None) == left


def test_a_view_is_rewritten_only_by_who_saw_its_last_version(
    ws: Workspace, client: WebClient, recorder: Recorder
) -> None:
    view_id = open_modal(ws, client, recorder, modal("loading"))
    seen = str(ws.wait_for_view("bob", "loading").json["hash"])
    client.views_update(view_id=view_id, hash=seen, view=modal("loaded"))

    with pytest.raises(SlackApiError, match="hash_conflict"):
        client.views_update(view_id=view_id, hash=seen, view=modal("late"))

    assert ws.wait_for_view("bob", "loaded")


def test_closing_is_told_only_to_an_app_that_asked(ws: Workspace, client: WebClient, recorder: Recorder) -> None:
    for wanted in (False, True):
        open_modal(ws, client, recorder, modal("asked") | {"notify_on_close": wanted})
        ws.person("bob").close(ws.wait_for_view("bob", "asked"))

    closed = [body for body in recorder.bodies if body["type"] == "view_closed"]
    assert len(closed) == 1
    assert ws.open_view("bob") is None


def test_a_response_url_is_good_five_times(ws: Workspace, client: WebClient, recorder: Recorder) -> None:
    ws.person("bob").click("alerts", post(client, card()), "approve")
    url = recorder.bodies[0]["response_url"]

    with httpx.Client(trust_env=False) as http:
        statuses = [http.post(url, json={"text": f"answer {n}"}).status_code for n in range(6)]

    assert statuses == [200, 200, 200, 200, 200, 404]
    assert [message.text for message in ws.ephemerals("bob")] == [f"answer {n}" for n in range(5)]


def test_a_response_url_can_replace_or_delete_what_was_clicked(
    ws: Workspace, client: WebClient, recorder: Recorder
) -> None:
    ts = post(client, card())
    ws.person("bob").click("alerts", ts, "approve")
    url = recorder.bodies[0]["response_url"]

    httpx.post(url, json={"replace_original": True, "text": "done", "blocks": []}, trust_env=False)
    replaced = ws.message("alerts", ts)
    httpx.post(url, json={"delete_original": True}, trust_env=False)

    assert (replaced.text, replaced.action_ids) == ("done", [])
    assert ts not in [message.ts for message in ws.messages("alerts")]


def test_stop_tells_the_app_which_thread_to_stop_in(ws: Workspace, client: WebClient, recorder: Recorder) -> None:
    said = ws.person("alice").say("alerts", "work")
    client.api_call(
        "agents.sessions.setStatus",
        json={"channel_id": "C0ALERTS01", "thread_ts": said.ts, "status": "processing", "title": "INC-1"},
    )

    ws.person("alice").stop("alerts", said.ts)

    ws.wait_until(lambda: len(recorder.bodies) == 2 or None, "the event")
    event = recorder.bodies[-1]["event"]
    assert (event["type"], event["thread_ts"], event["user"]) == ("agent_session_stopped", said.ts, "U0ALICE001")
    assert ws.state()["sessions"][0]["status"] == "processing"  # type: ignore[index]


def test_a_misspelt_order_is_refused_and_so_is_one_from_a_web_page(ws: Workspace) -> None:
    with httpx.Client(base_url=ws.url, trust_env=False) as http:
        misspelt = http.post("/_control/message", json={"user": "alice", "chanel": "alerts"})
        across_origins = http.post("/_control/drop", content="{}", headers={"content-type": "text/plain"})
        rebound = http.get("/_control/state", headers={"host": "evil.example"})

    assert [misspelt.status_code, across_origins.status_code, rebound.status_code] == [422, 415, 400]


def test_a_control_token_keeps_the_app_from_acting_as_a_person() -> None:
    with Workspace(control_token="only-for-people") as ws, httpx.Client(base_url=ws.url, trust_env=False) as http:
        refused = http.post("/_control/message", json={"user": "alice", "channel": "alerts", "text": "approve it"})
        said = ws.person("alice").say("alerts", "hello")

    assert refused.status_code == 403
    assert said.text == "hello"
