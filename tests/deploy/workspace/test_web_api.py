"""The Web API answers as Slack's does: who may call, what is refused and why, and how long lists are paged."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from deploy.sandbox.workspace import APP_TOKEN, BOT_TOKEN, Workspace
from deploy.sandbox.workspace.paging import page
from deploy.sandbox.workspace.wire import SlackError
from tests.deploy.workspace.ordinary import card, reject_modal

ALERTS = "C0ALERTS01"
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "hi"}}


def test_the_app_learns_who_it_is(client: WebClient) -> None:
    me = client.auth_test()

    assert (me["user_id"], me["bot_id"], me["team_id"]) == ("U0BOT00001", "B0BOT00001", "T0TEAM0001")


@pytest.mark.parametrize(
    ("token", "method", "error"),
    [
        ("", "auth.test", "not_authed"),
        ("xoxb-someone-else", "auth.test", "invalid_auth"),
        (APP_TOKEN, "chat.postMessage", "not_allowed_token_type"),
        (BOT_TOKEN, "apps.connections.open", "not_allowed_token_type"),
        (BOT_TOKEN, "chat.shout", "unknown_method"),
        (BOT_TOKEN, "chat.postMessage", "invalid_arguments"),
    ],
)
def test_a_call_that_may_not_be_made_says_why(ws: Workspace, token: str, method: str, error: str) -> None:
    headers = {"authorization": f"Bearer {token}"} if token else {}

    answer = httpx.post(f"{ws.api_url}{method}", headers=headers, trust_env=False)

    assert answer.status_code == 200
    assert (answer.json()["ok"], answer.json()["error"]) == (False, error)


@pytest.mark.parametrize(
    ("method", "args", "error"),
    [
        ("chat.postMessage", {"channel": "#nowhere", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": ALERTS}, "no_text"),
        ("chat.postMessage", {"channel": ALERTS, "text": "x", "thread_ts": "1.2"}, "thread_not_found"),
        ("chat.postMessage", {"channel": ALERTS, "text": "x", "blocks": [{"type": "lever"}]}, "invalid_blocks"),
        ("chat.postEphemeral", {"channel": ALERTS, "text": "x", "user": "U0OUTSIDE1"}, "user_not_in_channel"),
        ("chat.update", {"channel": ALERTS, "ts": "1.2", "text": "x"}, "message_not_found"),
        ("conversations.replies", {"channel": ALERTS, "ts": "1.2"}, "thread_not_found"),
        ("conversations.history", {"channel": ALERTS, "cursor": "garbage!"}, "invalid_cursor"),
        ("users.info", {"user": "U0NOBODY01"}, "user_not_found"),
        ("users.lookupByEmail", {"email": "nobody@example.com"}, "users_not_found"),
        ("usergroups.users.list", {"usergroup": "S0NOBODY01"}, "no_such_subteam"),
        ("views.update", {"view_id": "V0", "view": reject_modal()}, "not_found"),
        ("views.publish", {"user_id": "U0ALICE001", "view": {"type": "home"}}, "invalid_blocks"),
        ("chat.startStream", {"channel": ALERTS, "thread_ts": "1.2"}, "missing_recipient_user_id"),
        ("files.completeUploadExternal", {"files": [{"id": "F0"}]}, "file_not_found"),
    ],
)
def test_a_refusal_carries_slacks_name_for_it(client: WebClient, method: str, args: dict[str, Any], error: str) -> None:
    with pytest.raises(SlackApiError) as refused:
        client.api_call(method, json=args)

    assert refused.value.response["error"] == error


def test_invalid_blocks_come_with_the_place_of_each_fault(client: WebClient) -> None:
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel=ALERTS, text="x", blocks=[{"type": "header", "text": SECTION["text"]}])

    (said,) = refused.value.response["response_metadata"]["messages"]
    assert said == "[ERROR] unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]"


def test_form_bodies_mean_the_same_as_json(client: WebClient) -> None:
    blocks = [block | {"block_id": f"b{n}"} for n, block in enumerate(card())]

    by_json = client.api_call("chat.postMessage", json={"channel": ALERTS, "text": "x", "blocks": blocks})
    by_form = client.api_call("chat.postMessage", data={"channel": ALERTS, "text": "x", "blocks": json.dumps(blocks)})

    assert by_json["message"]["blocks"] == by_form["message"]["blocks"]


def test_an_update_keeps_the_blocks_it_does_not_mention(client: WebClient) -> None:
    ts = client.chat_postMessage(channel=ALERTS, text="before", blocks=card())["ts"]

    kept = client.chat_update(channel=ALERTS, ts=ts, text="after")
    emptied = client.chat_update(channel=ALERTS, ts=ts, text="after", blocks=[])

    assert [block["type"] for block in kept["message"]["blocks"]] == ["header", "actions"]
    assert "blocks" not in emptied["message"]
    assert emptied["message"]["edited"]["user"] == "U0BOT00001"


def test_the_app_may_not_change_what_a_person_wrote(ws: Workspace, client: WebClient) -> None:
    said = ws.person("alice").say("alerts", "mine")

    with pytest.raises(SlackApiError, match="cant_update_message"):
        client.chat_update(channel=ALERTS, ts=said.ts, text="yours")
    with pytest.raises(SlackApiError, match="cant_delete_message"):
        client.chat_delete(channel=ALERTS, ts=said.ts)


def test_history_is_newest_first_and_pages_to_the_end(client: WebClient) -> None:
    sent = [client.chat_postMessage(channel=ALERTS, text=f"m{n}")["ts"] for n in range(7)]

    # The SDK's iterator turns the same response object to its next page.
    pages = [
        [message["ts"] for message in found["messages"]]
        for found in client.conversations_history(channel=ALERTS, limit=3)
    ]

    assert [len(found) for found in pages] == [3, 3, 1]
    assert [ts for found in pages for ts in found] == sent[::-1]


def test_history_between_two_moments_leaves_them_out_unless_asked(client: WebClient) -> None:
    first, second, third = (client.chat_postMessage(channel=ALERTS, text=str(n))["ts"] for n in range(3))

    between = client.conversations_history(channel=ALERTS, oldest=first, latest=third)
    inclusive = client.conversations_history(channel=ALERTS, oldest=first, latest=third, inclusive=True)

    assert [message["ts"] for message in between["messages"]] == [second]
    assert [message["ts"] for message in inclusive["messages"]] == [third, second, first]


def test_replies_stay_out_of_history_unless_broadcast(client: WebClient) -> None:
    root = client.chat_postMessage(channel=ALERTS, text="root")["ts"]
    quiet = client.chat_postMessage(channel=ALERTS, text="quiet", thread_ts=root)["ts"]
    loud = client.chat_postMessage(channel=ALERTS, text="loud", thread_ts=root, reply_broadcast=True)["ts"]

    history = client.conversations_history(channel=ALERTS)["messages"]
    thread = client.conversations_replies(channel=ALERTS, ts=root)["messages"]

    assert [message["ts"] for message in history] == [loud, root]
    assert [message["ts"] for message in thread] == [root, quiet, loud]
    assert thread[0]["reply_count"] == 2


def test_our_own_card_is_found_again_by_its_metadata(client: WebClient) -> None:
    metadata = {"event_type": "incident", "event_payload": {"id": "INC-142"}}
    client.chat_postMessage(channel=ALERTS, text="card", metadata=metadata)

    plain = client.conversations_history(channel=ALERTS)["messages"]
    with_it = client.conversations_history(channel=ALERTS, include_all_metadata=True)["messages"]

    assert "metadata" not in plain[0]
    assert with_it[0]["metadata"] == metadata


@pytest.mark.parametrize(
    ("user", "mark"),
    [
        ("U0GUEST001", "is_restricted"),
        ("U0OUTSIDE1", "is_stranger"),
        ("U0DAVE0001", "deleted"),
        ("U0AM000001", "is_bot"),
    ],
)
def test_those_who_may_never_approve_can_be_told_by_their_profile(client: WebClient, user: str, mark: str) -> None:
    found = client.users_info(user=user)["user"]

    assert found[mark] is True
    assert client.users_info(user="U0ALICE001")["user"][mark] is False


def test_the_on_call_group_is_alice_and_bob_until_it_changes(ws: Workspace, client: WebClient) -> None:
    before = client.usergroups_users_list(usergroup="S0ONCALL01")["users"]
    ws.set_usergroup("S0ONCALL01", "bob")

    after = client.usergroups_users_list(usergroup="S0ONCALL01")["users"]

    assert (before, after) == (["U0ALICE001", "U0BOB00001"], ["U0BOB00001"])


def test_a_channel_takes_three_messages_at_once_and_then_one_a_second(ws: Workspace, client: WebClient) -> None:
    ws.settings(posting_rate=True)
    for n in range(3):
        client.chat_postMessage(channel=ALERTS, text=str(n))

    with pytest.raises(SlackApiError) as limited:
        client.chat_postMessage(channel=ALERTS, text="one too many")
    elsewhere = client.chat_postMessage(channel="C0INCID001", text="fine")

    assert limited.value.response.status_code == 429
    assert int(limited.value.response.headers["Retry-After"]) >= 1
    assert elsewhere["ok"]


def test_distributed_apps_read_history_fifteen_at_a_time_once_a_minute(ws: Workspace, client: WebClient) -> None:
    for n in range(16):
        client.chat_postMessage(channel=ALERTS, text=str(n))
    ws.settings(restricted_history=True)

    first = client.conversations_history(channel=ALERTS, limit=100)

    assert len(first["messages"]) == 15
    with pytest.raises(SlackApiError, match="ratelimited"):
        client.conversations_history(channel=ALERTS)


def test_an_image_of_a_file_still_being_processed_is_refused(ws: Workspace, client: WebClient) -> None:
    ws.settings(file_processing=60.0)
    uploaded = client.files_upload_v2(filename="c.png", content=b"png")["file"]["id"]
    image = {"type": "image", "slack_file": {"id": uploaded}, "alt_text": "chart"}

    with pytest.raises(SlackApiError, match="invalid_blocks"):
        client.chat_postMessage(channel=ALERTS, text="x", blocks=[image])
    ws.settings(file_processing=0.0)
    ready = client.files_upload_v2(filename="c.png", content=b"png")["file"]["id"]

    assert client.chat_postMessage(channel=ALERTS, text="x", blocks=[image | {"slack_file": {"id": ready}}])["ok"]


def test_an_upload_of_the_wrong_length_is_refused(ws: Workspace, client: WebClient) -> None:
    url = client.files_getUploadURLExternal(filename="c.png", length=4)["upload_url"]

    answers = [httpx.post(url, content=data, trust_env=False).status_code for data in (b"123", b"1234")]

    assert answers == [400, 200]


def test_a_reset_brings_the_seeds_back(ws: Workspace, client: WebClient) -> None:
    client.chat_postMessage(channel=ALERTS, text="gone soon")
    ws.set_standing("bob", "deactivated")

    ws.reset()

    assert ws.messages("alerts") == []
    assert client.users_info(user="U0BOB00001")["user"]["deleted"] is False


def test_the_journal_keeps_calls_but_never_a_token(ws: Workspace, client: WebClient) -> None:
    httpx.post(f"{ws.api_url}auth.test", data={"token": BOT_TOKEN}, trust_env=False)
    client.chat_postMessage(channel=ALERTS, text="hello")

    (posted,) = ws.calls("chat.postMessage")

    assert (posted["ok"], posted["args"]["text"]) == (True, "hello")  # type: ignore[index]
    assert BOT_TOKEN not in str(ws.journal())


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(count=st.integers(0, 50), limit=st.integers(1, 20))
def test_pages_laid_end_to_end_are_the_whole_list(count: int, limit: int) -> None:
    items, cursor, found = list(range(count)), "", []

    while True:
        part, cursor = page(items, limit, cursor)
        found += part
        if not cursor:
            break

    assert found == items


@given(cursor=st.text(min_size=1, max_size=12))
def test_a_cursor_that_was_never_handed_out_is_refused_or_read_never_a_crash(cursor: str) -> None:
    try:
        part, _ = page([1, 2, 3], 2, cursor)
    except SlackError:
        return

    assert set(part) <= {1, 2, 3}
