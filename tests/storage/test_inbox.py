"""The inbox: accepted once, handled in order, tried again, and never for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from storage import audit, inbox
from storage.database import Database
from storage.tables import InboxEvent
from tests.storage.samples import AT


def accept(database: Database, key: str, after: float = 0) -> bool:
    with database.writing() as session:
        return inbox.accept(session, key, "message", f"{{{key}}}", AT + timedelta(seconds=after))


def waiting(database: Database, after: float = 0, owner: str = "here") -> list[str]:
    with database.reading() as session:
        return [event.key for event in inbox.waiting(session, AT + timedelta(seconds=after), owner)]


def take(database: Database, *keys: str, after: float = 0, owner: str = "here") -> list[str]:
    with database.writing() as session:
        return inbox.claim(session, keys, owner, AT + timedelta(seconds=after))


def fail(database: Database, key: str, after: float = 0, spread: float = 0) -> bool:
    with database.writing() as session:
        return inbox.failed(session, key, "words", AT + timedelta(seconds=after), spread=spread)


def test_an_event_is_accepted_once_however_often_it_comes(database: Database) -> None:
    assert [accept(database, "a"), accept(database, "a", after=60), accept(database, "b")] == [True, False, True]
    assert waiting(database) == ["a", "b"]


def test_sixteen_deliveries_of_one_event_at_once_are_accepted_once(database: Database) -> None:
    with ThreadPoolExecutor(16) as pool:
        accepted = list(pool.map(lambda _: accept(database, "a"), range(16)))

    assert sum(accepted) == 1


def test_events_are_handled_in_the_order_they_came(database: Database) -> None:
    for key, after in (("later", 2.0), ("first", 0.5), ("second", 1.0)):
        accept(database, key, after)

    assert waiting(database) == ["first", "second", "later"]


def test_what_is_handled_neither_waits_nor_is_accepted_again(database: Database) -> None:
    accept(database, "a")
    with database.writing() as session:
        inbox.failed(session, "a", "at first", AT)
        inbox.handled(session, "a", AT)

    assert waiting(database) == []
    assert accept(database, "a") is False
    with database.reading() as session:
        event = session.get(InboxEvent, "a")
        assert event is not None
        assert event.error is None


def test_what_fails_is_tried_again_after_ever_longer_waits_until_it_is_dead(database: Database) -> None:
    accept(database, "bad")
    accept(database, "good", after=1)

    waits, now, dead = [], 1.0, False
    while not dead:
        dead = fail(database, "bad", after=now)
        wait = next((wait for wait in (1, 5, 30, 120, 600) if "bad" in waiting(database, now + wait)), None)
        if wait is not None:
            assert "bad" not in waiting(database, now + wait - 0.001)
            waits.append(wait)
            now += wait

    assert waits == [1, 5, 30, 120, 600]
    assert waiting(database, after=10**6) == ["good"]
    with database.reading() as session:
        (event,) = inbox.dead(session)
        assert (event.key, event.attempts, event.error, event.handled_at) == ("bad", 6, "words", None)
        assert inbox.count_dead(session) == 1


def test_what_failed_together_is_not_tried_together(database: Database) -> None:
    for key, spread in (("a", 0.0), ("b", 1.0)):
        accept(database, key)
        fail(database, key, spread=spread)

    assert [waiting(database, after) for after in (0.9, 1.0, 1.4, 1.5)] == [[], ["a"], ["a"], ["a", "b"]]


def test_a_dead_event_is_tried_again_when_a_person_says_so(database: Database) -> None:
    accept(database, "bad")
    for _ in range(inbox.MAXIMUM_ATTEMPTS):
        fail(database, "bad")

    with database.writing() as session:
        revived = [inbox.retry(session, key, AT, "cli:ann") for key in ("bad", "bad", "unheard-of")]

    assert revived == [True, False, False]
    assert waiting(database) == ["bad"]
    with database.reading() as session:
        (entry,) = audit.latest(session, 9)
        assert (entry.actor, entry.event, entry.subject) == ("cli:ann", "inbox.retried", "inbox:bad")
        assert inbox.dead(session) == []


def test_one_process_handles_an_event(database: Database) -> None:
    accept(database, "a")
    accept(database, "b")

    taken = [take(database, "a", owner="here"), take(database, "a", "b", owner="there")]

    assert taken == [["a"], ["b"]]
    assert (waiting(database, owner="here"), waiting(database, owner="there")) == (["a"], ["b"])


def test_sixteen_processes_take_each_event_once(database: Database) -> None:
    keys = [f"e{number}" for number in range(10)]
    for key in keys:
        accept(database, key)

    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(lambda number: take(database, *keys, owner=f"p{number}"), range(16)))

    assert sorted(key for each in taken for key in each) == keys


@pytest.mark.parametrize(("after", "taken"), [(29.9, []), (30.0, ["a"])])
def test_what_a_dead_process_held_is_taken_after_a_while(database: Database, after: float, taken: list[str]) -> None:
    accept(database, "a")
    take(database, "a", owner="dead")

    assert take(database, "a", after=after, owner="here") == taken


@pytest.mark.parametrize("status", ["handled", "failed", "dead"])
def test_what_is_not_waiting_cannot_be_taken(database: Database, status: str) -> None:
    accept(database, "a")
    for _ in range({"handled": 0, "failed": 1, "dead": inbox.MAXIMUM_ATTEMPTS}[status]):
        fail(database, "a")
    if status == "handled":
        with database.writing() as session:
            inbox.handled(session, "a", AT)

    assert take(database, "a", after=0.5) == []


def test_no_more_than_asked_is_taken_at_a_time(database: Database) -> None:
    for number in range(4):
        accept(database, f"e{number}", after=number)

    with database.reading() as session:
        assert [event.key for event in inbox.waiting(session, AT + timedelta(minutes=1), "here", limit=2)] == [
            "e0",
            "e1",
        ]


def test_only_what_was_handled_a_week_ago_is_forgotten(database: Database) -> None:
    for key in ("old", "young", "never"):
        accept(database, key)
    with database.writing() as session:
        inbox.handled(session, "old", AT)
        inbox.handled(session, "young", AT + timedelta(microseconds=1))

        forgotten = inbox.prune(session, AT + inbox.KEEP + timedelta(microseconds=1))

    assert forgotten == 1
    assert accept(database, "old") is True
    assert accept(database, "young") is False
    assert waiting(database) == ["never", "old"]


def test_what_could_not_be_used_is_kept_byte_for_byte(database: Database) -> None:
    bodies = [b"\x00\xff{", b"", "é".encode("utf-16")]
    with database.writing() as session:
        for body in bodies:
            inbox.keep_refused(session, source="sns", body=body, reason="no JSON", at=AT)

    with database.reading() as session:
        assert [one.body for one in inbox.refused(session, 2)] == [bodies[2], bodies[1]]
        assert [one.id for one in inbox.refused(session, 9)] == [3, 2, 1]
