"""The inbox at work: each event in one replica's hands, and what nobody could handle seen, listed and tried again."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot import health
from bot.cli import sayso
from bot.listeners.messages import InboxWorker
from deploy.sandbox.workspace import Workspace
from deploy.sandbox.workspace.directory import BOT_USER
from storage import inbox, messages
from storage.database import Database
from tests.bot.desks import ALICE, BOTH, Bench, Clock, Starts, bench, client_of, desk_of, either_database

_Sayso = Callable[..., Result]
BROKEN = {"event_id": "Ev1", "event": {"type": "app_home_opened", "tab": "home"}}
"""An event without its user: handling it fails, whatever is tried."""


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    with either_database(request) as opened:
        yield opened


@pytest.fixture
def desk(database: Database, ws: Workspace) -> Iterator[Bench]:
    with bench(database, ws) as made:
        yield made


@pytest.fixture
def dead(desk: Bench) -> Bench:
    """A desk with one dead letter, for which everything was tried."""
    with desk.database.writing() as session:
        inbox.accept(session, "event:T1:Ev1", "app_home_opened", json.dumps(BROKEN), desk.clock())
    worker = InboxWorker(desk.desk, client_of(desk.workspace), BOT_USER, frozenset())
    for _ in range(inbox.MAXIMUM_ATTEMPTS):
        worker.handle_waiting()
        desk.clock.pass_(minutes=20)
    return desk


@pytest.fixture
def run(dead: Bench, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> _Sayso:
    """Runs the command on the desk's record."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    return lambda *words: CliRunner().invoke(sayso, words, catch_exceptions=False)


def test_what_was_given_up_is_seen_and_counted(dead: Bench) -> None:
    seen = health.database(dead.desk)

    assert (seen.ok, seen.detail) == (True, "sqlite; dead letters: 1 (sayso dead-letters lists them)")
    assert b"sayso_dead_letters 1.0" in dead.desk.metrics.exposition()


def test_a_desk_without_any_says_nothing_of_it(desk: Bench) -> None:
    assert health.database(desk.desk).detail == "sqlite"


def test_they_are_listed_with_what_went_wrong(run: _Sayso) -> None:
    (letter,) = json.loads(run("dead-letters", "--json").stdout)

    assert letter["key"] == "event:T1:Ev1"
    assert (letter["kind"], letter["attempts"], letter["error"]) == ("app_home_opened", "6", "KeyError: 'user'")


def test_one_is_tried_again_and_then_it_is_none_any_more(run: _Sayso, dead: Bench) -> None:
    told = run("dead-letters", "retry", "event:T1:Ev1")

    assert (told.exit_code, "tried again" in told.stdout) == (0, True)
    assert run("dead-letters").stdout == "No dead letters: every event was handled.\n"
    with dead.database.reading() as session:
        assert [event.key for event in inbox.waiting(session, dead.clock(), "here")] == ["event:T1:Ev1"]


@pytest.mark.parametrize("key", ["event:T1:Ev2", ""])
def test_what_is_no_dead_letter_is_told_in_a_sentence(run: _Sayso, key: str) -> None:
    told = run("dead-letters", "retry", key)

    assert told.exit_code == 2
    assert "there is no dead letter" in told.stderr


@BOTH
def test_two_replicas_handle_every_event_once(database: Database, ws: Workspace) -> None:
    """On SQLite there is one process; what is told apart here is its two names."""
    keys = [f"message:{number}" for number in range(30)]
    clock, together = Clock(), threading.Barrier(2)
    with database.writing() as session:
        for number, key in enumerate(keys):
            said = {"type": "message", "channel_type": "im", "channel": "D1", "ts": f"{number}.0", "text": "help"}
            inbox.accept(session, key, "message", json.dumps({"event": {**said, "user": ALICE}}), clock())

    def work(name: str) -> int:
        desk = desk_of(database, ws, clock, Starts(executor=name))
        worker = InboxWorker(desk, client_of(ws), BOT_USER, frozenset())
        together.wait()
        return sum(worker.handle_waiting() for _ in range(6))

    with ThreadPoolExecutor(2) as pool:
        handled = list(pool.map(work, ("one", "other")))

    assert sum(handled) == len(keys)
    with database.reading() as session:
        assert len(messages.due(session)) == len(keys)
        assert inbox.waiting(session, clock(), "one") == []
