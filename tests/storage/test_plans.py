"""Plans: what an approval covers, to the byte, and every step from proposed to an end."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from policies.facts import COUNTED_ANEW, Facts
from storage import audit, plans
from storage.database import Database
from storage.plans import ARROWS, ENDS, OPEN, RUNNING
from storage.tables import Plan, PlanStatus, Verdict, Vote
from tests.policies.samples import facts, shipped
from tests.storage.samples import AT, SOON, a_plan, an_incident, decision, proposal, rehearsal
from tools import resources
from tools.actions import catalogue_version
from tools.criteria import EndpointsReady
from tools.evidence import Severity
from tools.previews import Rehearsal

S = PlanStatus


@pytest.fixture
def asked(database: Database) -> Database:
    """A record with one incident and its pending plan."""
    with database.writing() as session:
        a_plan(session, an_incident(session).id or 0, nonce="fixture")
    return database


def the_plan(session: Session) -> Plan:
    return plans.get(session, 1)


def put(session: Session, status: PlanStatus, **values: object) -> Plan:
    """The plan where a test wants it, without the way there."""
    session.execute(sa.update(Plan).values(status=status, **values))
    session.expire_all()
    return the_plan(session)


CANONICAL = (
    '{"actions":[{"action":{"deployment":"checkout","kind":"k8s.scale_deployment","namespace":"shop","replicas":4},'
    '"before":"{\\"replicas\\":2}","blast_radius":"4 pods of checkout",'
    '"changes":[{"after":"4","before":"2","path":"spec.replicas"}],"generation":7,"pods_affected":4,"replicas":[2,4],'
    '"spec_digest":"' + "d" * 64 + '","takes_back":false,"target":"kubernetes:shop:Deployment:checkout","uid":"uid-1",'
    '"undo":"back to 2 replicas"}],"catalogue":"'
    + catalogue_version()
    + '","judged_by":[],"nonce":"fixture","not_after":"2026-11-18T12:15:00+00:00","plan_id":1,'
    '"proposed_at":"2026-11-18T12:00:00+00:00",'
    '"replaces":null,"requester":"sayso","schema":"sayso.plan/2","steerers":[],'
    '"success_criteria":[{"deployment":"checkout","kind":"rollout_done","namespace":"shop"}],"undoes":null}'
)


def test_the_canonical_form_is_what_anyone_can_write_by_hand(asked: Database) -> None:
    with asked.reading() as session:
        plan = the_plan(session)

    assert plan.canonical == CANONICAL
    assert plan.digest == hashlib.sha256(CANONICAL.encode()).hexdigest()


def test_the_record_keeps_the_bytes_that_were_proposed(asked: Database) -> None:
    with asked.reading() as session:
        (entry,) = audit.latest(session, 1, "plan:1")

    kept = json.loads(entry.payload)
    assert entry.event == "plan.pending"
    assert kept["canonical"] == CANONICAL
    assert kept["digest"] == hashlib.sha256(CANONICAL.encode()).hexdigest()
    assert kept["actions"] == ["Scale checkout to 4 replicas"]


def step(**parts: dict[str, Any]) -> Callable[[Plan], dict[str, object]]:
    """An edit of the first step: `observed={...}`, `preview={...}` or `action={...}`."""

    def edited(plan: Plan) -> dict[str, object]:
        (first,) = plan.rehearsal.steps
        changed = {name: getattr(first, name).model_copy(update=update) for name, update in parts.items()}
        return {"rehearsal": plan.rehearsal.model_copy(update={"steps": (first.model_copy(update=changed),)})}

    return edited


def turned_round(plan: Plan) -> dict[str, object]:
    """The first step as the way back."""
    (first,) = plan.rehearsal.steps
    return {"rehearsal": Rehearsal(steps=(first.model_copy(update={"takes_back": True}),))}


def criteria(*wanted: EndpointsReady) -> Callable[[Plan], dict[str, object]]:
    return lambda plan: {"proposal": plan.proposal.model_copy(update={"success_criteria": wanted})}


COVERED: dict[str, Callable[[Plan], dict[str, object]]] = {
    "what is done": step(action={"replicas": 40}),
    "whether it is done or taken back": turned_round,
    "to which Deployment": step(action={"deployment": "payments"}),
    "in which namespace": step(action={"namespace": "test"}),
    "the target": step(observed={"target": resources.kubernetes("shop", "Deployment", "payments")}),
    "which object": step(observed={"uid": "uid-2"}),
    "its generation": step(observed={"generation": 8}),
    "what it depends on": step(observed={"spec_digest": "e" * 64}),
    "what an undo puts back": step(observed={"before": '{"replicas":0}'}),
    "how many there were": step(observed={"replicas_before": 3}),
    "how many pods it reaches": step(observed={"pods_affected": 1}),
    "the diff": step(preview={"changes": ()}),
    "the blast radius": step(preview={"blast_radius": "1 pod"}),
    "the undo": step(preview={"undo": "none"}),
    "one more step": lambda plan: {"rehearsal": plan.rehearsal.model_copy(update={"steps": plan.rehearsal.steps * 2})},
    "no step": lambda plan: {"rehearsal": plan.rehearsal.model_copy(update={"steps": ()})},
    "when it counts as done": criteria(EndpointsReady(namespace="shop", service="checkout")),
    "that it ever counts": criteria(),
    "who asked": lambda _: {"requester": "U0ALICE001"},
    "who steered": lambda _: {"steerers": ("U0ALICE001",)},
    "what it takes back": lambda _: {"undoes": 1},
    "what it was edited from": lambda _: {"replaces": 1},
    "since when": lambda _: {"proposed_at": AT - timedelta(microseconds=1)},
    "until when": lambda _: {"not_after": SOON + timedelta(microseconds=1)},
    "the very letters": lambda plan: {"canonical": plan.canonical + " "},
    "letters and digest": lambda _: {"canonical": "x", "digest": hashlib.sha256(b"x").hexdigest()},
    "a form of no plan": lambda _: {"canonical": "[]", "digest": hashlib.sha256(b"[]").hexdigest()},
    "the digest": lambda _: {"digest": "0" * 64},
}


@pytest.mark.parametrize("edit", COVERED.values(), ids=COVERED.keys())
def test_an_edited_plan_is_not_intact(asked: Database, edit: Callable[[Plan], dict[str, object]]) -> None:
    with asked.writing() as session:
        session.execute(sa.update(Plan).values(**edit(the_plan(session))))

    with asked.reading() as session:
        assert plans.intact(the_plan(session)) is False


@pytest.mark.parametrize("part", list(COVERED)[: list(COVERED).index("the very letters")])
def test_every_part_of_what_is_approved_is_in_the_digest(asked: Database, part: str) -> None:
    with asked.reading() as session:
        plan = the_plan(session)
        before = plans.canonical_form(plan, "fixture")

        edited = Plan.model_validate({**plan.model_dump(), **COVERED[part](plan)})

    assert plans.canonical_form(edited, "fixture") != before


OTHER_FACTS: dict[str, object] = {
    "action": "k8s.set_env",
    "env": "staging",
    "service": "payments",
    "namespace": "test",
    "team": "other",
    "requester": "U0ALICE001",
    "severity": Severity.SEV4,
    "reversible": True,
    "destructive": True,
    "scale_factor": 1.0,
    "pods_affected": 0,
    "tainted_args": True,
    "tainted_sensitive": True,
    "corroborated": False,
    "confidence": 10.0,
}


def judged(**given: object) -> Facts:
    return facts(shipped(), scale_factor=float("inf"), **given)


@pytest.mark.parametrize("fact", OTHER_FACTS)
def test_facts_edited_in_the_database_do_not_pass_for_those_people_were_asked_with(
    database: Database, fact: str
) -> None:
    with database.writing() as session:
        plan = a_plan(session, an_incident(session).id or 0, decided=decision(facts=(judged(),)))
        assert plans.intact(plan)
        edited = decision(facts=(judged().model_copy(update={fact: OTHER_FACTS[fact]}),))

        session.execute(sa.update(Plan).values(decision=edited))

    with database.reading() as session:
        assert plans.intact(the_plan(session)) is False


def test_the_clock_and_the_counters_may_move_under_a_plan(database: Database) -> None:
    later = {"at": AT + timedelta(hours=1), "recent": {"total-everywhere": 7}, "rollbacks": 2}
    with database.writing() as session:
        a_plan(session, an_incident(session).id or 0, decided=decision(facts=(judged(),)))

        session.execute(sa.update(Plan).values(decision=decision(facts=(judged().model_copy(update=later),))))

    with database.reading() as session:
        assert set(later) <= COUNTED_ANEW
        assert plans.intact(the_plan(session)) is True


def test_two_plans_that_would_do_the_same_are_alike_whoever_asked_and_when(asked: Database) -> None:
    with asked.writing() as session:
        again = a_plan(session, 1, nonce="fixture-2", requester="U0ALICE001", not_after=SOON + timedelta(hours=1))
        other = a_plan(session, 1, nonce="fixture-3", rehearsed=rehearsal(replicas=5))

        assert again.likeness == the_plan(session).likeness
        assert other.likeness != the_plan(session).likeness


@pytest.mark.parametrize(
    "canonical",
    [
        '{"catalogue":"000000000000","nonce":"n","schema":"sayso.plan/2"}',
        '{"catalogue":"' + catalogue_version() + '","nonce":"n","schema":"sayso.plan/1"}',
        '{"nonce":"n","schema":"sayso.plan/1"}',
        "[]",
        "not JSON",
    ],
)
def test_a_plan_of_another_version_of_sayso_is_known_as_such(asked: Database, canonical: str) -> None:
    with asked.writing() as session:
        assert plans.is_current(the_plan(session))

        session.execute(sa.update(Plan).values(canonical=canonical))

    with asked.reading() as session:
        assert plans.is_current(the_plan(session)) is False


def test_the_same_plan_proposed_again_has_another_digest(asked: Database) -> None:
    with asked.writing() as session:
        again = a_plan(session, 1, nonce="fixture-2")

        assert again.digest != the_plan(session).digest
        assert (again.version, plans.intact(again)) == (2, True)


def test_a_plan_is_intact_through_its_whole_life(asked: Database) -> None:
    with asked.writing() as session:
        for to in (S.APPROVED, S.PENDING, S.APPROVED, S.EXECUTING, S.VERIFYING, S.SUCCEEDED):
            plans.move(session, the_plan(session), to, AT, outcome="words", decided_at=AT)

            assert plans.intact(the_plan(session)), to


def test_a_moment_is_covered_wherever_it_is_told(asked: Database) -> None:
    with asked.reading() as session:
        plan = the_plan(session)
        plan.not_after = SOON.astimezone(timezone(timedelta(hours=5)))

        assert plans.canonical_form(plan, "fixture").decode() == CANONICAL
        plan.not_after = SOON.astimezone(UTC)
        session.rollback()


LEGAL = {
    *((S.PENDING, to) for to in (S.APPROVED, S.REJECTED, S.EXPIRED, S.STALE, S.SUPERSEDED, S.CANCELLED)),
    *((S.APPROVED, to) for to in (S.EXECUTING, S.PENDING, S.EXPIRED, S.STALE, S.SUPERSEDED, S.CANCELLED, S.FAILED)),
    *((S.EXECUTING, to) for to in (S.VERIFYING, S.ROLLING_BACK, S.STALE, S.FAILED, S.NEEDS_HUMAN)),
    *((S.VERIFYING, to) for to in (S.SUCCEEDED, S.ROLLING_BACK, S.NEEDS_HUMAN)),
    *((S.ROLLING_BACK, to) for to in (S.ROLLED_BACK, S.ROLLBACK_FAILED, S.NEEDS_HUMAN)),
}


def test_the_arrows_are_the_fact_sheets() -> None:
    """Approvals, section 2.1."""
    assert {(seen, to) for seen, ends in ARROWS.items() for to in ends} == LEGAL


def test_every_status_is_open_running_or_an_end() -> None:
    assert set(OPEN) | set(RUNNING) | ENDS == set(PlanStatus)
    assert not (set(OPEN) | set(RUNNING)) & ENDS


def test_what_is_no_arrow_is_refused_aloud_and_an_end_stays_an_end(asked: Database) -> None:
    with asked.writing() as session:
        for seen, to in itertools.product(PlanStatus, PlanStatus):
            if (seen, to) not in LEGAL:
                plan = put(session, seen)
                with pytest.raises(ValueError, match=f"a plan never goes from {seen} to {to}"):
                    plans.move(session, plan, to, AT)
        assert audit.verify_all(session).entries == 2


def test_an_arrow_is_taken_once_with_one_entry_and_never_from_a_stale_copy(asked: Database) -> None:
    with asked.writing() as session:
        for number, (seen, to) in enumerate(sorted(LEGAL), start=1):
            copy = put(session, seen)
            session.expunge(copy)

            taken = [plans.move(session, plan, to, AT) for plan in (the_plan(session), copy)]

            assert taken == [True, False]
            assert the_plan(session).status == to
            assert audit.verify_all(session).entries == 2 + number


def test_an_approval_of_an_earlier_round_moves_nothing(asked: Database) -> None:
    """Approved, sent back, approved again: who still holds the first approval's copy may not start it."""
    with asked.writing() as session:
        copy = put(session, S.APPROVED)
        session.expunge(copy)
        plans.move(session, the_plan(session), S.PENDING, AT, round=2)
        plans.move(session, the_plan(session), S.APPROVED, AT)

        claimed = plans.claim(session, copy, "run-1", AT)

        assert claimed is False
        assert the_plan(session).status == S.APPROVED


def test_a_refused_arrow_leaves_the_callers_values_out(asked: Database) -> None:
    with asked.writing() as session:
        copy = the_plan(session)
        session.expunge(copy)
        plans.move(session, the_plan(session), S.REJECTED, AT, outcome="no")

        plans.move(session, copy, S.APPROVED, AT, outcome="yes", decided_at=AT)

        assert (the_plan(session).outcome, the_plan(session).decided_at) == ("no", None)


@pytest.mark.parametrize("end", [S.REJECTED, S.EXPIRED, S.CANCELLED])
def test_an_end_says_when_and_why(asked: Database, end: PlanStatus) -> None:
    with asked.writing() as session:
        plans.move(session, the_plan(session), end, SOON, actor="U0ALICE001", outcome="not now")

    with asked.reading() as session:
        (entry,) = audit.latest(session, 1)
        plan = the_plan(session)
        assert (plan.finished_at, plan.outcome) == (SOON, "not now")
        assert (entry.event, entry.actor, audit.moment(entry)) == (f"plan.{end}", "U0ALICE001", SOON)
        assert json.loads(entry.payload) == {"digest": plan.digest, "from": "pending", "outcome": "not now"}


def test_sixteen_claims_at_once_start_one_run(asked: Database) -> None:
    with asked.writing() as session:
        put(session, S.APPROVED)

    def claim(number: int) -> bool:
        with asked.writing() as session:
            return plans.claim(session, the_plan(session), f"run-{number}", AT)

    with ThreadPoolExecutor(16) as pool:
        claimed = list(pool.map(claim, range(16)))

    with asked.reading() as session:
        plan = the_plan(session)
        assert sum(claimed) == 1
        assert (plan.status, plan.claim) == (S.EXECUTING, f"run-{claimed.index(True)}")
        assert [entry.event for entry in audit.latest(session, 2)] == ["plan.executing", "plan.pending"]


def test_claims_that_read_before_they_write_still_start_one_run(asked: Database) -> None:
    """All copies are read first: only the guard in the UPDATE is left to tell them apart."""
    with asked.writing() as session:
        put(session, S.APPROVED)
    copies = []
    for _ in range(8):
        with asked.reading() as session:
            copies.append(the_plan(session))
            session.expunge_all()

    def claim(numbered: tuple[int, Plan]) -> bool:
        number, copy = numbered
        with asked.writing() as session:
            session.add(copy)
            return plans.claim(session, copy, f"run-{number}", AT)

    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(claim, enumerate(copies)))

    assert sum(claimed) == 1


@pytest.mark.parametrize("running", RUNNING)
def test_a_resumed_run_goes_on_and_another_does_not(asked: Database, running: PlanStatus) -> None:
    with asked.writing() as session:
        plan = put(session, running, claim="run-1")

        assert plans.claim(session, plan, "run-1", SOON + timedelta(days=1)) is True
        assert plans.claim(session, plan, "run-2", AT) is False


@pytest.mark.parametrize(("late", "claimed"), [(-1, True), (0, False), (1, False)])
def test_an_approval_is_claimed_before_its_time_is_up(asked: Database, late: int, claimed: bool) -> None:
    with asked.writing() as session:
        plan = put(session, S.APPROVED)

        assert plans.claim(session, plan, "run", SOON + timedelta(microseconds=late)) is claimed


def vote(session: Session, user: str, verdict: Verdict = Verdict.APPROVE) -> bool:
    groups = ("sre-oncall",)
    return plans.cast_vote(session, the_plan(session), user_id=user, groups=groups, verdict=verdict, reason=None, at=AT)


def test_a_person_says_one_thing_to_a_plan(asked: Database) -> None:
    with asked.writing() as session:
        said = [vote(session, "U1"), vote(session, "U1", Verdict.REJECT), vote(session, "U2", Verdict.REJECT)]

        assert said == [True, False, True]
        assert [(one.user_id, one.verdict) for one in plans.votes(session, the_plan(session))] == [
            ("U1", "approve"),
            ("U2", "reject"),
        ]


def test_sixteen_votes_of_one_person_at_once_count_once(asked: Database) -> None:
    def click(_: int) -> bool:
        with asked.writing() as session:
            return vote(session, "U1")

    with ThreadPoolExecutor(16) as pool:
        counted = list(pool.map(click, range(16)))

    with asked.reading() as session:
        assert sum(counted) == 1
        assert len(plans.votes(session, the_plan(session))) == 1
        assert [entry.event for entry in audit.latest(session, 9, "plan:1")] == ["vote.approve", "plan.pending"]


def test_votes_on_other_bytes_do_not_count(asked: Database) -> None:
    with asked.writing() as session:
        vote(session, "U1")
        session.execute(sa.update(Vote).values(plan_digest="0" * 64))

        assert plans.votes(session, the_plan(session)) == []


@pytest.mark.parametrize("status", PlanStatus)
def test_only_open_plans_are_ever_overdue(asked: Database, status: PlanStatus) -> None:
    with asked.writing() as session:
        put(session, status)

        assert plans.overdue(session, SOON - timedelta(microseconds=1)) == []
        assert len(plans.overdue(session, SOON)) == (1 if status in OPEN else 0)


def test_there_is_no_plan_nobody_proposed(database: Database) -> None:
    with database.reading() as session:
        with pytest.raises(KeyError, match="no plan 7"):
            plans.get(session, 7)
        with pytest.raises(KeyError, match="no plan 7"):
            plans.lock_for_decision(session, 7)


def test_what_was_proposed_comes_back_as_the_same_values(asked: Database) -> None:
    with asked.reading() as session:
        plan = the_plan(session)

    assert (plan.proposal, plan.rehearsal) == (proposal(), rehearsal())
