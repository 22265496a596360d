"""The outbox against the sandbox's Slack: posted once, edited in place, patient, and never in each other's way."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from pydantic import SecretStr
from slack_sdk import WebClient

from bot.app import web_client
from bot.metrics import Metrics
from bot.settings import SlackAccess
from bot.slack import METADATA, Outbox
from deploy.sandbox.workspace import BOT_TOKEN, SIGNING_SECRET, CallFault, Switches, Workspace
from deploy.sandbox.workspace.directory import ALERTS, INCIDENTS
from deploy.sandbox.workspace.seen import Seen
from storage import messages
from storage.database import Database
from storage.messages import TAKE_OVER
from storage.tables import Message
from tests.bot.desks import BOTH, Clock, client_of

QUICK = 1000.0
"""Posts a second, where pace is not what a test is about."""


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    with Workspace() as workspace:
        yield workspace


@pytest.fixture
def ws(workspace: Workspace) -> Workspace:
    """Slack as it starts out."""
    workspace.reset()
    return workspace


@pytest.fixture
def clock() -> Clock:
    return Clock()


def outbox_of(
    database: Database,
    ws: Workspace,
    clock: Clock,
    owner: str = "me",
    pace: float = QUICK,
    metrics: Metrics | None = None,
) -> Outbox:
    return Outbox(client_of(ws), database, owner, metrics or Metrics(), clock, posts_a_second=pace)


@pytest.fixture
def outbox(database: Database, ws: Workspace, clock: Clock) -> Outbox:
    return outbox_of(database, ws, clock)


def want(database: Database, key: str, text: str = "hello", *, channel: str = ALERTS, **more: object) -> None:
    body = {"text": text, "blocks": more.pop("blocks", [])}
    with database.writing() as session:
        messages.want(session, key, channel=channel, body=body, at=Clock().at, **more)  # type: ignore[arg-type]


def row(database: Database, key: str) -> Message:
    with database.reading() as session:
        found = messages.find(session, key)
    assert found is not None
    return found


def texts(ws: Workspace, channel: str = ALERTS) -> list[str]:
    return [message.text for message in ws.messages(channel)]


def deliver_all(outbox: Outbox, database: Database, seconds: float = 10.0) -> None:
    """Go on until Slack shows everything that can be shown."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        outbox.deliver()
        with database.reading() as session:
            if not messages.due(session):
                return
        time.sleep(0.02)
    raise AssertionError("not everything was shown in time")


def section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


@BOTH
def test_a_wish_is_posted_once_however_often_one_looks(outbox: Outbox, database: Database, ws: Workspace) -> None:
    want(database, "a", blocks=[section("body")])

    delivered = [outbox.deliver() for _ in range(3)]

    (shown,) = ws.messages(ALERTS)
    assert delivered == [1, 0, 0]
    assert (shown.text, "body" in shown.everything) == ("hello", True)
    assert row(database, "a").ts == shown.ts
    assert len(ws.calls("chat.postMessage")) == 1


def test_a_later_wish_edits_the_message_in_place(outbox: Outbox, database: Database, ws: Workspace) -> None:
    want(database, "a", "one", blocks=[section("with a body")])
    outbox.deliver()
    posted = row(database, "a").ts

    want(database, "a", "two")
    outbox.deliver()

    (shown,) = ws.messages(ALERTS)
    assert (shown.ts, shown.text) == (posted, "two")
    assert "with a body" not in shown.everything
    assert row(database, "a").ts == posted


def test_many_wishes_between_two_looks_are_one_call_with_the_last(
    outbox: Outbox, database: Database, ws: Workspace
) -> None:
    for number in range(5):
        want(database, "a", f"text {number}")
    outbox.deliver()
    for number in range(5, 10):
        want(database, "a", f"text {number}")
    outbox.deliver()

    assert texts(ws) == ["text 9"]
    assert (len(ws.calls("chat.postMessage")), len(ws.calls("chat.update"))) == (1, 1)


def chart() -> dict[str, object]:
    data = [{"label": label, "value": 1} for label in ("09:00", "09:05")]
    drawn = {"type": "line", "axis_config": {"categories": ["09:00", "09:05"]}, "series": [{"name": "a", "data": data}]}
    return {"type": "data_visualization", "title": "errors", "chart": drawn}


def test_a_slack_that_knows_no_charts_is_told_the_words_alone(
    outbox: Outbox, database: Database, ws: Workspace
) -> None:
    want(database, "drawn", blocks=[section("0.4 % to 8 %"), chart()])
    outbox.deliver()
    ws.fault(CallFault(method="chat.postMessage", error="invalid_blocks"))

    want(database, "a", blocks=[section("1 to 4"), chart()])
    deliver_all(outbox, database)
    want(database, "b", blocks=[section("5 to 6"), chart()])
    deliver_all(outbox, database)

    kinds = [[block["type"] for block in message.blocks] for message in ws.messages(ALERTS)]
    assert kinds == [["section", "data_visualization"], ["section"], ["section"]]


def test_replies_go_into_the_thread_of_their_parent(outbox: Outbox, database: Database, ws: Workspace) -> None:
    want(database, "reply", "in the thread", thread_key="parent", priority=1)
    want(database, "parent", "the parent")

    first, second = outbox.deliver(), outbox.deliver()

    parent, reply = ws.messages(ALERTS)
    assert (first, second) == (1, 1)
    assert (parent.text, reply.text, reply.thread_ts) == ("the parent", "in the thread", parent.ts)


def test_an_answer_goes_into_the_thread_of_whoever_asked(outbox: Outbox, database: Database, ws: Workspace) -> None:
    asked = ws.person("alice").say("alerts", "what is wrong?")
    want(database, "reply", "nothing", thread_ts=asked.ts)

    outbox.deliver()

    assert [message.text for message in ws.thread(ALERTS, asked.ts)] == ["what is wrong?", "nothing"]


def test_every_message_carries_only_its_key(outbox: Outbox, database: Database, ws: Workspace) -> None:
    want(database, "plan:7", "secret words")
    outbox.deliver()
    want(database, "plan:7", "other words")
    outbox.deliver()

    calls = ws.calls("chat.postMessage") + ws.calls("chat.update")
    carried = [call_args(call)["metadata"] for call in calls]
    assert carried == [{"event_type": METADATA, "event_payload": {"key": "plan:7"}}] * 2


def call_args(call: object) -> dict[str, object]:
    assert isinstance(call, dict)
    args = call["args"]
    assert isinstance(args, dict)
    return args


@BOTH
def test_a_post_made_just_before_a_death_is_found_and_not_made_again(
    outbox: Outbox, database: Database, ws: Workspace, clock: Clock
) -> None:
    want(database, "a", "one")
    die_after_posting(database, ws, clock, "a")

    clock.pass_(seconds=TAKE_OVER.total_seconds())
    deliver_all(outbox, database)

    assert texts(ws) == ["one"]
    assert row(database, "a").ts == ws.messages(ALERTS)[0].ts


def die_after_posting(database: Database, ws: Workspace, clock: Clock, key: str, owner: str = "dead") -> Seen:
    """What a process does that is killed between Slack's answer and its own record of it."""
    with database.writing() as session:
        message = session.get_one(Message, key)
        assert messages.set_out(session, message, owner, clock())
    metadata = {"event_type": METADATA, "event_payload": {"key": key}}
    client_of(ws).chat_postMessage(
        channel=message.channel,
        metadata=metadata,
        thread_ts=row(database, message.thread_key).ts if message.thread_key else None,
        **json.loads(message.wanted),
    )
    return ws.messages(message.channel)[-1]


def test_a_reply_made_just_before_a_death_is_found_in_its_thread(
    outbox: Outbox, database: Database, ws: Workspace, clock: Clock
) -> None:
    want(database, "parent", "the parent")
    outbox.deliver()
    want(database, "reply", "the reply", thread_key="parent")
    die_after_posting(database, ws, clock, "reply")

    clock.pass_(seconds=TAKE_OVER.total_seconds())
    deliver_all(outbox, database)

    assert texts(ws) == ["the parent", "the reply"]


def test_what_was_wanted_after_the_death_is_shown_on_the_message_that_was_found(
    outbox: Outbox, database: Database, ws: Workspace, clock: Clock
) -> None:
    want(database, "a", "one")
    made = die_after_posting(database, ws, clock, "a")
    want(database, "a", "two")

    clock.pass_(seconds=TAKE_OVER.total_seconds())
    deliver_all(outbox, database)

    (shown,) = ws.messages(ALERTS)
    assert (shown.ts, shown.text) == (made.ts, "two")


def test_a_death_before_the_post_loses_nothing(outbox: Outbox, database: Database, ws: Workspace, clock: Clock) -> None:
    want(database, "a")
    want(database, "other")
    outbox.deliver()
    want(database, "b", "never posted")
    with database.writing() as session:
        messages.set_out(session, session.get_one(Message, "b"), "dead", clock())

    before = outbox.deliver()
    clock.pass_(seconds=TAKE_OVER.total_seconds())
    after = outbox.deliver()

    assert (before, after) == (0, 1)
    assert texts(ws).count("never posted") == 1


def test_a_refused_look_is_no_reason_to_post_again(database: Database, ws: Workspace, clock: Clock) -> None:
    """`conversations.history` has a rate of its own, once a minute for many apps."""
    outbox = outbox_of(database, ws, clock)
    want(database, "a", "one")
    die_after_posting(database, ws, clock, "a")
    ws.fault(CallFault(method="conversations.history", status=429, retry_after=1))
    clock.pass_(seconds=TAKE_OVER.total_seconds())

    refused = outbox.deliver()
    deliver_all(outbox, database)

    assert refused == 0
    assert texts(ws) == ["one"]


def test_an_answer_that_is_lost_is_no_reason_to_post_again(database: Database, ws: Workspace, clock: Clock) -> None:
    """The post arrived; the line was cut before its answer came back."""
    want(database, "a", "one")

    with cut_line(ws.url, times=1) as url:
        outbox = Outbox(web_client(access(f"{url}/api/")), database, "me", Metrics(), clock, posts_a_second=QUICK)
        lost = outbox.deliver()
        deliver_all(outbox, database)

    assert lost == 0
    assert texts(ws) == ["one"]
    assert len(ws.calls("chat.postMessage")) == 1


def access(api_url: str) -> SlackAccess:
    """As production is told where Slack is."""
    return SlackAccess(
        api_url=api_url,
        mode="http",
        bot_token=SecretStr(BOT_TOKEN),
        app_token=None,
        signing_secret=SecretStr(SIGNING_SECRET),
        alert_channel=ALERTS,
        approvers="S0ONCALL01",
        owners=None,
    )


@contextmanager
def cut_line(behind: str, times: int) -> Iterator[str]:
    """An address that passes requests on, and hangs up before the answer the first times something is posted."""
    left = [times]

    class Line(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name: self.headers[name] for name in ("Authorization", "Content-Type")}
            answer = httpx.post(behind + self.path, content=body, headers=headers, trust_env=False)
            if self.path.endswith("chat.postMessage") and left[0] > 0:
                left[0] -= 1
                self.close_connection = True
                return
            self.send_response(answer.status_code)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Line) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


@BOTH
def test_two_processes_share_the_work_and_post_each_message_once(
    database: Database, ws: Workspace, clock: Clock
) -> None:
    for number in range(12):
        want(database, f"m{number}", f"text {number}")
    both = [outbox_of(database, ws, clock, owner) for owner in ("one", "two")]
    threads = [threading.Thread(target=deliver_all, args=(each, database)) for each in both]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(texts(ws)) == sorted(f"text {number}" for number in range(12))


@BOTH
def test_what_another_process_posted_while_we_were_busy_is_edited_not_posted_again(
    database: Database, ws: Workspace, clock: Clock
) -> None:
    """Both have read that it is not posted. The other posts it, a new wish comes, and then it is our turn."""
    ours, other = (outbox_of(database, ws, clock, owner) for owner in ("ours", "other"))
    want(database, "slow", "slow one")
    ours.deliver()
    want(database, "slow", "slow two")
    want(database, "a", "one", priority=9)
    ws.fault(CallFault(method="chat.update", delay=1.0))

    busy = threading.Thread(target=ours.deliver)
    busy.start()
    while row(database, "slow").claimed_by is None:
        time.sleep(0.01)
    posted = other.deliver()
    want(database, "a", "two", priority=9)
    busy.join()

    assert posted == 1
    deliver_all(ours, database)
    assert texts(ws) == ["slow two", "two"]


def test_slack_is_asked_again_no_sooner_than_it_said(database: Database, ws: Workspace, clock: Clock) -> None:
    outbox = outbox_of(database, ws, clock)
    want(database, "a")
    ws.fault(CallFault(method="chat.postMessage", status=429, retry_after=1))

    started = time.monotonic()
    deliver_all(outbox, database)
    took = time.monotonic() - started

    refused, taken = ws.calls("chat.postMessage")
    assert (refused["status"], taken["ok"]) == (429, True)
    assert float(str(taken["at"])) - float(str(refused["at"])) >= 0.95
    assert 0.95 <= took < 3
    assert texts(ws) == ["hello"]


def test_a_channel_that_must_wait_holds_no_other_up(database: Database, ws: Workspace, clock: Clock) -> None:
    outbox = outbox_of(database, ws, clock)
    want(database, "a", "first here")
    ws.fault(CallFault(method="chat.postMessage", status=429, retry_after=30))
    outbox.deliver()
    want(database, "b", "still waits")
    want(database, "c", "goes at once", channel=INCIDENTS)

    outbox.deliver()

    assert (texts(ws), texts(ws, INCIDENTS)) == ([], ["goes at once"])


def test_a_message_slack_will_never_take_does_not_block_the_others(
    outbox: Outbox, database: Database, ws: Workspace
) -> None:
    want(database, "bad", "bad", blocks=[{"type": "no such block"}], priority=1)
    want(database, "good", "good", priority=9)

    for _ in range(5):
        outbox.deliver()

    assert texts(ws) == ["good"]
    assert row(database, "bad").error == "invalid_blocks"
    assert len(ws.calls("chat.postMessage")) == 2


def test_a_corrected_message_is_posted_after_all(outbox: Outbox, database: Database, ws: Workspace) -> None:
    want(database, "a", "bad", blocks=[{"type": "no such block"}])
    outbox.deliver()

    want(database, "a", "good")
    outbox.deliver()

    assert texts(ws) == ["good"]


REFUSED = ["invalid_blocks", "message_not_found", "cant_update_message", "edit_window_closed", "is_archived"]


@pytest.mark.parametrize("error", REFUSED)
def test_an_edit_that_cannot_be_made_is_not_tried_for_ever(
    database: Database, ws: Workspace, clock: Clock, error: str
) -> None:
    outbox = outbox_of(database, ws, clock)
    want(database, "a", "one")
    outbox.deliver()
    want(database, "a", "two")
    ws.fault(CallFault(method="chat.update", error=error, times=9))

    for _ in range(5):
        outbox.deliver()
        time.sleep(0.005)

    assert len(ws.calls("chat.update")) == 1
    assert row(database, "a").error == error


@pytest.mark.parametrize("error", ["internal_error", "fatal_error", "service_unavailable"])
def test_a_passing_failure_of_slack_is_got_over(database: Database, ws: Workspace, clock: Clock, error: str) -> None:
    outbox = outbox_of(database, ws, clock)
    want(database, "a")
    ws.fault(CallFault(method="chat.postMessage", error=error, times=2))

    deliver_all(outbox, database)

    assert texts(ws) == ["hello"]


def test_a_slack_that_is_away_is_tried_again_and_not_hammered(database: Database, clock: Clock, ws: Workspace) -> None:
    nowhere = WebClient(token=BOT_TOKEN, base_url="http://127.0.0.1:9/api/", timeout=2)
    metrics = Metrics()
    outbox = Outbox(nowhere, database, "me", metrics, clock, posts_a_second=1)
    want(database, "a")

    delivered = [outbox.deliver() for _ in range(20)]

    tried = 'sayso_slack_calls_total{method="chat.postMessage",result="unreachable"} 1.0'
    assert sum(delivered) == 0
    assert tried in metrics.exposition().decode()
    assert row(database, "a").error is None


def test_a_channel_takes_a_burst_and_then_one_at_a_time(database: Database, ws: Workspace, clock: Clock) -> None:
    outbox = outbox_of(database, ws, clock, pace=4)
    for number in range(6):
        want(database, f"m{number}")

    burst = outbox.deliver()
    at_once = outbox.deliver()
    started = time.monotonic()
    deliver_all(outbox, database)
    took = time.monotonic() - started

    assert (burst, at_once) == (3, 0)
    assert took >= 0.45
    assert len(ws.messages(ALERTS)) == 6


def test_under_slacks_own_rates_everything_arrives_in_order(database: Database, clock: Clock) -> None:
    with Workspace(switches=Switches(posting_rate=True)) as ws:
        outbox = outbox_of(database, ws, clock, pace=1)
        for number in range(4):
            want(database, f"m{number}", f"text {number}", priority=number)

        deliver_all(outbox, database)

        assert texts(ws) == [f"text {number}" for number in range(4)]
        assert sum(call["status"] == 429 for call in ws.calls("chat.postMessage")) <= 1


def test_an_edit_waits_for_its_own_message_only(database: Database, ws: Workspace, clock: Clock) -> None:
    outbox = outbox_of(database, ws, clock, pace=2)
    for key in ("a", "b"):
        want(database, key, f"{key} one")
    outbox.deliver()
    for key in ("a", "b"):
        want(database, key, f"{key} two")

    edited = outbox.deliver()
    want(database, "a", "a three")
    too_soon = outbox.deliver()

    assert (edited, too_soon) == (2, 0)
    assert texts(ws) == ["a two", "b two"]


def test_the_thread_delivers_until_it_is_stopped(database: Database, ws: Workspace, clock: Clock) -> None:
    outbox = outbox_of(database, ws, clock)
    outbox.start()
    want(database, "a", "while it runs")
    ws.wait_for_message(ALERTS, "while it runs")

    outbox.stop()
    want(database, "b", "after it stopped")
    time.sleep(0.2)

    assert not outbox.is_alive()
    assert texts(ws) == ["while it runs"]


def test_stopping_what_never_started_is_nothing(outbox: Outbox) -> None:
    outbox.stop()

    assert not outbox.is_alive()
