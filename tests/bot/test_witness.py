"""The witness on a real record: when it signs, what it refuses to sign, and whom it tells."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot import health
from bot.metrics import Metrics
from bot.settings import Settings
from bot.views.limits import violations
from bot.witness import appoint, keyring
from bot.witness.memory import Memory, Remembered
from bot.witness.verdict import Verdict, judge, sentences
from deploy.sandbox.workspace import Workspace
from storage import audit, messages
from storage.audit import keys
from storage.database import Database
from tests.bot.desks import BOTH, Clock, Starts, desk_of, either_database
from tests.bot.watching import CHANNEL, Watch, cut, cut_with_checkpoints, watch_over
from tests.storage.records import rewrite
from tools.errors import PermanentError


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    with either_database(request) as opened:
        yield opened


@pytest.fixture
def watch(database: Database, tmp_path: Path) -> Watch:
    return watch_over(database, tmp_path)


@BOTH
def test_it_signs_at_once_then_every_five_minutes_also_when_nothing_happens(watch: Watch) -> None:
    watch.add(3)
    watch.witness.look()
    watch.clock.pass_(minutes=4, seconds=59)
    watch.witness.look()
    before = watch.signed()
    watch.clock.pass_(seconds=1)

    watch.witness.look()

    assert (before, watch.signed()) == ([3], [3, 3])
    with watch.database.reading() as session:
        believed = {keys.key_id(watch.key.public_key()): watch.key.public_key()}
        assert audit.verify_all(session, believed=believed).signed_to == 3


def test_a_hundred_entries_are_signed_without_waiting(watch: Watch) -> None:
    watch.witness.look()
    watch.add(99)
    watch.witness.look()
    before = watch.signed()
    watch.add(1)

    watch.witness.look()

    assert (before, watch.signed()) == ([0], [0, 100])


def test_what_came_since_is_signed_when_it_stops(watch: Watch) -> None:
    watch.add(2)
    watch.witness.look()
    watch.witness.stop()
    before = watch.signed()
    watch.add(1)

    watch.witness.stop()

    assert (before, watch.signed()) == ([2], [2, 3])


@BOTH
def test_two_processes_make_each_checkpoint_once(watch: Watch) -> None:
    other = watch.colleague(folder="elsewhere")
    for _ in range(4):
        watch.add(10)
        watch.clock.pass_(minutes=5)
        watch.witness.look()
        other.witness.look()

    assert watch.signed() == [10, 20, 30, 40]
    assert Memory(other.folder / "sayso.audit.seen").load() == Memory(watch.folder / "sayso.audit.seen").load()


def written_anew(watch: Watch) -> None:
    with watch.database.writing() as session:
        rewrite(session, 3, actor="U0MALLORY1")


def a_checkpoint_less(watch: Watch) -> None:
    watch.tamper("DELETE FROM audit_checkpoint WHERE size = 20")


def edited_since(watch: Watch) -> None:
    watch.add(5)
    watch.tamper("UPDATE audit SET actor = 'U0MALLORY1' WHERE seq = 23")


@BOTH
@pytest.mark.parametrize(
    ("done", "fault"),
    [
        (cut, "ends at entry 5, but 20 entries were signed"),
        (cut_with_checkpoints, "ends at entry 5, but 20 entries were signed"),
        (written_anew, "up to 20 was changed after it was signed"),
        (a_checkpoint_less, "was removed or changed"),
        (edited_since, "its own fields were changed"),
    ],
)
def test_it_refuses_to_sign_what_is_not_what_it_signed_and_raises_the_alarm_once(
    watch: Watch, done: Callable[[Watch], None], fault: str
) -> None:
    for _ in range(2):
        watch.add(10)
        watch.witness.look()
        watch.clock.pass_(minutes=5)
    done(watch)
    before = watch.signed()

    for process in (watch, watch.colleague(), watch):
        process.witness.look()
        process.clock.pass_(minutes=5)

    assert watch.signed() == before
    (alarm,) = watch.alarms()
    assert fault in alarm
    assert b"sayso_audit_sound 0.0" in watch.metrics.exposition()
    with watch.database.reading() as session:
        (told,) = [one for one in messages.due(session) if one.key.startswith("audit:alarm")]
    assert told.channel == CHANNEL
    assert "sayso audit verify" in told.wanted
    assert violations(json.loads(told.wanted)) == []


def test_without_its_memory_a_cut_with_its_checkpoints_would_be_healed(watch: Watch) -> None:
    """Why the memory is a file outside the database, and why a copy outside the machine is better still."""
    for _ in range(2):
        watch.add(10)
        watch.witness.look()
        watch.clock.pass_(minutes=5)
    cut_with_checkpoints(watch)
    watch.tamper("DELETE FROM audit_checkpoint")

    watch.colleague(folder="forgetful").witness.look()

    assert watch.signed() == [5]


def test_an_old_entry_that_was_edited_is_noticed_within_the_hour(watch: Watch) -> None:
    watch.add(20)
    watch.witness.look()
    watch.tamper("UPDATE audit SET actor = 'U0MALLORY1' WHERE seq = 3")
    watch.clock.pass_(minutes=59)
    watch.witness.look()
    before = watch.alarms()
    watch.clock.pass_(minutes=1)

    watch.witness.look()

    assert before == []
    assert watch.alarms() == ["its own fields were changed"]


def test_a_memory_nobody_can_read_is_no_reason_to_sign(watch: Watch) -> None:
    watch.add(1)
    (watch.folder / "sayso.audit.seen").write_text("{")

    watch.witness.look()

    assert watch.signed() == []
    assert "cannot be read" in watch.alarms()[0]


def test_a_memory_that_cannot_be_kept_on_disk_is_kept_while_it_runs(watch: Watch) -> None:
    memory = Memory(watch.folder / "gone" / "sayso.audit.seen")
    seen = Remembered(size=1, head="a", checkpoint=1, signature="b")

    memory.keep(seen)

    assert memory.load() == seen
    assert not memory.is_kept


@BOTH
def test_the_head_is_told_once_a_day_whatever_the_number_of_processes(watch: Watch) -> None:
    watch.add(7)
    watch.witness.look()
    first_day = watch.told(f"audit:head:{watch.clock().date()}")
    watch.clock.pass_(days=1)

    for process in (watch, watch.colleague(folder="elsewhere")):
        process.add(1)
        process.witness.look()

    assert first_day is None  # the record is younger than a day
    told = watch.told(f"audit:head:{watch.clock().date()}")
    assert told is not None
    with watch.database.reading() as session:
        hashes = {one.seq: one.hash for one in audit.latest(session, 9)}
    assert f"--seen 8:{hashes[8][:12]}" in told.wanted
    assert violations(json.loads(told.wanted)) == []


def test_numbers_for_prometheus_tell_size_and_age(watch: Watch) -> None:
    watch.add(4)
    watch.witness.look()
    watch.clock.pass_(seconds=90)

    lines = watch.metrics.exposition().decode().splitlines()

    assert "sayso_audit_entries 4.0" in lines
    assert "sayso_audit_checkpoint_age_seconds 90.0" in lines
    assert "sayso_audit_sound 1.0" in lines


@pytest.mark.parametrize(
    ("signed", "minutes", "entries", "ok", "words"),
    [
        (False, 0, 2, True, "2 entries, never signed"),
        (True, 14, 3, True, "3 entries, signed to 2 14 min ago"),
        (True, 60, 2, True, "2 entries, signed to 2 60 min ago"),
        (True, 16, 3, False, "3 entries, signed to 2 16 min ago"),
    ],
)
def test_status_tells_how_long_ago_the_record_was_signed(
    watch: Watch, signed: bool, minutes: int, entries: int, ok: bool, words: str
) -> None:
    watch.add(2)
    if signed:
        watch.witness.look()
    watch.clock.pass_(minutes=minutes)
    watch.add(entries - 2)

    with Workspace() as workspace:
        parts = health.check(desk_of(watch.database, workspace, watch.clock, Starts()))

    assert [(part.ok, part.detail) for part in parts if part.name == "Audit"] == [(ok, words)]


def test_beside_an_sqlite_record_a_key_is_made_and_kept(database: Database, tmp_path: Path) -> None:
    settings = Settings.load({"DATABASE_URL": database.url})
    clock = Clock()

    appoint(settings, database, CHANNEL, Metrics(), clock).look()
    appoint(settings, database, CHANNEL, Metrics(), clock).look()

    record = database.url.removeprefix("sqlite:///").removesuffix(".sqlite")
    believed = keys.read_public(Path(f"{record}.audit.pub"))
    with database.reading() as session:
        assert audit.verify_all(session, believed=believed).checkpoints == 1
    assert Path(f"{record}.audit.pem").exists()
    assert Path(f"{record}.audit.seen").exists()


def test_with_postgres_and_no_key_nothing_is_signed_and_that_is_said(postgres_url: str) -> None:
    settings = Settings.load({"DATABASE_URL": postgres_url})

    assert keyring.signing_key(settings) is None
    assert keyring.believed(settings) is None
    assert "SAYSO_AUDIT_KEY" in keyring.NO_KEY


def test_a_key_that_is_set_and_not_there_stops_the_start(tmp_path: Path) -> None:
    settings = Settings.load({"SAYSO_AUDIT_KEY": str(tmp_path / "none.pem")})

    with pytest.raises(PermanentError, match=r"none\.pem cannot be read"):
        keyring.signing_key(settings)


@pytest.mark.parametrize(
    ("signed_to", "minutes", "verdict"),
    [(5, 60, Verdict.HOLDS), (4, 15, Verdict.HOLDS), (4, 16, Verdict.STALE), (None, 0, Verdict.STALE)],
)
def test_a_record_is_stale_when_entries_follow_an_old_signature(
    signed_to: int | None, minutes: int, verdict: Verdict
) -> None:
    at = Clock()()
    then = None if signed_to is None else (at - timedelta(minutes=minutes) - audit.EPOCH) // timedelta(microseconds=1)
    report = audit.ChainReport(entries=5, head="h", signed_to=signed_to, signed_at=then)

    assert judge(report, at) is verdict
    assert ("Nobody vouches" in " ".join(sentences(report, at, compared=True))) is (signed_to is None)
