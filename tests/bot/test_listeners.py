"""Slack's surfaces over signed HTTP: kept before they are acknowledged, handled once, answered by the record."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from slack_bolt import App
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_bolt.request import BoltRequest
from sqlmodel import col, select

from bot import cards
from bot.listeners import event_key, is_ours_to_handle, register
from bot.listeners.buttons import click_of
from bot.listeners.messages import InboxWorker
from bot.people import Person
from bot.slack import Outbox
from bot.views.ids import ActionId, CallbackId, parse_reference
from deploy.sandbox.workspace import SIGNING_SECRET, CallFault, DeliveryFault, Switches, Workspace
from deploy.sandbox.workspace.directory import ALERTS, BOT_USER, INCIDENTS, TEAM_ID
from storage import incidents, messages, plans
from storage.database import Database
from storage.tables import InboxEvent, Incident, IncidentStatus, Message, PlanStatus, Verdict
from tests.bot.desks import ALICE, BOB, Bench, bench, client_of
from tests.storage.samples import AT

ALERT_BOT = "B0AM000001"
FIRING = "[FIRING:1] HighErrorRate checkout (critical)\n• *severity:* `critical`\n• *service:* `checkout`"


class Silent(WSGIRequestHandler):
    """Keeps requests off standard error."""

    timeout = 5  # a connection that was opened and never used would hold the server, and its end, for ever

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def connected(app: App, ws: Workspace) -> Iterator[None]:
    """The app behind a signed request URL of the workspace."""
    with make_server("127.0.0.1", 0, SlackRequestHandler(app), handler_class=Silent) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            ws.settings(request_url=f"http://127.0.0.1:{server.server_port}/slack/events")
            yield
        finally:
            ws.settings(request_url="")
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def ws() -> Iterator[Workspace]:
    with Workspace(switches=Switches(redelivery_scale=0.001)) as workspace:
        yield workspace


@pytest.fixture
def desk(database: Database, ws: Workspace) -> Iterator[Bench]:
    """A desk that Slack reaches."""
    ws.reset()
    with bench(database, ws) as made:
        app = App(client=client_of(ws), signing_secret=SIGNING_SECRET, process_before_response=True)
        register(app, made.desk)
        with connected(app, ws):
            yield made
            app.listener_runner.listener_executor.shutdown()  # what is done after the acknowledgement


@pytest.fixture
def worker(desk: Bench) -> InboxWorker:
    return InboxWorker(desk.desk, client_of(desk.workspace), BOT_USER, frozenset({(ALERTS, ALERT_BOT)}))


def kept(desk: Bench) -> list[InboxEvent]:
    with desk.database.reading() as session:
        return list(session.exec(select(InboxEvent).order_by(col(InboxEvent.received_at))))


def wait_for_events(desk: Bench, count: int = 1) -> list[InboxEvent]:
    """What is in the inbox, once so many events are."""
    return desk.workspace.wait_until(
        lambda: found if len(found := kept(desk)) >= count else None, f"{count} events in the inbox"
    )


def show(desk: Bench) -> None:
    """Post everything that is wanted, as the bot's outbox does."""
    outbox = Outbox(client_of(desk.workspace), desk.database, "here", desk.desk.metrics, desk.clock, 1000)
    while outbox.deliver():
        pass


MESSAGE = {"type": "message", "channel": "C1", "ts": "1.1", "user": "U1"}


@pytest.mark.parametrize(
    ("event", "ours"),
    [
        (MESSAGE, True),
        ({**MESSAGE, "subtype": "bot_message"}, True),
        ({**MESSAGE, "subtype": "message_changed"}, False),
        ({**MESSAGE, "subtype": "message_deleted"}, False),
        ({**MESSAGE, "subtype": "channel_join"}, False),
        ({**MESSAGE, "type": "app_mention"}, True),
        ({"type": "app_home_opened"}, True),
        ({"type": "subteam_members_changed"}, True),
        ({"type": "reaction_added"}, False),
        ({}, False),
    ],
)
def test_only_events_something_follows_from_are_kept(event: dict[str, str], ours: bool) -> None:
    assert is_ours_to_handle(event) is ours


def body(event: dict[str, str], event_id: str = "Ev1", team: str = "T1") -> dict[str, object]:
    return {"event": event, "event_id": event_id, "team_id": team}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (body(MESSAGE), body({**MESSAGE, "type": "app_mention"}, "Ev2"), True),
        (body(MESSAGE), body(MESSAGE, "Ev2"), True),
        (body(MESSAGE), body({**MESSAGE, "ts": "1.2"}), False),
        (body(MESSAGE), body({**MESSAGE, "channel": "C2"}), False),
        (body(MESSAGE), body(MESSAGE, team="T2"), False),
        (body({"type": "app_home_opened"}), body({"type": "app_home_opened"}), True),
        (body({"type": "app_home_opened"}), body({"type": "app_home_opened"}, "Ev2"), False),
    ],
)
def test_one_thing_that_happened_has_one_key(one: dict[str, object], other: dict[str, object], same: bool) -> None:
    assert (event_key(one) == event_key(other)) is same


def test_a_mention_is_kept_once_though_slack_tells_of_it_twice(desk: Bench, worker: InboxWorker) -> None:
    asked = desk.workspace.person("alice").say("alerts", "@sayso help")

    (event,) = wait_for_events(desk)
    desk.workspace.wait_until(lambda: len(desk.workspace.journal("delivery")) >= 2 or None, "both deliveries", 5)
    worker.handle_waiting()
    show(desk)

    assert event.key == f"message:{TEAM_ID}:{ALERTS}:{asked.ts}"
    assert len(kept(desk)) == 1
    (answer,) = desk.workspace.thread(ALERTS, asked.ts)[1:]
    assert "incidents" in answer.everything


def test_an_event_delivered_again_is_handled_once(desk: Bench, worker: InboxWorker) -> None:
    desk.workspace.fault(DeliveryFault(mishap="drop_ack", kind="events_api"))
    asked = desk.workspace.person("alice").say("alerts", "@sayso status")

    wait_for_events(desk)
    handled = [worker.handle_waiting() for _ in range(3)]
    show(desk)

    assert handled == [1, 0, 0]
    assert len(desk.workspace.thread(ALERTS, asked.ts)) == 2


def test_what_cannot_be_kept_is_not_acknowledged(sqlite_url: str, ws: Workspace) -> None:
    """The database has no tables: Slack must keep the event and bring it again."""
    ws.reset()
    empty = Database(sqlite_url)
    with bench(empty, ws) as made:
        app = App(client=client_of(ws), signing_secret=SIGNING_SECRET, process_before_response=True)
        register(app, made.desk)
        with connected(app, ws):
            ws.person("alice").say("alerts", "@sayso help")
            tried = ws.wait_until(
                lambda: len([each for each in ws.journal("delivery") if not each.get("acked")]) or None,
                "a delivery that was not acknowledged",
            )
    empty.close()

    assert tried >= 1


def test_an_alert_bots_message_opens_an_incident(desk: Bench, worker: InboxWorker) -> None:
    desk.workspace.alert("alerts", FIRING)
    wait_for_events(desk)

    worker.handle_waiting()
    show(desk)

    assert desk.starts.all == [("triage", "triage-1-1", (1, 1))]
    assert any("HighErrorRate" in message.everything for message in desk.workspace.messages(ALERTS)[1:])


@pytest.mark.parametrize(
    ("channel", "text"), [("incidents", FIRING), ("alerts", "deploy of checkout is done"), ("alerts", "@sayso help")]
)
def test_what_another_bot_says_is_left_alone(desk: Bench, worker: InboxWorker, channel: str, text: str) -> None:
    desk.workspace.alert(channel, text)
    wait_for_events(desk)

    worker.handle_waiting()

    with desk.database.reading() as session:
        assert session.get(Incident, 1) is None
        assert messages.due(session) == []
    assert desk.starts.all == []


def test_people_talking_are_left_alone_and_a_direct_message_is_answered(desk: Bench, worker: InboxWorker) -> None:
    alice = desk.workspace.person("alice")
    alice.say("incidents", "is checkout slow for anybody else?")
    asked = alice.say("D0ALICE001", "incidents")
    wait_for_events(desk, 2)

    handled = worker.handle_waiting()
    show(desk)

    assert handled == 2
    assert len(desk.workspace.messages(INCIDENTS)) == 1
    assert len(desk.workspace.thread("D0ALICE001", asked.ts)) == 2


def test_an_event_that_cannot_be_handled_is_tried_again_and_holds_no_other_up(desk: Bench, worker: InboxWorker) -> None:
    desk.workspace.fault(CallFault(method="views.publish", error="internal_error", times=2))
    desk.workspace.person("alice").open_home()
    wait_for_events(desk)
    asked = desk.workspace.person("bob").say("alerts", "@sayso help")
    wait_for_events(desk, 2)

    handled = []
    for _ in range(4):
        handled.append(worker.handle_waiting())
        desk.clock.pass_(minutes=1)  # longer than it waits before its second and third try
    show(desk)

    assert handled == [1, 0, 1, 0]
    assert len(desk.workspace.thread(ALERTS, asked.ts)) == 2
    assert desk.workspace.home("alice") is not None


def test_the_worker_outlives_a_record_that_is_away_for_a_moment(desk: Bench, worker: InboxWorker) -> None:
    def rename(old: str, new: str) -> None:
        with desk.database.writing() as session:
            session.connection().exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")

    rename("inbox", "elsewhere")
    worker.start()
    time.sleep(0.5)
    rename("elsewhere", "inbox")
    desk.workspace.person("alice").say("alerts", "@sayso help")

    deadline = time.monotonic() + 10
    while not any(event.handled_at for event in kept(desk)) and time.monotonic() < deadline:
        time.sleep(0.05)
    handled = [event for event in kept(desk) if event.handled_at]
    worker.stop()
    assert len(handled) == 1
    assert not worker.is_alive()


def test_a_usergroup_that_changes_is_asked_for_again(desk: Bench, worker: InboxWorker) -> None:
    assert desk.desk.people.identify(ALICE, TEAM_ID) == Person(user_id=ALICE, groups=("owner", "sre-oncall"))
    desk.workspace.set_usergroup("S0ONCALL01")
    wait_for_events(desk)

    worker.handle_waiting()

    assert desk.desk.people.identify(ALICE, TEAM_ID) == Person(user_id=ALICE, groups=())


@pytest.fixture
def posted(desk: Bench) -> str:
    """A plan's card in the channel; its timestamp."""
    return posted_plan(desk)


def posted_plan(desk: Bench, action: str = "k8s.scale_deployment", *, destructive: bool = False) -> str:
    """The card of a plan, judged as if it were this action; its timestamp."""
    desk.ask(action=action, destructive=destructive, reversible=not destructive)
    with desk.database.writing() as session:
        cards.refresh(session, plans.get(session, 1), desk.desk)
    show(desk)
    with desk.database.reading() as session:
        card = session.get(Message, "plan:1")
        assert card is not None
        assert card.ts is not None
        return card.ts


def test_approve_is_counted_and_told_to_the_one_who_clicked(desk: Bench, posted: str) -> None:
    ack = desk.workspace.person("alice").click(ALERTS, posted, ActionId.APPROVE)

    told = desk.workspace.wait_for_ephemeral("alice", "counts")
    assert ack.acked
    assert told.thread_ts
    assert desk.plan().status == PlanStatus.APPROVED
    assert len(desk.starts.all) == 1


def test_who_may_not_approve_is_told_so_and_nobody_else_is(desk: Bench, posted: str) -> None:
    desk.workspace.person("carol").click(ALERTS, posted, ActionId.APPROVE)

    desk.workspace.wait_for_ephemeral("carol", "You cannot decide plan P-1")
    assert desk.workspace.ephemerals("alice") == []
    assert desk.plan().status == PlanStatus.PENDING


@pytest.mark.parametrize(
    "value", [" ", "P-1", "P-99:1:0123456789abcdef", "P-1:1:ffffffffffffffff", "'; DROP TABLE plan"]
)
def test_a_made_up_button_decides_nothing(desk: Bench, posted: str, value: str) -> None:
    desk.workspace.person("alice").click(ALERTS, posted, ActionId.APPROVE, value=value, forced=True)

    desk.workspace.wait_for_ephemeral("alice", "nothing was done")
    assert (desk.plan().status, desk.starts.all) == (PlanStatus.PENDING, [])


def test_a_button_of_another_version_is_acknowledged_and_explained(desk: Bench, posted: str) -> None:
    ack = desk.workspace.person("alice").click(ALERTS, posted, "plan.launch_rocket", forced=True)

    desk.workspace.wait_for_ephemeral("alice", "another version of me")
    assert ack.acked


@pytest.mark.parametrize(("button", "verb"), [(ActionId.REJECT, "Reject"), (ActionId.STOP, "Stop")])
def test_rejecting_and_stopping_ask_why_and_end_the_plan(desk: Bench, posted: str, button: str, verb: str) -> None:
    bob = desk.workspace.person("bob")
    bob.click(ALERTS, posted, button, value=pressed_value(desk), forced=True)
    modal = desk.workspace.wait_for_view("bob", verb)

    short = bob.submit(modal, {"why": "no"})
    full = bob.submit(modal, {"why": "not during the sale"})

    assert short.errors
    assert not full.errors
    told = desk.workspace.wait_for_ephemeral("bob", "Your rejection of plan P-1 stands")
    assert told.thread_ts == desk_thread(desk)
    assert (desk.plan().status, desk.plan().outcome) == (PlanStatus.REJECTED, "not during the sale")


def test_run_now_is_an_approval(desk: Bench, posted: str) -> None:
    desk.workspace.person("alice").click(ALERTS, posted, ActionId.RUN_NOW, value=pressed_value(desk), forced=True)

    desk.workspace.wait_for_ephemeral("alice", "counts")
    assert desk.plan().status == PlanStatus.APPROVED


def test_a_submission_delivered_twice_counts_once(desk: Bench, posted: str) -> None:
    bob = desk.workspace.person("bob")
    bob.click(ALERTS, posted, ActionId.REJECT)
    modal = desk.workspace.wait_for_view("bob", "plan.reject")
    desk.workspace.fault(DeliveryFault(mishap="duplicate", kind="interactive"))

    bob.submit(modal, {"why": "not during the sale"})

    desk.workspace.wait_for_ephemeral("bob", "Your rejection of plan P-1 stands")
    desk.workspace.wait_for_ephemeral("bob", "This click was counted before.")
    assert [event for _, event in desk.entries("plan:1")].count("vote.reject") == 1


def test_what_would_destroy_something_has_to_be_typed_before_it_is_approved(desk: Bench, ws: Workspace) -> None:
    posted = posted_plan(desk, "aws.clean_up_logs", destructive=True)
    alice = desk.workspace.person("alice")
    alice.click(ALERTS, posted, ActionId.APPROVE)
    modal = desk.workspace.wait_for_view("alice", "plan.approve")
    name = desk.plan().rehearsal.steps[0].observed.target.name

    wrong = alice.submit(modal, {"target-0": name.upper()})
    undecided = desk.plan().status
    right = alice.submit(modal, {"target-0": name})

    assert "destroys something for good" in modal.everything
    assert set(wrong.errors) == {"target-0"}
    assert undecided == PlanStatus.PENDING
    assert not right.errors
    assert desk.plan().status == PlanStatus.APPROVED


def test_an_edit_is_rehearsed_in_sight_and_says_what_came_of_it(desk: Bench, posted: str) -> None:
    """This desk reaches no cluster, so the rehearsal leads nowhere."""
    bob = desk.workspace.person("bob")
    bob.click(ALERTS, posted, ActionId.EDIT)
    form = desk.workspace.wait_for_view("bob", "plan.edit")

    answer = bob.submit(form, {"a0.replicas": "3"})

    assert answer.ack is not None
    assert answer.ack.payload["response_action"] == "update"
    assert "Rehearsing it" in json.dumps(answer.ack.payload)
    desk.workspace.wait_for_view("bob", "P-1 stays as it is")
    assert desk.plan().status == PlanStatus.PENDING
    assert (BOB, "edit.refused") in desk.entries("plan:1")


def test_who_closed_the_form_is_told_beside_the_plan(desk: Bench, posted: str) -> None:
    bob = desk.workspace.person("bob")
    bob.click(ALERTS, posted, ActionId.EDIT)
    form = desk.workspace.wait_for_view("bob", "plan.edit")
    desk.workspace.fault(CallFault(method="views.update", error="view_not_found", times=1))

    bob.submit(form, {"a0.replicas": "3"})

    told = desk.workspace.wait_for_ephemeral("bob", "P-1 stays as it is")
    assert told.thread_ts == desk_thread(desk)


@pytest.mark.parametrize(
    ("typed", "block", "why"),
    [
        ({"a0.replicas": "5000"}, "a0.replicas", "From 0 to 1000"),
        ({"a0.replicas": "many"}, "a0.replicas", "How many pods"),
        ({"a0.replicas": "4"}, "a0.replicas", "Nothing was changed"),
        ({}, "a0.replicas", "Nothing was changed"),
    ],
)
def test_what_is_wrong_with_an_edit_is_said_beside_its_field(
    desk: Bench, posted: str, typed: dict[str, str], block: str, why: str
) -> None:
    bob = desk.workspace.person("bob")
    bob.click(ALERTS, posted, ActionId.EDIT)
    form = desk.workspace.wait_for_view("bob", "plan.edit")

    answer = bob.submit(form, typed)

    assert set(answer.errors) == {block}
    assert why in answer.errors[block]
    assert desk.entries("plan:1") == [("sayso", "plan.pending")]


@pytest.mark.parametrize("button", [ActionId.EDIT, ActionId.UNDO, ActionId.APPROVE, ActionId.ASK_AGAIN])
def test_a_late_press_says_what_became_of_the_plan(desk: Bench, posted: str, button: ActionId) -> None:
    desk.workspace.person("alice").click(ALERTS, posted, ActionId.APPROVE)
    value = pressed_value(desk)

    desk.workspace.person("bob").click(ALERTS, posted, button, value=value, forced=True)

    def told() -> str | None:
        view = desk.workspace.open_view("bob")
        seen = [*(one.everything for one in desk.workspace.ephemerals("bob")), *([view.everything] if view else [])]
        return next((one for one in seen if "P-1" in one), None)

    assert desk.workspace.wait_until(told, "an answer for bob")
    assert desk.plan().status == PlanStatus.APPROVED
    assert len(desk.starts.runs) == 1


def test_a_form_slack_does_not_open_is_told_of(desk: Bench, posted: str) -> None:
    desk.workspace.fault(CallFault(method="views.open", error="expired_trigger_id", times=1))

    ack = desk.workspace.person("bob").click(ALERTS, posted, ActionId.EDIT)

    desk.workspace.wait_for_ephemeral("bob", "Slack did not open the form")
    assert ack.acked


PRESSED: dict[str, object] = {"type": "block_actions", "user": {"id": "U0BOB00001", "team_id": TEAM_ID}}
SUBMITTED: dict[str, object] = {"type": "view_submission", "user": {"id": "U0BOB00001", "team_id": TEAM_ID}}
BUTTONS = [*ActionId, "nobody.knows"]


def rubbish() -> Iterator[dict[str, object]]:
    """Payloads that no client of Slack makes: parts missing, of another kind, empty, huge."""
    values: list[object] = [None, 7, "", [], {}, "P-1", "P-1:1:" + "f" * 16, "x" * 5000, "\u202e\x00"]
    for button in BUTTONS:
        yield {**PRESSED, "actions": [{"action_id": button, "type": "button"}]}
        yield from ({**PRESSED, "actions": [{"action_id": button, "value": value}]} for value in values)
        yield {"type": "block_actions", "actions": [{"action_id": button}], "user": {}, "container": 3, "message": []}
        yield {**PRESSED, "actions": [{"action_id": button}], "user": {"id": 5}, "channel": "C1", "team": "T1"}
    for callback in CallbackId:
        yield {**SUBMITTED, "view": {"callback_id": callback, "type": "modal"}}
        for value in values:
            yield {**SUBMITTED, "view": {"callback_id": callback, "type": "modal", "private_metadata": value}}
            state = {"values": {"why": {"v": value}, "a0.replicas": value, "target-0": {"v": {"value": value}}}}
            view = {"callback_id": callback, "type": "modal", "private_metadata": "P-1:1:" + "0" * 16}
            yield {**SUBMITTED, "view": {**view, "state": state}}
            yield {**SUBMITTED, "view": {**view, "state": value}}


def test_rubbish_is_acknowledged_and_decides_nothing(
    desk: Bench, posted: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    app = App(
        client=client_of(desk.workspace),
        signing_secret=SIGNING_SECRET,
        process_before_response=True,
        # Modals that nobody opened are looked for until it is too late: all at the same time, not one after the other.
        listener_executor=ThreadPoolExecutor(50),
    )
    register(app, desk.desk)

    answers = [app.dispatch(BoltRequest(body=body, mode="socket_mode")) for body in rubbish()]
    app.listener_runner.listener_executor.shutdown()

    assert {answer.status for answer in answers} == {200}
    assert (desk.plan().status, desk.starts.all) == (PlanStatus.PENDING, [])
    assert "Traceback" not in caplog.text + "".join(capsys.readouterr())


def pressed_value(desk: Bench) -> str:
    """What the buttons of the only plan's card carry."""
    plan = desk.plan()
    return f"P-1:{plan.version}:{plan.digest[:16]}"


def desk_thread(desk: Bench) -> str:
    """The thread of the only incident."""
    with desk.database.reading() as session:
        root = session.get(Message, "incident:1")
        assert root is not None
        return str(root.ts)


def press(**differs: object) -> dict[str, object]:
    usual: dict[str, object] = {
        "team": {"id": "T1"},
        "channel": {"id": "C1"},
        "container": {"message_ts": "1.1"},
        "user": {"id": "U1", "team_id": "T1"},
        "actions": [{"action_ts": "2.2", "action_id": "plan.approve", "value": "P-1:1:0123456789abcdef"}],
    }
    return {**usual, **differs}


@pytest.mark.parametrize(
    ("differs", "same"),
    [
        ({}, True),
        ({"trigger_id": "another", "response_url": "x"}, True),
        ({"actions": [{"action_ts": "3.3", "action_id": "plan.approve"}]}, False),
        ({"actions": [{"action_ts": "2.2", "action_id": "plan.reject"}]}, False),
        ({"user": {"id": "U2", "team_id": "T1"}}, False),
        ({"channel": {"id": "C2"}}, False),
        ({"container": {"message_ts": "1.2"}}, False),
        ({"team": {"id": "T2"}}, False),
    ],
)
def test_one_press_has_one_key(differs: dict[str, object], same: bool) -> None:
    reference = parse_reference("P-1:1:0123456789abcdef")
    assert reference is not None

    keys = {click_of(each, reference, Verdict.APPROVE).event_key for each in (press(), press(**differs))}

    assert (len(keys) == 1) is same


@pytest.mark.parametrize("claimed", [{"username": "alice"}, {"name": "alice"}, {"team_domain": "sandbox"}])
def test_nobody_is_who_they_only_say_they_are(claimed: dict[str, str]) -> None:
    """A click of somebody from another company, with names and a context that say ours (approvals, 2.6)."""
    reference = parse_reference("P-1:1:0123456789abcdef")
    assert reference is not None
    foreign = press(user={"id": "U0OUTSIDE1", "team_id": "T0OTHER001", **claimed}, context={"actor_team_id": "T1"})

    click = click_of(foreign, reference, Verdict.APPROVE)

    assert (click.user_id, click.team_id) == ("U0OUTSIDE1", "T0OTHER001")


@pytest.mark.parametrize("status", IncidentStatus)
def test_looking_again_is_for_incidents_nobody_works_on(desk: Bench, posted: str, status: IncidentStatus) -> None:
    with desk.database.writing() as session:
        incidents.move(session, 1, status, AT)
    again = status in (IncidentStatus.NEEDS_HUMAN, IncidentStatus.MITIGATED)
    with desk.database.reading() as session:
        card = session.get(Message, "incident:1")
        assert card is not None

    desk.workspace.person("alice").click(ALERTS, str(card.ts), ActionId.INVESTIGATE, value="INC-1", forced=True)

    desk.workspace.wait_for_ephemeral("alice", "Looking again." if again else "nothing to look at again")
    assert (("triage", "triage-1-2", (1, 2)) in desk.starts.all) is again
    assert ((ALICE, "incident.look_again") in desk.entries("incident:1")) is again


def test_a_guest_cannot_make_it_look_again(desk: Bench, posted: str) -> None:
    with desk.database.writing() as session:
        incidents.move(session, 1, IncidentStatus.NEEDS_HUMAN, AT)

    desk.workspace.person("gwen").click(ALERTS, posted, ActionId.INVESTIGATE, value="INC-1", forced=True)

    desk.workspace.wait_for_ephemeral("gwen", "guests may not decide")
    assert desk.starts.all == []


@pytest.mark.parametrize("value", ["INC-99", "INC-²", "INC-" + "9" * 40, "", "P-1"])
def test_an_incident_nobody_knows_is_not_looked_at(desk: Bench, posted: str, value: str) -> None:
    desk.workspace.person("alice").click(ALERTS, posted, ActionId.INVESTIGATE, value=value, forced=True)

    desk.workspace.wait_for_ephemeral("alice", "nothing to look at again")


def test_a_slash_command_is_answered_with_its_acknowledgement(desk: Bench, posted: str) -> None:
    ack = desk.workspace.person("alice").slash("/sayso", "why P-1")

    assert ack.acked
    assert "approve" in json.dumps(ack.payload).lower()
