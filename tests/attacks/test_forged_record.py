"""Somebody who can write to the database invents an approval: the record contradicts them, and nothing runs by it.

What is found of every kind of edit is in `tests.storage`; here are the forgeries that would matter to this gate.
"""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from bot.remediation.claiming import claim
from bot.starting import run_id, start_if_free
from storage import audit
from storage.tables import PlanStatus
from tests.bot.desks import ALICE, BOB
from tests.bot.live_desks import LiveBench


def execute(gate: LiveBench, statement: str, **values: object) -> None:
    """What somebody types into the database."""
    with gate.database.writing() as session:
        session.execute(sa.text(statement), values)


def forged_approval(gate: LiveBench) -> None:
    """An entry that says Bob approved, behind the last one, with a hash of the right length."""
    payload = json.dumps({"digest": gate.plan().digest, "verdict": "approve"})
    execute(
        gate,
        "INSERT INTO audit (seq, at, actor, event, subject, payload, previous_hash, hash) "
        "SELECT seq + 1, at, :actor, 'vote.approve', 'plan:1', :payload, hash, :hash FROM audit "
        "ORDER BY seq DESC LIMIT 1",
        actor=BOB,
        payload=payload,
        hash="f" * 64,
    )


def test_an_invented_entry_is_named_by_its_number(gate: LiveBench) -> None:
    gate.scaled(8)
    with gate.database.reading() as session:
        before, _ = audit.size(session)

    forged_approval(gate)

    with gate.database.reading() as session:
        fault = audit.verify_all(session).fault
    assert fault is not None
    assert fault.seq == before + 1


def test_an_invented_entry_is_no_vote(gate: LiveBench) -> None:
    plan = gate.scaled(8)
    gate.vote(plan.id or 0, ALICE)

    forged_approval(gate)
    start_if_free(1, gate.desk)

    assert gate.plan().status == PlanStatus.PENDING
    assert claim(1, run_id(gate.plan()), gate.desk) is None
    assert gate.shop.effects() == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'U0BOB00001' WHERE event = 'click.refused'",
        "DELETE FROM audit WHERE event = 'click.refused'",
        "DELETE FROM audit",
    ],
)
def test_what_was_written_cannot_be_changed_with_the_rights_sayso_has(statement: str, gate: LiveBench) -> None:
    plan = gate.scaled(4)
    gate.vote(plan.id or 0, "U0NOBODY001")
    with gate.database.reading() as session:
        before = audit.size(session)

    with pytest.raises(DBAPIError):
        execute(gate, statement)

    with gate.database.reading() as session:
        assert audit.size(session) == before
        assert audit.verify_all(session).fault is None
