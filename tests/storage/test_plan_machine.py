"""A plan under everything that can happen to it, in any order: no way around an approval, one entry for every step."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlmodel import Session

from storage import audit, executions, plans
from storage.database import Database, migrate
from storage.plans import ARROWS, ENDS, OPEN
from storage.tables import AuditEntry, Plan, PlanStatus, Verdict
from tests.storage.samples import AT, SOON, a_plan, an_incident

S = PlanStatus
NUMBERS = itertools.count(1)


class PlanLife(RuleBasedStateMachine):
    """One plan, a stale copy of it, a clock, and everybody who may touch it."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.now = AT
        with self.database.writing() as session:
            plan = a_plan(session, an_incident(session).id or 0, nonce=f"life-{next(NUMBERS)}")
            self.number, self.digest = plan.id or 0, plan.digest
        self.status, self.round = S.PENDING, 1
        self.copy = self.read()
        self.told = ["plan.pending"]
        self.approved: list[tuple[str, int]] = []
        self.started: list[tuple[str, int]] = []

    def read(self) -> Plan:
        with self.database.reading() as session:
            plan = plans.get(session, self.number)
            session.expunge(plan)
            return plan

    def took(self, to: PlanStatus) -> None:
        """What the machine now expects the record to say."""
        self.told.append(f"plan.{to}")
        if to is S.APPROVED:
            self.approved.append((self.digest, self.round))
        if to is S.EXECUTING:
            self.started.append((self.digest, self.round))
        self.status = to

    def move(self, session: Session, plan: Plan, to: PlanStatus) -> bool:
        """Any arrow, as the flows take it: back to pending begins a new round."""
        if to is S.PENDING:
            return plans.move(session, plan, to, self.now, round=plan.round + 1)
        return plans.move(session, plan, to, self.now)

    @rule(minutes=st.integers(1, 10))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def somebody_reads_it(self) -> None:
        self.copy = self.read()

    @rule(to=st.sampled_from(PlanStatus))
    def somebody_moves_it(self, to: PlanStatus) -> None:
        with self.database.writing() as session:
            plan = plans.lock_for_decision(session, self.number)
            if to not in ARROWS.get(self.status, frozenset()):
                with pytest.raises(ValueError, match="a plan never goes"):
                    self.move(session, plan, to)
                return
            assert self.move(session, plan, to)
            self.took(to)
            self.round = plan.round

    @rule(to=st.sampled_from(PlanStatus))
    def somebody_moves_what_they_read_before(self, to: PlanStatus) -> None:
        seen = PlanStatus(self.copy.status)
        if to not in ARROWS.get(seen, frozenset()):
            return
        still = (seen, self.copy.round) == (self.status, self.round)
        with self.database.writing() as session:
            session.add(self.copy)
            assert self.move(session, self.copy, to) is still
        if still:
            self.took(to)
            self.round = self.copy.round
        self.copy = self.read()

    @rule(run=st.sampled_from(["run-1", "run-2"]))
    def a_run_claims_it(self, run: str) -> None:
        with self.database.writing() as session:
            plan = plans.lock_for_decision(session, self.number)
            resumed = self.status in plans.RUNNING and plan.claim == run
            may = self.status is S.APPROVED and self.now < SOON
            assert plans.claim(session, plan, run, self.now) is (resumed or may)
        if may:
            self.took(S.EXECUTING)

    @rule()
    def it_cannot_start_just_now(self) -> None:
        """Its approval goes on into the next round; nothing else is ever postponed."""
        with self.database.writing() as session:
            plan = plans.lock_for_decision(session, self.number)
            postponed = executions.postpone(session, plan, "stopped", self.now)
            assert postponed is (self.status is S.APPROVED)
        if postponed:
            self.round += 1
            self.approved.append((self.digest, self.round))
            self.told.append("plan.postponed")

    @precondition(lambda self: self.status in OPEN)
    @rule(user=st.sampled_from(["U1", "U2"]), verdict=st.sampled_from(Verdict))
    def somebody_votes(self, user: str, verdict: Verdict) -> None:
        with self.database.writing() as session:
            plan = plans.lock_for_decision(session, self.number)
            before = {(vote.user_id, vote.round) for vote in plans.votes(session, plan)}
            cast = plans.cast_vote(session, plan, user_id=user, groups=(), verdict=verdict, reason=None, at=self.now)
            assert cast is ((user, plan.round) not in before)

    @invariant()
    def the_record_says_what_happened(self) -> None:
        plan = self.read()
        assert (plan.status, plan.digest, plan.round) == (self.status, self.digest, self.round)
        assert plans.intact(plan)
        assert (plan.finished_at is not None) == (self.status in ENDS)

    @invariant()
    def nothing_starts_without_an_approval_of_the_same_bytes_and_round(self) -> None:
        assert set(self.started) <= set(self.approved)
        assert len(self.started) <= 1

    @invariant()
    def every_arrow_has_exactly_one_entry(self) -> None:
        with self.database.reading() as session:
            entries = audit.latest(session, 500, f"plan:{self.number}")
        told = [entry.event for entry in reversed(entries) if entry.event.startswith("plan.")]
        assert told == self.told

    def teardown(self) -> None:
        with self.database.reading() as session:
            assert session.get(AuditEntry, 1) is not None
            assert audit.verify_all(session).fault is None


@pytest.mark.parametrize(("kind", "examples"), [("sqlite", 40), ("postgres", 12)])
def test_no_path_leads_around_an_approval(kind: str, examples: int, request: pytest.FixtureRequest) -> None:
    database = Database(request.getfixturevalue(f"{kind}_url"))
    migrate(database)
    machine = type("ThisPlanLife", (PlanLife,), {"database": database})

    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=20, deadline=None))

    database.close()
