"""1,000 Slack events at one instant over Socket Mode, with redelivery on, lost acks and doubled deliveries among them.

What the workspace sent and when it was acked is read from its journal, what became of it from the bot's inbox.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass

from sqlmodel import col, func, select

from deploy.sandbox.laptop import Laptop
from deploy.sandbox.workspace import Workspace
from deploy.sandbox.workspace.directory import ALERTS, BOT_USER
from deploy.sandbox.workspace.driver import WorkspaceDriver
from deploy.sandbox.workspace.faults import DeliveryFault
from deploy.sandbox.workspace.wire import JsonObject, nested, words
from storage.database import Database
from storage.tables import InboxEvent
from tests.bench.rows import Row, exactly, percentile, under
from tests.bench.world import QUICK, waited_for

EVENTS = 1_000
HELD = 900
"""Kept back and let go in one instant."""
TROUBLED = 25
"""Of the rest so many lose an ack, and so many are delivered twice."""
QUESTIONS = 5
"""Events that ask the bot something: what it says twice is seen twice."""
PEOPLE = 4
DELIVERED_WITHIN = 30.0
SLOWEST_ACK = 3.0
"""Slack's own patience, in seconds; then it delivers again."""


@dataclass(frozen=True)
class Burst:
    """What came of the burst."""

    sent: int
    attempts: int
    kept: int
    handled: int
    retried: int
    acks: tuple[float, ...]
    """Seconds each attempt waited for its ack; one that got none waited three."""
    answers: Counter[str]
    acked_in: float
    handled_in: float


def measure() -> Iterator[Row]:
    """Fire the burst, and count."""
    with Laptop(cloud=False) as laptop, laptop.bot(**QUICK):
        laptop.driver.wait_for_app()
        burst = _fire(laptop)
    yield from _rows(burst)


def _rows(burst: Burst) -> Iterator[Row]:
    how = f"{burst.sent} events, {burst.attempts} deliveries: {HELD} in one instant, acks lost and doubles among them"
    yield Row("Slack burst: events kept in the inbox", burst.kept, "", how, exactly(EVENTS))
    kept = f"at the first try ({burst.retried} were tried again), {burst.handled_in:.1f} s after the first was sent"
    yield Row("Slack burst: events handled", burst.handled, "", kept, exactly(EVENTS))
    doubled = sum(count - 1 for count in burst.answers.values())
    lost = QUESTIONS - len(burst.answers)
    asked = f"{QUESTIONS} of the events ask the bot something; the others are people talking among themselves"
    yield Row("Slack burst: answers lost or doubled", doubled + lost, "", asked, exactly(0))
    median, p99 = percentile(burst.acks, 0.5), percentile(burst.acks, 0.99)
    spread = f"p50 {median:.2f} s, p99 {p99:.2f} s; all acked {burst.acked_in:.1f} s after the first was sent"
    yield Row("Slack burst: slowest ack", max(burst.acks), "s", spread, under(SLOWEST_ACK))


def _fire(laptop: Laptop) -> Burst:
    workspace = laptop.workspace
    workspace.settings(redelivery_scale=0.05)
    database = Database(laptop.environment()["DATABASE_URL"])
    with _counting(database) as rows:
        workspace.fault(DeliveryFault(mishap="hold", kind="events_api", times=HELD))
        _say(laptop, HELD - QUESTIONS)
        asked = [workspace.person("bob").say(ALERTS, f"<@{BOT_USER}> help") for _ in range(QUESTIONS)]
        workspace.fault(DeliveryFault(mishap="drop_ack", kind="events_api", times=TROUBLED))
        workspace.fault(DeliveryFault(mishap="duplicate", kind="events_api", times=TROUBLED))
        started = time.monotonic()
        workspace.release()
        _say(laptop, EVENTS - HELD)
        waited_for(lambda: _count(database) >= EVENTS, "the last event kept", DELIVERED_WITHIN, every=0.05)
        waited_for(lambda: _all_acked(workspace), "every event's ack", DELIVERED_WITHIN, every=0.5)
        acked_in = time.monotonic() - started
        waited_for(lambda: _count(database, handled=True) >= EVENTS, "the last event handled")
        handled_in = time.monotonic() - started
        waited_for(lambda: len(_answers(workspace)) >= QUESTIONS, "the answers")
        time.sleep(1.5)  # whatever would be said twice would be said by now
        kept = rows()
    deliveries = _deliveries(workspace)
    answers = Counter({ts: n for ts, n in _answers(workspace).items() if ts in {one.ts for one in asked}})
    return Burst(
        sent=len({_ts(one) for one in deliveries}),
        attempts=len(deliveries),
        kept=len(kept),
        handled=sum(row.handled_at is not None and row.attempts == 0 for row in kept),
        retried=sum(row.attempts > 0 for row in kept),
        acks=tuple(float(str(one["seconds"])) for one in deliveries),
        answers=answers,
        acked_in=acked_in,
        handled_in=handled_in,
    )


def _say(laptop: Laptop, count: int) -> None:
    """People talking, several at a time."""

    def talk(lines: int) -> None:
        with closing(WorkspaceDriver(laptop.workspace.url)) as own:
            for line in range(lines):
                own.person("bob").say(ALERTS, f"line {line}")

    shares = [len(range(start, count, PEOPLE)) for start in range(PEOPLE)]
    with ThreadPoolExecutor(PEOPLE) as people:
        list(people.map(talk, shares))


def _all_acked(workspace: Workspace) -> bool:
    acked = {_ts(one) for one in _deliveries(workspace) if one.get("acked")}
    return len(acked) >= EVENTS


def _deliveries(workspace: Workspace) -> list[JsonObject]:
    """Attempts to deliver what people said; the bot's own messages come too, and are not of this burst."""
    sent = (one for one in workspace.journal("delivery") if one.get("type") == "events_api")
    return [one for one in sent if words(_event(one), "user") != BOT_USER]


def _event(delivery: JsonObject) -> JsonObject:
    return nested(nested(delivery, "payload"), "event")


def _ts(delivery: JsonObject) -> str:
    return words(_event(delivery), "ts")


def _answers(workspace: Workspace) -> Counter[str]:
    """How often the bot answered in each thread."""
    said = (one for one in workspace.messages(ALERTS) if one.user == BOT_USER and one.thread_ts)
    return Counter(one.thread_ts for one in said)


def _count(database: Database, *, handled: bool = False) -> int:
    """Rows of the inbox, counted by the database: looking must not slow down what is looked at."""
    query = select(func.count()).select_from(InboxEvent)
    with database.reading() as session:
        return session.exec(query.where(col(InboxEvent.handled_at).is_not(None)) if handled else query).one()


@contextmanager
def _counting(database: Database) -> Iterator[Callable[[], list[InboxEvent]]]:
    """The rows of the bot's inbox, read beside it."""

    def rows() -> list[InboxEvent]:
        with database.reading() as session:
            return list(session.exec(select(InboxEvent).order_by(col(InboxEvent.key))))

    try:
        yield rows
    finally:
        database.close()
