"""What is remembered and found again, on both databases, by words and by vectors."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from storage import memory
from storage.database import Database
from storage.memory import Remembered, search, terms
from storage.tables import Likeness
from tests.storage.samples import AT


def remembered(number: int, title: str, body: str, **given: object) -> Remembered:
    """A verified incident of checkout, with what differs."""
    usual: dict[str, object] = {
        "kind": "incident",
        "ref": f"INC-{number}",
        "title": title,
        "service": "checkout",
        "body": body,
        "fix": "rolled back shop/checkout",
        "url": None,
        "at": AT + timedelta(days=number),
        "verified": True,
    }
    return Remembered(**{**usual, **given})  # type: ignore[arg-type]


SHELF = (
    remembered(1, "checkout restarts", "Container killed: out of memory, heap grew after the release (exit code 137)"),
    remembered(2, "cart is slow", "Queries wait for locks in the database; pool exhausted", service="cart"),
    remembered(3, "images missing", "ImagePullBackOff: manifest unknown for the tag in the registry", service="web"),
    remembered(4, "checkout restarts", "Liveness probe asks a path that answers 404 after the release"),
    remembered(
        5,
        "Disk full on a node",
        "Evicted pods: ephemeral storage, log rotation stopped",
        kind="runbook",
        ref="nodes/disk-full.md",
        service="",
        fix=None,
        url="https://wiki.example.com/disk",
        verified=False,
    ),
)


def shelve(session: Session, *memories: Remembered) -> None:
    for one in memories or SHELF:
        memory.keep(session, one)


FOUND = [
    ("container killed because memory ran out, exit code 137", "checkout", "INC-1"),
    ("the container was KILLED: OutOfMemory heap", None, "INC-1"),
    ("liveness probing of a path: 404", "checkout", "INC-4"),
    ("pulling the image: manifest of this tag is unknown in the registry", None, "INC-3"),
    ("node evicts pods, its ephemeral storage is full of logs", None, "nodes/disk-full.md"),
    ("database locks: queries waiting", "cart", "INC-2"),
]


@pytest.mark.parametrize(("words", "service", "ref"), FOUND)
def test_what_reads_alike_is_found_first(database: Database, words: str, service: str | None, ref: str) -> None:
    with database.writing() as session:
        shelve(session)

        found = search(session, words, service)

    assert found[0].ref == ref


def test_a_reminder_says_what_helped_when_and_which_words_agree(database: Database) -> None:
    with database.writing() as session:
        shelve(session)

        (found, *_) = search(session, "container killed, heap out of memory", "checkout")

    assert found.model_copy(update={"matched": ""}) == Likeness(
        kind="incident",
        ref="INC-1",
        title="checkout restarts",
        fix="rolled back shop/checkout",
        matched="",
        at=AT + timedelta(days=1),
    )
    assert {"killed", "heap", "memory"} <= set(found.matched.split(", "))


@pytest.mark.parametrize(
    "words", ["", "the alert is firing in prod", "certificate expires", "restarts", "memory", "zebra quagga okapi"]
)
def test_below_the_floor_nothing_is_shown(database: Database, words: str) -> None:
    with database.writing() as session:
        shelve(session)

        assert search(session, words, None) == ()


def test_the_same_service_comes_first_and_needs_fewer_words(database: Database) -> None:
    twins = [remembered(n, "pool exhausted", "too many clients", service=s) for n, s in ((7, "cart"), (8, "mail"))]
    with database.writing() as session:
        shelve(session, *twins)

        asked = [search(session, words, "cart") for words in ("pool exhausted clients", "pool exhausted")]

    assert [[one.ref for one in found] for found in asked] == [["INC-7", "INC-8"], ["INC-7"]]


def test_what_nobody_verified_tells_no_fix(database: Database) -> None:
    with database.writing() as session:
        shelve(session, remembered(1, "pool exhausted", "too many clients", verified=False))

        (found,) = search(session, "pool exhausted clients", None)

    assert found.fix is None


def test_what_is_itself_is_left_out(database: Database) -> None:
    with database.writing() as session:
        shelve(session)

        found = search(session, "container killed, heap out of memory", "checkout", without=("INC-1",))

    assert "INC-1" not in [one.ref for one in found]


def test_what_has_changed_is_written_anew_and_the_old_words_are_gone(database: Database) -> None:
    with database.writing() as session:
        shelve(session)
        told = [memory.keep(session, SHELF[0]), memory.keep(session, remembered(1, "checkout", "dns lookups time out"))]

        found = search(session, "dns lookups time out", None), search(session, "killed heap memory container", None)

    assert told == [False, True]
    assert [[one.ref for one in each] for each in found] == [["INC-1"], []]


def test_what_is_not_there_any_more_is_forgotten(database: Database) -> None:
    with database.writing() as session:
        shelve(session)

        gone = memory.forget_others(session, "runbook", ("another.md",))

        assert gone == 1
        assert search(session, "node evicts pods: ephemeral storage, logs", None) == ()
        assert search(session, "container killed heap memory", None) != ()


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_the_search_on_postgresql_uses_its_index(database: Database) -> None:
    with database.writing() as session:
        shelve(session)
        session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        plan = session.execute(sa.text(f"EXPLAIN {memory._TSVECTOR}"), {"words": "'heap'", "most": 9}).scalars().all()

    assert any("ix_memory_words" in line for line in plan)


HOSTILE = [
    '" OR 1=1 --',
    "a NEAR(b)",
    "title:heap*",
    "'); DROP TABLE memory; --",
    "heap & !memory | <->",
    "\x00\ud800",
    ":*",
]


@pytest.mark.parametrize("words", HOSTILE)
def test_words_are_never_search_syntax(database: Database, words: str) -> None:
    with database.writing() as session:
        shelve(session)

        search(session, f"{words} heap", None)

        assert search(session, f"{words} killed heap memory", None)[0].ref == "INC-1"


@given(words=st.text(max_size=200))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_any_words_may_be_looked_for(database: Database, words: str) -> None:
    with database.reading() as session:
        assert search(session, words, None) == ()


def test_only_telling_words_are_looked_for() -> None:
    assert terms("The KubePodCrashLooping alert of web-7d9c: exit code 137, at 12345") == (
        "kube",
        "pod",
        "crash",
        "looping",
        "web",
        "exit",
        "code",
        "137",
    )


def test_vectors_find_what_shares_no_word_and_are_fused_with_the_words(database: Database) -> None:
    with database.writing() as session:
        shelve(session)
        waiting = memory.without_vector(session, "tiny", 10)
        directions = {"INC-2": [1.0, 0.0], "INC-1": [0.9, 0.1]}
        refs = dict(session.execute(sa.text("SELECT id, ref FROM memory")).all())
        memory.keep_vectors(session, {n: directions.get(refs[n], [-1.0, 0.0]) for n, _ in waiting}, "tiny")

        by_both = search(session, "container killed heap memory", None, vector=[1.0, 0.05], model="tiny")
        by_another = search(session, "container killed heap memory", None, vector=[1.0, 0.05], model="other")

    assert [one.ref for one in by_both] == ["INC-1", "INC-2"]
    assert by_both[1].matched == "close in meaning"
    assert [one.ref for one in by_another] == ["INC-1"]


def test_a_new_model_makes_every_vector_anew(database: Database) -> None:
    with database.writing() as session:
        shelve(session)
        memory.keep_vectors(session, {1: [1.0], 2: [1.0]}, "old")

        assert len(memory.without_vector(session, "old", 10)) == len(SHELF) - 2
        assert len(memory.without_vector(session, "new", 10)) == len(SHELF)
