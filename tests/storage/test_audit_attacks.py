"""What somebody with every right on the database can do to the record, and who notices: the chain alone, checkpoints in
the same database, or a copy outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from storage import audit
from storage.audit import Checkpoint, Mark, checkpoints, proof
from storage.audit.keys import Believed, key_id
from storage.database import Database, migrate
from storage.tables import AuditHead
from tests.storage.records import rewrite, unguarded
from tests.storage.samples import AT

KEY = Ed25519PrivateKey.from_private_bytes(b"sayso tests: a key of no value.."[:32])
STRANGER = Ed25519PrivateKey.from_private_bytes(b"sayso tests: somebody else's key"[:32])
BELIEVED: Believed = {key_id(KEY.public_key()): KEY.public_key()}
SIZE, EVERY, UNSIGNED = 40, 10, 3
"""Entries that are signed, how many by one checkpoint, and how many behind the last one."""
NOT_SEEN = None


def fill(session: Session) -> None:
    """A record of 43 entries, signed at 10, 20, 30 and 40."""
    last: Checkpoint | None = None
    for number in range(1, SIZE + UNSIGNED + 1):
        entry = audit.append(
            session, actor=f"U{number}", event="vote.approve", subject="plan:1", payload={"n": number}, at=AT
        )
        if number % EVERY == 0 and number <= SIZE:
            at = AT + timedelta(minutes=number)
            last = checkpoints.sign(KEY, size=number, head=entry.hash, after=last, at=at)
            checkpoints.keep(session, last, checkpoints.last_id(session))


@dataclass(frozen=True)
class Witnesses:
    """What is known outside the database: the copies of every entry that was signed, as they were."""

    copies: tuple[Mark, ...]


@pytest.fixture
def outside(database: Database) -> Witnesses:
    with database.writing() as session:
        fill(session)
        for statement in unguarded(session.connection()):
            session.connection().exec_driver_sql(statement)
        links = list(proof.stored(session, 1, SIZE))
    return Witnesses(tuple(Mark(link.seq, link.hash, "the copy") for link in links))


def run(*statements: str) -> Callable[[Session], None]:
    def attack(session: Session) -> None:
        for statement in statements:
            session.connection().exec_driver_sql(statement)

    return attack


def cut_behind(size: int) -> tuple[str, ...]:
    return (
        f"DELETE FROM audit WHERE seq > {size}",
        f"UPDATE audit_head SET seq = {size}, hash = (SELECT hash FROM audit WHERE seq = {size})",
    )


def rewrite_quietly(session: Session) -> None:
    rewrite(session, 15, actor="U0MALLORY1")


def rewrite_and_sign(session: Session) -> None:
    """With the key, checkpoints can be made again as if nothing had been."""
    rewrite(session, 15, actor="U0MALLORY1")
    old = list(checkpoints.all_checkpoints(session))
    session.connection().exec_driver_sql("DELETE FROM audit_checkpoint")
    heads = {link.seq: link.hash for link in proof.stored(session)}
    last: Checkpoint | None = None
    for one in old:
        last = checkpoints.sign(KEY, size=one.size, head=heads[one.size], after=last, at=audit.moment_of(one.at))
        checkpoints.keep(session, last, checkpoints.last_id(session))


SWAP = (
    "UPDATE audit SET seq = -15 WHERE seq = 15",
    "UPDATE audit SET seq = 15 WHERE seq = 16",
    "UPDATE audit SET seq = 16 WHERE seq = -15",
)
INSERT = (
    *(f"UPDATE audit SET seq = {number + 1} WHERE seq = {number}" for number in range(SIZE + UNSIGNED, 14, -1)),
    "INSERT INTO audit SELECT 15, at, 'U0MALLORY1', event, subject, payload, previous_hash, hash "
    "FROM audit WHERE seq = 16",
    f"UPDATE audit_head SET seq = {SIZE + UNSIGNED + 1}",
)
LATER_CHECKPOINTS_TOO = "DELETE FROM audit_checkpoint WHERE size > 20"
ATTACKS: dict[str, tuple[Callable[[Session], None], int | None, int | None, int | None]] = {
    # attack: (what is done, first bad entry by the chain alone, with checkpoints, with a copy outside)
    "edit an entry": (run("UPDATE audit SET actor = 'U0MALLORY1' WHERE seq = 15"), 15, 15, 15),
    "insert an entry": (run(*INSERT), 15, 15, 15),
    "delete an entry in the middle": (run("DELETE FROM audit WHERE seq = 15"), 15, 15, 15),
    "reorder two entries": (run(*SWAP), 15, 15, 15),
    "cut the tail": (run(*cut_behind(25)), NOT_SEEN, 26, 26),
    "cut the tail and its checkpoints": (run(*cut_behind(25), LATER_CHECKPOINTS_TOO), NOT_SEEN, NOT_SEEN, 26),
    "cut what nobody has signed": (run(*cut_behind(SIZE)), NOT_SEEN, NOT_SEEN, NOT_SEEN),
    "write it all anew, without the key": (rewrite_quietly, NOT_SEEN, 11, 15),
    "write it all anew, with the key": (rewrite_and_sign, NOT_SEEN, NOT_SEEN, 15),
    "remove a checkpoint": (run("DELETE FROM audit_checkpoint WHERE size = 20"), NOT_SEEN, 30, 30),
    "remove the first checkpoint": (run("DELETE FROM audit_checkpoint WHERE size = 10"), NOT_SEEN, 20, 20),
}


def chain_alone(session: Session) -> audit.ChainReport:
    """The entries and the head of the chain, as if there were no checkpoints."""
    head = session.get_one(AuditHead, 1)
    return audit.verify(list(proof.stored(session)), head=head)


@pytest.mark.parametrize("attack", ATTACKS)
def test_who_notices_an_attack_is_as_the_table_says(database: Database, outside: Witnesses, attack: str) -> None:
    done, by_chain, by_checkpoints, by_copy = ATTACKS[attack]

    with database.writing() as session:
        done(session)

    with database.reading() as session:
        seen = (
            chain_alone(session),
            audit.verify_all(session, believed=BELIEVED),
            audit.verify_all(session, believed=BELIEVED, marks=outside.copies),
        )
    assert tuple(report.fault and report.fault.seq for report in seen) == (by_chain, by_checkpoints, by_copy)


def test_an_untouched_record_is_vouched_for_by_everybody(database: Database, outside: Witnesses) -> None:
    with database.reading() as session:
        report = audit.verify_all(session, believed=BELIEVED, marks=outside.copies)

    assert report.fault is None
    assert (report.entries, report.checkpoints, report.signed_to, report.marked_to) == (43, 4, 40, 40)


def test_without_a_public_key_no_checkpoint_counts_as_proven(database: Database, outside: Witnesses) -> None:
    with database.reading() as session:
        report = audit.verify_all(session)

    assert (report.fault, report.checkpoints, report.signed_to) == (None, 4, None)


def test_a_checkpoint_by_a_strangers_key_is_not_believed(database: Database, outside: Witnesses) -> None:
    with database.writing() as session:
        size, head = audit.size(session)
        forged = checkpoints.sign(STRANGER, size=size, head=head, after=checkpoints.latest_checkpoint(session), at=AT)
        checkpoints.keep(session, forged, checkpoints.last_id(session))

    with database.reading() as session:
        fault = audit.verify_all(session, believed=BELIEVED).fault

    assert fault is not None
    assert fault.seq == SIZE + UNSIGNED
    assert key_id(STRANGER.public_key()) in fault.fault


@pytest.mark.parametrize(
    ("mark", "seq"),
    [
        (Mark(25, "0" * 12, "the head in Slack"), 21),  # somewhere behind the checkpoint at 20
        (Mark(5, "0" * 12, "the head in Slack"), 1),
        (Mark(44, "0" * 12, "the head in Slack"), 44),
    ],
)
def test_a_head_that_was_seen_and_is_not_there_any_more_shows(
    database: Database, outside: Witnesses, mark: Mark, seq: int
) -> None:
    with database.reading() as session:
        fault = audit.verify_all(session, believed=BELIEVED, marks=[mark]).fault

    assert fault is not None
    assert fault.seq == seq
    assert "the head in Slack says" in fault.fault


GUARDED = [
    "UPDATE audit SET actor = 'U0MALLORY1' WHERE seq = 3",
    "UPDATE audit SET payload = payload WHERE seq = 3",
    "DELETE FROM audit WHERE seq = 43",
    "UPDATE audit_checkpoint SET head = previous",
    "UPDATE audit_checkpoint SET size = 1, anchored_at = NULL",
    "DELETE FROM audit_checkpoint",
]
ONLY_ON = {
    "sqlite": [
        "INSERT OR REPLACE INTO audit SELECT seq, at, 'U0MALLORY1', event, subject, payload, previous_hash, hash "
        "FROM audit WHERE seq = 3",
        "REPLACE INTO audit_checkpoint SELECT * FROM audit_checkpoint WHERE id = 1",
    ],
    "postgresql": ["TRUNCATE audit", "TRUNCATE audit_checkpoint"],
}


def test_who_may_merely_write_cannot_change_the_record(database: Database) -> None:
    with database.writing() as session:
        fill(session)

    for statement in (*GUARDED, *ONLY_ON[database.engine.dialect.name]):
        with (
            pytest.raises(sa.exc.DBAPIError, match="the record is only ever added to"),
            database.engine.begin() as connection,
        ):
            connection.exec_driver_sql(statement)

    with database.reading() as session:
        assert audit.verify_all(session, believed=BELIEVED).fault is None


def test_that_a_copy_is_outside_may_be_noted_once(database: Database) -> None:
    with database.writing() as session:
        fill(session)
        waiting = checkpoints.not_anchored(session)

    with database.writing() as session:
        checkpoints.anchored(session, waiting[1][0], AT)

    with database.reading() as session:
        assert [one.size for _, one in checkpoints.not_anchored(session)] == [30, 40]
        assert checkpoints.anchored_to(session) == 20


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One record for many examples, each of which is rolled back."""
    folder: Path = tmp_path_factory.mktemp("attacks")
    database = Database(f"sqlite:///{folder / 'sayso.sqlite'}")
    migrate(database)
    with database.writing() as session:
        fill(session)
        for statement in unguarded(session.connection()):
            session.connection().exec_driver_sql(statement)
    yield database
    database.close()


TEXTS = ("actor", "event", "subject", "payload", "previous_hash", "hash")
FIELDS = st.sampled_from([*TEXTS, "at"])


def fault_after(database: Database, statement: str, *values: object) -> audit.ChainFault | None:
    """What verifying finds after one change, which is then taken back."""
    with database.reading() as session:
        changed = session.connection().exec_driver_sql(statement, values)
        found = audit.verify_all(session, believed=BELIEVED).fault if changed.rowcount else None
        session.rollback()
    return found


@given(seq=st.integers(1, SIZE + UNSIGNED), field=FIELDS, text=st.text(max_size=8), at=st.integers(0, 2**62))
@settings(max_examples=80, deadline=None)
def test_any_change_of_any_entry_is_found_at_that_entry(
    kept: Database, seq: int, field: str, text: str, at: int
) -> None:
    value: object = at if field == "at" else text

    fault = fault_after(kept, f"UPDATE audit SET {field} = ? WHERE seq = ? AND {field} <> ?", value, seq, value)

    assert fault is not None
    assert fault.seq == seq


@given(seq=st.integers(1, SIZE + UNSIGNED), to=st.integers(-(2**40), 2**40))
@settings(max_examples=40, deadline=None)
def test_an_entry_moved_elsewhere_is_found_missing(kept: Database, seq: int, to: int) -> None:
    if 1 <= to <= SIZE + UNSIGNED:
        to += SIZE + UNSIGNED

    fault = fault_after(kept, "UPDATE audit SET seq = ? WHERE seq = ?", to, seq)

    assert fault is not None
    assert fault.seq == (seq if to > 0 else 1)


@given(number=st.integers(1, 4), field=st.sampled_from(["head", "previous", "key_id", "signature"]), text=st.text())
@settings(max_examples=40, deadline=None)
def test_any_change_of_any_checkpoint_is_found_among_the_entries_it_covers(
    kept: Database, number: int, field: str, text: str
) -> None:
    fault = fault_after(kept, f"UPDATE audit_checkpoint SET {field} = ? WHERE id = ?", text, number)

    assert fault is not None
    assert (number - 1) * EVERY < fault.seq <= number * EVERY


@given(number=st.integers(1, 4), by=st.integers(-(2**40), 2**40).filter(bool), field=st.sampled_from(["at", "size"]))
@settings(max_examples=40, deadline=None)
def test_a_checkpoint_with_another_number_in_it_is_found(kept: Database, number: int, by: int, field: str) -> None:
    fault = fault_after(kept, f"UPDATE audit_checkpoint SET {field} = {field} + ? WHERE id = ?", by, number)

    assert fault is not None


@pytest.mark.parametrize("spoil", [str.upper, lambda text: f" {text}", lambda text: text[:64] + " " + text[64:]])
def test_a_signature_has_one_spelling(kept: Database, spoil: Callable[[str], str]) -> None:
    with kept.reading() as session:
        genuine = checkpoints.latest_checkpoint(session)
    assert genuine is not None

    spoiled = genuine._replace(signature=spoil(genuine.signature))

    assert checkpoints.is_signed(genuine, BELIEVED)
    assert not checkpoints.is_signed(spoiled, BELIEVED)
