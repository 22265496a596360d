"""The hash chain: what an edit leaves behind, what many writers leave behind, and what may be written at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from storage import audit, executions, incidents, plans
from storage.database import Database, migrate
from storage.tables import (
    AlertStatus,
    AuditEntry,
    AuditHead,
    ExecutionStatus,
    IncidentStatus,
    Mind,
    Phase,
    Plan,
    PlanStatus,
    Verdict,
)
from tests.storage.records import rewrite, unguarded
from tests.storage.samples import AT, a_plan, an_incident, news, proposal
from tools.evidence import Severity
from tools.values import JsonValue

Tamper = Callable[[sa.Connection], object]


def write(database: Database, count: int = 5) -> None:
    """So many entries, each with a payload of its own."""
    with database.writing() as session:
        for number in range(1, count + 1):
            payload: dict[str, JsonValue] = {"a": number, "b": "x"}
            audit.append(session, actor="U0ALICE001", event="vote.approve", subject="plan:1", payload=payload, at=AT)


def report(database: Database) -> audit.ChainReport:
    with database.reading() as session:
        return audit.verify_all(session)


def test_the_first_entry_has_the_hash_anyone_can_compute(database: Database) -> None:
    """RFC 8785 JSON behind our domain, worked out by hand with `sha256sum`."""
    with database.writing() as session:
        payload: dict[str, JsonValue] = {"reason": "café", "n": 1}
        entry = audit.append(session, actor="U1", event="vote.reject", subject="plan:3", payload=payload, at=AT)

    assert entry.payload == '{"n":1,"reason":"café"}'
    assert entry.at == 1795003200000000
    assert entry.hash == GOLDEN


GOLDEN = "68d8f58d5e6db67609fcf4ea35c48c51e3b8f572289635e1d6b8f61a0f48d8ba"


def test_an_untouched_chain_holds(database: Database) -> None:
    write(database)

    found = report(database)

    assert (found.entries, found.fault) == (5, None)
    with database.reading() as session:
        head = session.get(AuditHead, 1)
        assert head is not None
        assert (head.seq, head.hash) == (5, found.head)


def test_an_empty_chain_holds(database: Database) -> None:
    assert report(database) == audit.ChainReport(entries=0, head=audit.GENESIS)


def sql(*statements: str) -> Tamper:
    """Plain SQL, as the owner of the tables would type it, who can take the triggers away first."""
    return lambda connection: [connection.exec_driver_sql(each) for each in (*unguarded(connection), *statements)]


COLUMNS = "at, actor, event, subject, payload, previous_hash, hash"
FROM_ANOTHER = (
    "UPDATE audit SET at = o.at, actor = o.actor, event = o.event, subject = o.subject, payload = o.payload, "
    "previous_hash = o.previous_hash, hash = o.hash FROM (SELECT * FROM audit WHERE seq = {of}) AS o WHERE "
)


@pytest.mark.parametrize(
    ("tampering", "seq", "fault"),
    [
        (sql("UPDATE audit SET actor = 'U0BOB00001' WHERE seq = 3"), 3, "own fields"),
        (sql("UPDATE audit SET event = 'vote.reject' WHERE seq = 3"), 3, "own fields"),
        (sql("UPDATE audit SET subject = 'plan:2' WHERE seq = 1"), 1, "own fields"),
        (sql("UPDATE audit SET at = at + 1 WHERE seq = 5"), 5, "own fields"),
        (sql('UPDATE audit SET payload = \'{"a":4,"b":"x"}\' WHERE seq = 3'), 3, "own fields"),
        (sql('UPDATE audit SET payload = \'{"a": 3, "b": "x"}\' WHERE seq = 3'), 3, "own fields"),
        (sql('UPDATE audit SET payload = \'{"a":9,"a":3,"b":"x"}\' WHERE seq = 3'), 3, "own fields"),
        (sql("UPDATE audit SET payload = 'gone' WHERE seq = 2"), 2, "not JSON"),
        (sql("UPDATE audit SET payload = '[NaN]' WHERE seq = 2"), 2, "not JSON"),
        (sql(f"UPDATE audit SET payload = '{'[' * 100_000}' WHERE seq = 2"), 2, "not JSON"),
        (sql("UPDATE audit SET hash = previous_hash WHERE seq = 2"), 2, "own fields"),
        (sql("UPDATE audit SET previous_hash = hash WHERE seq = 2"), 2, "predecessor"),
        (sql("DELETE FROM audit WHERE seq = 3"), 3, "entry 3 is missing; the next one is 4"),
        (sql("DELETE FROM audit WHERE seq = 1"), 1, "entry 1 is missing"),
        (
            sql("DELETE FROM audit WHERE seq = 2", "UPDATE audit SET seq = seq - 1 WHERE seq = 3"),
            2,
            "predecessor",
        ),
        (
            sql(
                "UPDATE audit SET seq = -3 WHERE seq = 3",
                "UPDATE audit SET seq = 3 WHERE seq = 4",
                "UPDATE audit SET seq = 4 WHERE seq = -3",
            ),
            3,
            "predecessor",
        ),
        (
            sql(f"INSERT INTO audit (seq, {COLUMNS}) SELECT 6, {COLUMNS} FROM audit WHERE seq = 5"),
            6,
            "predecessor",
        ),
        (
            sql(
                "UPDATE audit SET seq = 6 WHERE seq = 5",
                "UPDATE audit SET seq = 5 WHERE seq = 4",
                f"INSERT INTO audit (seq, {COLUMNS}) SELECT 4, {COLUMNS} FROM audit WHERE seq = 3",
            ),
            4,
            "predecessor",
        ),
        (sql(FROM_ANOTHER.format(of=2) + "audit.seq = 4"), 4, "predecessor"),
        (sql("DELETE FROM audit WHERE seq = 5"), 5, "ends at 4, but its head says 5"),
        (sql("DELETE FROM audit"), 1, "ends at 0, but its head says 5"),
        (sql("UPDATE audit_head SET seq = 4"), 6, "ends at 5, but its head says 4"),
        (sql("DELETE FROM audit WHERE seq > 3", "DELETE FROM audit_head"), 4, "head of the chain was removed"),
    ],
)
def test_the_first_entry_somebody_touched_is_named(database: Database, tampering: Tamper, seq: int, fault: str) -> None:
    write(database)

    with database.engine.begin() as connection:
        tampering(connection)

    found = report(database).fault
    assert found is not None
    assert found.seq == seq
    assert fault in found.fault


def test_a_chain_written_anew_behind_an_edit_holds_by_itself_and_shows_only_to_who_kept_its_head(
    database: Database,
) -> None:
    """Whoever can edit can also recompute every hash behind the edit: that is what checkpoints are for."""
    write(database)
    before = report(database).head
    with database.writing() as session:
        rewrite(session, 3, actor="U0BOB00001")

    found = report(database)

    assert found.fault is None
    assert found.head != before


def test_eight_threads_append_one_whole_chain(database: Database) -> None:
    def append(number: int) -> None:
        with database.writing() as session:
            payload: dict[str, JsonValue] = {"n": number}
            audit.append(session, actor="t", event="e", subject=f"plan:{number}", payload=payload, at=AT)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(append, range(80)))

    found = report(database)
    assert (found.entries, found.fault) == (80, None)
    with database.reading() as session:
        subjects = {entry.subject for entry in audit.latest(session, 100)}
    assert subjects == {f"plan:{number}" for number in range(80)}


def half_way(database: Database) -> None:
    with database.writing() as session:
        audit.append(session, actor="a", event="e", subject="s", payload={}, at=AT)
        raise ValueError("a naive listener")


def test_what_is_rolled_back_leaves_no_gap(database: Database) -> None:
    write(database, 2)
    with pytest.raises(ValueError, match="naive"):
        half_way(database)
    write(database, 1)

    found = report(database)

    assert (found.entries, found.fault) == (3, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Database:
    """One record for many examples: the chain only grows."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('audit') / 'sayso.sqlite'}")
    migrate(database)
    return database


@given(payload=st.dictionaries(st.text(st.characters(codec="utf-8")), JSON, max_size=5), at=MOMENTS)
@settings(max_examples=60, deadline=None)
def test_any_payload_is_kept_as_it_was_and_proven(kept: Database, payload: dict[str, JsonValue], at: datetime) -> None:
    with kept.writing() as session:
        written = audit.append(session, actor="é\u0000", event="e", subject="s", payload=payload, at=at).seq

    with kept.reading() as session:
        entry = session.get(AuditEntry, written)
        assert entry is not None
        assert json.loads(entry.payload) == payload
        assert audit.moment(entry) == at
        assert audit.verify_all(session).fault is None


@pytest.mark.parametrize(
    "payload",
    [{"n": 2**53}, {"n": float("nan")}, {"n": float("inf")}, {"text": "\ud800"}],
    ids=["a number JSON has not", "not a number", "infinity", "half a character"],
)
def test_what_cannot_be_proven_is_not_written(database: Database, payload: dict[str, JsonValue]) -> None:
    with pytest.raises(ValueError, match=r".+"), database.writing() as session:
        audit.append(session, actor="a", event="e", subject="s", payload=payload, at=AT)

    assert report(database).entries == 0


def test_a_chain_longer_than_a_page_is_walked_to_its_end(database: Database) -> None:
    """Five thousand entries are read at a time."""
    chain, previous = [], audit.GENESIS
    for seq in range(1, 5051):
        link = audit.linked(
            seq=seq, previous_hash=previous, at=AT, actor="a", event="e", subject="s", payload={"n": seq}
        )
        previous = link.hash
        chain.append(link._asdict())
    with database.writing() as session:
        session.execute(sa.insert(AuditEntry), chain)
        session.execute(sa.update(AuditHead).values(seq=5050, hash=previous))
    whole = report(database)

    with database.engine.begin() as connection:
        sql("UPDATE audit SET actor = 'x' WHERE seq = 5049")(connection)

    assert (whole.entries, whole.fault) == (5050, None)
    assert report(database).fault == audit.ChainFault(seq=5049, fault="its own fields were changed")


def the_plan(session: Session) -> Plan:
    return plans.get(session, 1)


def voted(session: Session) -> object:
    verdict, groups = Verdict.APPROVE, ("sre-oncall",)
    return plans.cast_vote(session, the_plan(session), user_id="U1", groups=groups, verdict=verdict, reason="ok", at=AT)


def settled(session: Session) -> None:
    key = executions.intend(session, the_plan(session), 0, Phase.APPLY, AT).key
    executions.take(session, key, "here")
    executions.settle(session, key, ExecutionStatus.DONE, AT, after="{}", request="r-1")


def concluded(session: Session) -> None:
    incidents.conclude(
        session, 1, mind=Mind(), proposal=proposal(), evidence=(), gaps=("no metrics",), advice=None, second=None, at=AT
    )


CHANGES: list[tuple[str, str, str, Callable[[Session], object]]] = [
    (
        "incident.opened",
        "incident:2",
        "sayso",
        lambda s: an_incident(s, fingerprint="fp-2", subject=None, name="Other"),
    ),
    ("incident.joined", "incident:1", "sayso", lambda s: an_incident(s, fingerprint="fp-2")),
    (
        "alert.resolved",
        "incident:1",
        "sayso",
        lambda s: incidents.receive(s, news(status=AlertStatus.RESOLVED), channel="C1", at=AT),
    ),
    ("incident.investigating", "incident:1", "sayso", lambda s: incidents.move(s, 1, IncidentStatus.INVESTIGATING, AT)),
    ("incident.resolved", "incident:1", "U2", lambda s: incidents.move(s, 1, IncidentStatus.RESOLVED, AT, actor="U2")),
    ("incident.investigated", "incident:1", "sayso", concluded),
    ("plan.pending", "plan:2", "sayso", lambda s: a_plan(s, 1, nonce="another")),
    ("plan.approved", "plan:1", "U3", lambda s: plans.move(s, the_plan(s), PlanStatus.APPROVED, AT, actor="U3")),
    ("vote.approve", "plan:1", "U1", voted),
    ("execution.intended", "plan:1", "sayso", lambda s: executions.intend(s, the_plan(s), 0, Phase.UNDO, AT)),
    ("execution.done", "plan:1", "sayso", settled),
]


@pytest.mark.parametrize(("event", "subject", "actor", "change"), CHANGES, ids=[case[0] for case in CHANGES])
def test_a_change_of_state_leaves_one_entry(
    database: Database, event: str, subject: str, actor: str, change: Callable[[Session], object]
) -> None:
    with database.writing() as session:
        executions.intend(session, a_plan(session, an_incident(session).id or 0), 0, Phase.APPLY, AT)
        before = audit.verify_all(session).entries

    with database.writing() as session:
        change(session)

    with database.reading() as session:
        assert audit.verify_all(session).entries == before + 1
        (newest,) = audit.latest(session, 1)
    assert (newest.event, newest.subject, newest.actor) == (event, subject, actor)


UNCHANGED: dict[str, Callable[[Session], object]] = {
    "an alert delivered again": lambda s: incidents.receive(s, news(), channel="C1", at=AT),
    "moving to where it is": lambda s: incidents.move(s, 1, IncidentStatus.OPEN, AT),
    "a step that is settled already": settled,
    "a second vote": voted,
}


@pytest.mark.parametrize("nothing", UNCHANGED.values(), ids=UNCHANGED.keys())
def test_what_changes_nothing_leaves_no_entry(database: Database, nothing: Callable[[Session], object]) -> None:
    with database.writing() as session:
        a_plan(session, an_incident(session).id or 0)
        settled(session)
        voted(session)
        before = audit.verify_all(session).entries

    with database.writing() as session:
        nothing(session)

    assert report(database).entries == before


def test_a_timeline_holds_the_incident_and_its_plans_in_order(database: Database) -> None:
    with database.writing() as session:
        a_plan(session, an_incident(session).id or 0)
        an_incident(session, fingerprint="fp-2", name="Other", subject=None, severity=Severity.SEV4)
        plans.move(session, the_plan(session), PlanStatus.REJECTED, AT + timedelta(minutes=1))

    with database.reading() as session:
        told = [(entry.event, entry.subject) for entry in audit.timeline(session, 1)]
        newest = [entry.event for entry in audit.timeline(session, 1, limit=1)]

    assert told == [("incident.opened", "incident:1"), ("plan.pending", "plan:1"), ("plan.rejected", "plan:1")]
    assert newest == ["plan.rejected"]
