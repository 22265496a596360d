"""Durable runs: started once, and finished by somebody whoever dies, without a finished step being taken again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from bot.durable import Durable, step
from tests.bot.walking import durable

ROOT = Path(__file__).parents[2]
TAKEN_OVER_WITHIN = 15.0
"""Seconds in which a surviving replica goes on with what another one left."""


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """Where the record is: SQLite, unless a test asks for both."""
    return str(request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_url"))


ON_BOTH = pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "walk"
    made.mkdir()
    return made


@contextmanager
def walking(url: str, folder: Path, *runs: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that works on durable runs, and starts these."""
    command = [sys.executable, "-m", "tests.bot.walking", url, str(folder), *runs]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def eventually(holds: Callable[[], object], folder: Path, seconds: float = 30) -> None:
    """Wait for it, or fail with what the processes said."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not come: {taken(folder)}\n{(folder / 'log').read_text()[-3000:]}")
        time.sleep(0.02)


def taken(folder: Path) -> list[tuple[str, str, int]]:
    """Every step taken so far: the run, the step, and the process."""
    steps = folder / "steps"
    lines = steps.read_text().splitlines() if steps.exists() else []
    return [(run, what, int(pid)) for run, what, pid in (line.split() for line in lines)]


def steps(folder: Path, run: str = "r1") -> list[str]:
    return [what for each, what, _ in taken(folder) if each == run]


def cut_presence(url: str) -> None:
    """End the connection by which a replica shows that it lives: the one that holds an advisory lock of two numbers."""
    holders = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"SELECT pg_terminate_backend(pid) FROM ({holders}) AS holder")


def is_up(folder: Path, process: subprocess.Popen[bytes]) -> bool:
    return (folder / f"up-{process.pid}").exists()


def test_a_killed_run_goes_on_in_the_next_process_where_it_was(sqlite_url: str, folder: Path) -> None:
    with walking(sqlite_url, folder, "r1") as first:
        eventually(lambda: "second" in steps(folder), folder)
        first.kill()
        first.wait()
    (folder / "go").touch()

    with walking(sqlite_url, folder) as second:
        eventually(lambda: "third" in steps(folder), folder)

    assert taken(folder) == [
        ("r1", "first", first.pid),
        ("r1", "second", first.pid),
        ("r1", "second", second.pid),
        ("r1", "third", second.pid),
    ]


def test_one_of_two_replicas_takes_over_from_a_dead_one(postgres_url: str, folder: Path) -> None:
    with walking(postgres_url, folder, "r1", "r2") as first:
        eventually(lambda: is_up(folder, first) and len(taken(folder)) == 4, folder)
        with walking(postgres_url, folder) as second, walking(postgres_url, folder) as third:
            eventually(lambda: is_up(folder, second) and is_up(folder, third), folder)
            time.sleep(1.2)  # two of their rounds: a live replica's work is left alone
            before = [pid for _, _, pid in taken(folder)]
            first.kill()
            first.wait()
            killed = time.monotonic()
            (folder / "go").touch()
            eventually(lambda: "third" in steps(folder, "r1") and "third" in steps(folder, "r2"), folder)
            took = time.monotonic() - killed

    assert took < TAKEN_OVER_WITHIN
    assert set(before) == {first.pid}
    for run in ("r1", "r2"):
        assert steps(folder, run) == ["first", "second", "second", "third"]
        walkers = [pid for each, _, pid in taken(folder) if each == run]
        assert walkers[:2] == [first.pid] * 2
        assert walkers[2] == walkers[3] in (second.pid, third.pid)


def test_a_run_waiting_in_the_queue_outlives_its_process(sqlite_url: str, folder: Path) -> None:
    """Nine runs where eight are worked on at once: the ninth was never begun."""
    runs = [f"r{number}" for number in range(1, 10)]
    with walking(sqlite_url, folder, *runs) as first:
        eventually(lambda: is_up(folder, first) and len(taken(folder)) == 16, folder)
        first.kill()
        first.wait()
    (folder / "go").touch()

    with walking(sqlite_url, folder):
        eventually(lambda: sum(what == "third" for _, what, _ in taken(folder)) == 9, folder)

    assert all(steps(folder, run).count("first") == 1 and steps(folder, run)[-1] == "third" for run in runs)


@ON_BOTH
def test_a_process_that_is_asked_to_stop_leaves_its_work_to_the_next(url: str, folder: Path) -> None:
    """The run in hand neither gives up because its process goes, nor is taken up by two at once."""
    with walking(url, folder, "r1") as first:
        eventually(lambda: is_up(folder, first) and "second" in steps(folder), folder)
        first.send_signal(signal.SIGTERM)
        time.sleep(1.0)
        (folder / "go").touch()
        assert first.wait(timeout=20) == 0
    with walking(url, folder) as second:
        eventually(lambda: "third" in steps(folder), folder)

    assert steps(folder) == ["first", "second", "second", "third"]
    assert taken(folder)[-1][2] == second.pid


def test_a_replica_that_loses_its_presence_stops_at_once(postgres_url: str, folder: Path) -> None:
    """Others may take its work now: it must not go on with it."""
    with walking(postgres_url, folder, "r1") as first:
        eventually(lambda: is_up(folder, first) and "second" in steps(folder), folder)
        cut_presence(postgres_url)

        assert first.wait(timeout=20) == 3


def test_a_replica_that_froze_is_taken_over_and_repeats_one_step_at_most(postgres_url: str, folder: Path) -> None:
    """Its process lives and its connection is open; only its silence tells. When it wakes it finds out, and stops."""
    with walking(postgres_url, folder, "r1") as first:
        eventually(lambda: is_up(folder, first) and "second" in steps(folder), folder)
        with walking(postgres_url, folder) as second:
            eventually(lambda: is_up(folder, second), folder)
            os.kill(first.pid, signal.SIGSTOP)
            frozen = time.monotonic()
            eventually(lambda: ("r1", "second", second.pid) in taken(folder), folder)
            took = time.monotonic() - frozen
            os.kill(first.pid, signal.SIGCONT)
            (folder / "go").touch()
            eventually(lambda: "third" in steps(folder), folder)
            ended = first.wait(timeout=20)

    assert took < TAKEN_OVER_WITHIN
    assert ended == 3
    assert steps(folder) == ["first", "second", "second", "third"]


def test_a_replica_goes_on_looking_after_the_others_when_a_look_fails(postgres_url: str, folder: Path) -> None:
    rename = "ALTER TABLE dbos.{} RENAME TO {}"
    with walking(postgres_url, folder, "r1") as first:
        eventually(lambda: is_up(folder, first) and "second" in steps(folder), folder)
        with walking(postgres_url, folder) as second, psycopg.connect(postgres_url, autocommit=True) as connection:
            eventually(lambda: is_up(folder, second), folder)
            connection.execute(rename.format("workflow_status", "elsewhere"))
            eventually(lambda: "presence.failed" in (folder / "log").read_text(), folder)
            connection.execute(rename.format("elsewhere", "workflow_status"))
            first.kill()
            first.wait()
            (folder / "go").touch()

            eventually(lambda: "third" in steps(folder), folder, seconds=60)

    assert taken(folder)[-1] == ("r1", "third", second.pid)


@pytest.fixture
def launched(url: str, folder: Path) -> Iterator[Durable]:
    """Durable runs in this process."""
    made = durable(url, folder)
    made.launch()
    yield made
    made.stop()


@ON_BOTH
def test_a_run_is_over_when_nobody_works_on_it_nor_will(launched: Durable, folder: Path) -> None:
    launched.start("walk", "r1", "r1")
    eventually(lambda: "second" in steps(folder), folder)
    at_work = launched.is_over("r1")
    (folder / "go").touch()

    eventually(lambda: launched.is_over("r1"), folder)

    assert at_work is False
    assert steps(folder)[-1] == "third"
    assert launched.is_over("unheard-of")


@ON_BOTH
def test_a_run_started_many_times_runs_once(launched: Durable, folder: Path) -> None:
    (folder / "go").touch()
    for _ in range(3):
        launched.start("walk", "same", "r1")
    eventually(lambda: "third" in steps(folder), folder)

    launched.start("walk", "same", "r1")
    launched.start("walk", "another", "r2")
    eventually(lambda: "third" in steps(folder, "r2"), folder)

    assert steps(folder) == ["first", "second", "third"]


def test_two_replicas_that_start_one_run_run_it_once(postgres_url: str, folder: Path) -> None:
    (folder / "go").touch()
    with walking(postgres_url, folder, "r1") as first, walking(postgres_url, folder, "r1") as second:
        eventually(lambda: is_up(folder, first) and is_up(folder, second) and "third" in steps(folder), folder)
        time.sleep(0.5)

    assert steps(folder) == ["first", "second", "third"]


def test_a_run_may_start_another_from_within_a_step(sqlite_url: str, folder: Path) -> None:
    """As the end of one remediation starts the next that waited for the same target."""
    made = durable(sqlite_url, folder)
    (folder / "go").touch()

    def hand_over() -> None:
        made.start("walk", "next", "r2")

    def flow() -> str:
        step(hand_over)
        return "handed over"

    made.register("hand over", flow)
    made.launch()
    made.start("hand over", "first")

    eventually(lambda: "third" in steps(folder, "r2"), folder)

    made.stop()
    assert steps(folder, "r2") == ["first", "second", "third"]


def test_replicas_have_names_of_their_own_and_the_one_process_of_sqlite_keeps_its_name() -> None:
    names = {Durable("postgresql://somewhere/sayso", lambda: None).executor for _ in range(3)}

    assert len(names) == 3
    assert {Durable("sqlite:///x", lambda: None).executor for _ in range(3)} == {"local"}
