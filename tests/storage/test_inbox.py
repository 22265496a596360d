"""The inbox: accepted once, handled in order, tried again, and never for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from storage import inbox
from storage.database import Database
from storage.tables import InboxEvent
from tests.storage.samples import AT


def accept(database: Database, key: str, after: float = 0) -> bool:
    with database.writing() as session:
        return inbox.accept(session, key, "message", f"{{{key}}}", AT + timedelta(seconds=after))


def waiting(database: Database) -> list[str]:
    with database.reading() as session:
        return [event.key for event in inbox.waiting(session)]


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
        inbox.failed(session, "a", "at first")
        inbox.handled(session, "a", AT)

    assert waiting(database) == []
    assert accept(database, "a") is False
    with database.reading() as session:
        event = session.get(InboxEvent, "a")
        assert event is not None
        assert event.error is None


def test_what_fails_is_tried_again_until_its_attempts_are_used_up(database: Database) -> None:
    accept(database, "bad")
    accept(database, "good", after=1)

    tried = 0
    while "bad" in waiting(database):
        tried += 1
        with database.writing() as session:
            inbox.failed(session, "bad", f"attempt {tried}")

    assert tried == inbox.MAXIMUM_ATTEMPTS
    assert waiting(database) == ["good"]
    with database.reading() as session:
        event = session.get(InboxEvent, "bad")
        assert event is not None
        assert (event.error, event.handled_at) == ("attempt 5", None)


def test_no_more_than_asked_is_taken_at_a_time(database: Database) -> None:
    for number in range(4):
        accept(database, f"e{number}", after=number)

    with database.reading() as session:
        assert [event.key for event in inbox.waiting(session, limit=2)] == ["e0", "e1"]


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
