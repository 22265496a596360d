"""An unmodified Bolt app lives in the sandbox workspace as it would in Slack, over Socket Mode and over HTTP."""

from __future__ import annotations

import pytest
from slack_bolt import App

from deploy.sandbox.workspace import Workspace

both_transports = pytest.mark.parametrize("connected", ["socket", "http"], indirect=True)


@both_transports
def test_a_mention_is_answered_with_a_card_in_its_thread(ws: Workspace, connected: App) -> None:
    asked = ws.person("alice").say("alerts", "@sayso status?")

    card = ws.wait_for_message("alerts", "approval needed", thread_ts=asked.ts)

    assert card.action_ids == ["approve", "reject"]
    assert card.thread_ts == asked.ts
    assert ws.message("alerts", asked.ts).reactions == ["eyes"]


@both_transports
def test_an_approval_updates_the_card_in_place_and_answers_the_clicker_alone(ws: Workspace, connected: App) -> None:
    ws.person("alice").say("alerts", "@sayso status?")
    card = ws.wait_for_message("alerts", "approval needed")

    ack = ws.person("bob").click("alerts", card.ts, "approve")

    updated = ws.wait_for_message("alerts", "approved by <@U0BOB00001>")
    answer = ws.wait_for_ephemeral("bob", "you approved P-77:1")
    assert ack.acked
    assert updated.ts == card.ts
    assert updated.action_ids == []
    assert answer.ts not in [message.ts for message in ws.messages("alerts")]
    assert ws.ephemerals("alice") == []


@both_transports
def test_a_modal_stays_with_its_error_until_the_answer_is_good(ws: Workspace, connected: App) -> None:
    bob = ws.person("bob")
    ws.person("alice").say("alerts", "@sayso status?")
    bob.click("alerts", ws.wait_for_message("alerts", "approval needed").ts, "reject")
    modal = ws.wait_for_view("bob", "reject")

    empty = bob.submit(modal, {"why": ""})
    short = bob.submit(modal, {"why": "no"})
    still_open = ws.open_view("bob")
    good = bob.submit(modal, {"why": "too risky now"})

    assert (empty.errors, empty.ack) == ({"why": "Please complete this required field."}, None)
    assert short.errors == {"why": "Say more"}
    assert still_open is not None
    assert good.errors == {}
    assert ws.open_view("bob") is None
    assert ws.wait_for_ephemeral("bob", "rejected: too risky now")


@both_transports
def test_a_command_is_answered_to_its_person_and_then_to_all(ws: Workspace, connected: App) -> None:
    ack = ws.person("bob").slash("/sayso", "page @alice")

    assert ack.payload == {"text": "you said page <@U0ALICE001|alice>"}
    assert ws.wait_for_ephemeral("bob", "you said page")
    assert ws.wait_for_message("alerts", "and all heard")


@both_transports
def test_the_home_tab_appears_when_somebody_looks(ws: Workspace, connected: App) -> None:
    ws.person("alice").open_home()

    assert ws.wait_for_home("alice", "Needs you")
    assert ws.home("bob") is None


def test_an_alert_bots_message_starts_a_thread(ws: Workspace, connected: App) -> None:
    alert = ws.alert("alerts", "[FIRING:1] HighErrorRate", attachments=[{"color": "danger", "text": "5xx"}])

    answer = ws.wait_for_message("alerts", "investigating")

    assert answer.thread_ts == alert.ts


def test_a_file_is_uploaded_in_three_steps_and_served_back(ws: Workspace, connected: App) -> None:
    import httpx

    ws.person("alice").say("alerts", "@sayso chart")

    posted = ws.wait_for_message("alerts", lambda message: bool(message.json.get("files")))

    (file,) = [f for f in posted.json["files"] if f["title"] == "p95"]  # type: ignore[attr-defined]
    served = httpx.get(file["url_private"], trust_env=False)
    assert served.content == b"\x89PNG not really"
    assert served.headers["content-type"] == "image/png"


def test_a_stream_grows_in_place_and_its_last_task_update_wins(ws: Workspace, connected: App) -> None:
    ws.person("alice").say("alerts", "@sayso stream")

    done = ws.wait_for_message("alerts", lambda m: "doubled" in m.text and "streaming_state" not in m.json)

    plan, markdown = done.blocks
    assert plan["title"] == "Investigating"
    assert [task["status"] for task in plan["tasks"]] == ["complete"]  # type: ignore[attr-defined]
    assert markdown["text"] == "**p95** doubled"


def test_the_apps_own_posts_echo_back_and_bolt_drops_them(ws: Workspace, connected: App) -> None:
    ws.person("alice").say("alerts", "@sayso status?")
    ws.wait_for_message("alerts", "approval needed")

    ws.wait_until(lambda: len(ws.journal("delivery")) >= 3 or None, "mention, message and echo")

    echoes = [entry for entry in ws.journal("delivery") if "B0BOT00001" in str(entry["payload"])]
    assert [entry["acked"] for entry in echoes] == [True]
