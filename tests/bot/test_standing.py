"""Whether an agreement still stands, asked of a real cluster and the sandbox's Slack; and from approved to started."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from bot import approval, standing, starting
from bot.approval import Click
from bot.rehearsal import rehearse
from bot.standing import Objection
from bot.starting import run_id, start_if_free, start_waiting
from bot.views.ids import PlanReference
from deploy.sandbox.workspace import CallFault, Workspace
from deploy.sandbox.workspace.directory import ALERTS, TEAM_ID
from policies.rules import Approve, Asked, Auto, Deny, Restrict
from storage import audit, executions, incidents, messages, plans
from storage.database import Database
from storage.tables import IncidentStatus, Plan, PlanStatus, ResourceLock, Verdict, Vote
from tests.bot.desks import ALICE, BOB, BOTH, CAROL, Bench, bench
from tests.policies.samples import with_rules
from tests.storage.samples import AT, SOON, a_plan, decision, proposal
from tests.tools.kubernetes.shop import Shop
from tools.clients import Writers
from tools.previews import Rehearsal

WEB = "/apis/apps/v1/namespaces/shop/deployments/web"
S = PlanStatus


@pytest.fixture
def desk(database: Database, ws: Workspace, shop: Shop) -> Iterator[Bench]:
    ws.reset()
    with bench(database, ws) as made:
        yield replace(made, desk=replace(made.desk, writers=shop.writers))


@pytest.fixture
def agreed(desk: Bench, shop: Shop) -> Bench:
    """A desk with one plan to scale `web`, rehearsed in the cluster and approved by Alice."""
    rehearsed = rehearse(proposal(replicas=4, deployment="web"), shop.writers)
    assert isinstance(rehearsed, Rehearsal), rehearsed
    approve(desk, desk.ask(rehearsed=rehearsed))
    assert desk.plan().status == S.APPROVED
    return desk


def approve(desk: Bench, plan: Plan, user: str = ALICE) -> None:
    reference = PlanReference(plan_id=f"P-{plan.id}", version=plan.version, digest=plan.digest[:16])
    key = f"click:{plan.id}:{user}"
    click = Click(
        event_key=key, user_id=user, team_id=TEAM_ID, channel=ALERTS, reference=reference, verdict=Verdict.APPROVE
    )
    approval.decide(click, desk.desk)


def objection(desk: Bench) -> Objection | None:
    return standing.objection(desk.plan(), desk.desk)


def test_what_was_agreed_to_stands_while_nothing_moves(agreed: Bench) -> None:
    assert objection(agreed) is None


def test_an_altered_plan_does_not_stand(agreed: Bench) -> None:
    with agreed.database.writing() as session:
        session.execute(sa.update(Plan).values(requester=BOB))

    found = objection(agreed)

    assert found is not None
    assert (found.to, found.reason) == (S.STALE, "The stored plan is not what its digest was made from.")


FORGED: dict[str, Callable[[Session, Plan], object]] = {
    "a vote put into the table": lambda session, plan: session.add(
        Vote(
            plan_id=plan.id or 0,
            plan_digest=plan.digest,
            user_id=BOB,
            groups=("owner",),
            verdict="approve",
            given_at=AT,
        )
    ),
    "another person's name on it": lambda session, _: session.execute(sa.update(Vote).values(user_id=BOB)),
    "a rejection turned into an approval": lambda session, _: session.execute(
        sa.update(Vote).values(verdict="approve", reason="not really")
    ),
    "a later time on it": lambda session, _: session.execute(sa.update(Vote).values(given_at=AT + timedelta(hours=1))),
    "a sign-in that never was": lambda session, _: session.execute(sa.update(Vote).values(stepped_up=True)),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_a_vote_the_record_does_not_tell_of_counts_for_nothing(
    agreed: Bench, forge: Callable[[Session, Plan], object]
) -> None:
    with agreed.database.writing() as session:
        plan = plans.get(session, 1)
        honest = {vote.id for vote in plans.witnessed(session, plan)}
        forge(session, plan)
        session.flush()
        session.expire_all()

        counted = plans.witnessed(session, plan)

    assert len(honest) == 1
    assert [vote for vote in counted if vote.user_id == BOB or vote.stepped_up or vote.given_at != AT] == []


def test_a_plan_approved_by_a_forged_vote_goes_back_to_people(desk: Bench, shop: Shop) -> None:
    rehearsed = rehearse(proposal(replicas=4, deployment="web"), shop.writers)
    assert isinstance(rehearsed, Rehearsal), rehearsed
    asked = desk.ask(rehearsed=rehearsed)
    with desk.database.writing() as session:
        FORGED["a vote put into the table"](session, asked)
        session.execute(sa.update(Plan).values(status=S.APPROVED))

    found = objection(desk)

    assert found is not None
    assert found.to is S.PENDING


def test_an_agreement_has_its_time(agreed: Bench) -> None:
    agreed.clock.at = SOON

    found = objection(agreed)

    assert found is not None
    assert (found.to, found.reason) == (S.EXPIRED, "It was approved, but could not be started in time.")


def test_a_target_that_moved_since_people_looked_is_not_touched(agreed: Bench, shop: Shop) -> None:
    before = shop.deployment("web")["spec"]["replicas"]
    shop.patch(WEB, {"spec": {"replicas": 5}})

    found = objection(agreed)

    shop.patch(WEB, {"spec": {"replicas": before}})
    shop.settle()
    assert found is not None
    assert found.to is S.STALE
    assert found.reason.startswith("It changed after people were asked: shop/Deployment/web: ")


def test_a_target_that_cannot_be_read_is_not_touched(agreed: Bench) -> None:
    blind = replace(agreed, desk=replace(agreed.desk, writers=Writers(kubernetes=None, aws=None)))

    found = objection(blind)

    assert found is not None
    assert found.to is S.STALE
    assert "could not be read" in found.reason


def rule(kind: type[Deny | Restrict | Auto], **more: object) -> Deny | Restrict | Auto:
    effect = {Deny: "deny", Restrict: "restrict", Auto: "auto"}[kind]
    usual = {"id": "lately", "why": "Somebody changed the rules.", "when": {"mutating": True}, "effect": effect}
    return kind.model_validate({**usual, **more})


def test_what_policy_forbids_by_now_does_not_stand(agreed: Bench) -> None:
    stricter = agreed.under(with_rules(agreed.desk.policy, rule(Deny)))

    found = objection(stricter)

    assert found is not None
    assert found.to is S.STALE
    assert found.reason.startswith("Policy no longer allows it: ")


@pytest.mark.parametrize(
    "asked",
    [
        {"approvals": 2, "from": ("sre-oncall",)},
        {"approvals": 1, "from": ("sre-leads",)},
        {"approvals": 1, "from": ("sre-oncall",), "reason": True},
    ],
    ids=["one more", "somebody else", "a reason"],
)
def test_what_policy_asks_more_of_by_now_goes_back_to_people(agreed: Bench, asked: dict[str, object]) -> None:
    stricter = agreed.under(with_rules(agreed.desk.policy, rule(Restrict, require=Asked.model_validate(asked))))

    found = objection(stricter)

    assert found is not None
    assert found.to is S.PENDING
    assert found.reason.startswith("It no longer has the agreement it needs: ")
    assert found.decision is not None
    assert found.decision.obligations != agreed.plan().decision.obligations or found.decision.reason


def test_what_policy_asks_less_of_by_now_stands(agreed: Bench) -> None:
    file = agreed.desk.policy.file
    kept = tuple(each for each in file.rules if not isinstance(each, Approve))
    looser = agreed.under(with_rules(agreed.desk.policy, rule(Auto), shuffled=kept))

    assert objection(looser) is None


def test_an_agreement_of_somebody_who_has_left_goes_back_to_people(agreed: Bench) -> None:
    agreed.workspace.set_usergroup("S0ONCALL01", BOB, CAROL)
    agreed.clock.pass_(seconds=61)

    found = objection(agreed)

    assert found is not None
    assert (found.to, found.reason) == (
        S.PENDING,
        "It no longer has the agreement it needs: 0 of 1 from owner, sre-oncall",
    )


def test_while_slack_cannot_say_who_may_approve_nothing_runs(agreed: Bench) -> None:
    agreed.clock.pass_(seconds=61)
    agreed.workspace.fault(CallFault(method="usergroups.users.list", error="internal_error"))

    found = objection(agreed)

    assert found is not None
    assert found.to is S.PENDING
    assert "Slack could not say who may approve" in found.reason


def test_a_limit_reached_since_the_approval_holds_at_the_claim(agreed: Bench) -> None:
    """Ten changes of this service began while this one waited."""
    facts = agreed.plan().decision.facts
    with agreed.database.writing() as session:
        for number in range(10):
            other = a_plan(session, 1, nonce=f"other-{number}", decided=decision(facts=facts))
            other.claimed_at, other.status = AT, S.SUCCEEDED
            session.add(other)

    found = objection(agreed)

    assert found is not None
    assert found.to is S.STALE
    assert "10 times" in found.reason


@pytest.mark.parametrize(
    ("to", "status", "incident"),
    [
        (S.PENDING, S.PENDING, IncidentStatus.AWAITING_APPROVAL),
        (S.STALE, S.STALE, IncidentStatus.NEEDS_HUMAN),
        (S.EXPIRED, S.EXPIRED, IncidentStatus.NEEDS_HUMAN),
    ],
)
def test_a_plan_that_does_not_stand_goes_where_the_objection_says(
    desk: Bench, to: PlanStatus, status: PlanStatus, incident: IncidentStatus
) -> None:
    desk.ask(status=S.APPROVED)
    stricter = desk.plan().decision.model_copy(update={"reason": True})
    with desk.database.writing() as session:
        why = Objection(to, "words for people", stricter if to is S.PENDING else None)
        standing.send_back(session, plans.get(session, 1), why, AT)

    stands = desk.plan()
    with desk.database.reading() as session:
        about = incidents.get(session, 1)
    assert (stands.status, stands.outcome, about.status) == (status, "words for people", incident)
    assert stands.round == (2 if to is S.PENDING else 1)
    assert stands.decision.reason is (to is S.PENDING)
    assert "words for people" in (about.note or "")
    assert desk.entries("plan:1")[-1] == ("sayso", f"plan.{to}")


def test_a_plan_nobody_could_approve_is_known_before_it_is_posted(desk: Bench) -> None:
    two = desk.ask(scale_factor=3.0).decision
    enough = standing.nobody_to_ask(two, "sayso", desk.desk)
    of_one = standing.nobody_to_ask(two, ALICE, desk.desk)
    desk.workspace.set_usergroup("S0ONCALL01")
    desk.desk.people.forget()
    of_none = standing.nobody_to_ask(two, "sayso", desk.desk)

    assert enough is None
    assert of_one == "prod-big-scale needs 2 from owner, sre-oncall, and 1 could vote"
    assert of_none is not None
    assert "0 could vote" in of_none


def test_when_slack_cannot_tell_whether_anybody_could_approve_people_are_asked(desk: Bench) -> None:
    decided = desk.ask().decision
    desk.workspace.fault(CallFault(method="usergroups.users.list", error="internal_error"))

    assert standing.nobody_to_ask(decided, "sayso", desk.desk) is None


TARGET = "kubernetes:shop:Deployment:checkout-{}"


@BOTH
def test_an_approved_plan_takes_its_targets_and_starts(desk: Bench) -> None:
    plan = desk.ask(status=S.APPROVED)

    started = start_if_free(1, desk.desk)

    with desk.database.reading() as session:
        lock = session.get(ResourceLock, TARGET.format(1))
        assert lock is not None
        assert (started, lock.plan_id) == (True, 1)
    assert desk.starts.all == [("remediate", run_id(plan), (1, run_id(plan)))]


def test_starting_again_is_the_same_run(desk: Bench) -> None:
    desk.ask(status=S.APPROVED)

    assert [start_if_free(1, desk.desk) for _ in range(3)] == [True, True, True]

    assert len(desk.starts.runs) == 1


def test_another_round_is_another_run(desk: Bench) -> None:
    desk.ask(status=S.APPROVED)
    start_if_free(1, desk.desk)
    with desk.database.writing() as session:
        standing.send_back(session, plans.get(session, 1), Objection(S.PENDING, "again"), AT)
        plans.move(session, plans.get(session, 1), S.APPROVED, AT)

    start_if_free(1, desk.desk)

    assert len(desk.starts.runs) == 2


@pytest.mark.parametrize("status", [s for s in PlanStatus if s is not S.APPROVED])
def test_only_an_approved_plan_is_started(desk: Bench, status: PlanStatus) -> None:
    desk.ask(status=status)

    started = start_if_free(1, desk.desk)

    assert (started, desk.starts.all) == (False, [])
    with desk.database.reading() as session:
        assert session.get(ResourceLock, TARGET.format(1)) is None


def test_a_plan_waits_for_its_target_and_starts_when_it_is_free(desk: Bench) -> None:
    first, second = desk.ask(status=S.APPROVED), desk.ask(status=S.APPROVED)
    with desk.database.writing() as session:
        executions.take_locks(session, first.id or 0, [TARGET.format(1), TARGET.format(2)], AT)

    held = start_if_free(2, desk.desk)
    with desk.database.writing() as session:
        plans.claim(session, plans.get(session, 1), "run", AT)
        executions.release_locks(session, 1)
    start_waiting(desk.desk)

    assert held is False
    assert desk.starts.runs == {run_id(second)}


@BOTH
def test_sixteen_starts_of_two_plans_on_one_target_start_one(desk: Bench) -> None:
    rehearsed = desk.ask(status=S.APPROVED).rehearsal
    desk.ask(status=S.APPROVED, rehearsed=rehearsed)

    with ThreadPoolExecutor(16) as pool:
        started = list(pool.map(lambda number: start_if_free(number % 2 + 1, desk.desk), range(16)))

    assert started.count(True) == 8
    assert len(desk.starts.runs) == 1
    with desk.database.reading() as session:
        assert audit.verify_all(session).fault is None


def test_a_plan_nobody_knows_cannot_be_started(desk: Bench) -> None:
    with pytest.raises(KeyError, match="no plan 9"):
        starting.start_if_free(9, desk.desk)


def test_an_agreement_of_somebody_deactivated_since_goes_back_to_people(agreed: Bench) -> None:
    """Still listed in the usergroup, which is not the only question at the claim."""
    agreed.workspace.set_standing("alice", "deactivated")
    agreed.clock.pass_(seconds=61)

    found = objection(agreed)

    assert found is not None
    assert found.to is S.PENDING
    assert found.reason.startswith("It no longer has the agreement it needs: 0 of 1")


def test_while_slack_cannot_say_who_a_voter_is_nothing_runs(agreed: Bench) -> None:
    agreed.clock.pass_(seconds=61)
    agreed.workspace.fault(CallFault(method="users.info", error="internal_error"))

    found = objection(agreed)

    assert found is not None
    assert (found.to, found.reason) == (S.PENDING, "Slack could not say who may approve (users.info failed).")


def test_what_runs_by_itself_runs_while_slack_is_away(desk: Bench) -> None:
    plan = desk.ask(status=S.APPROVED, action="k8s.restart_deployment", env="staging", scale_factor=1.0)
    desk.workspace.fault(CallFault(method="usergroups.users.list", error="internal_error", times=9))
    desk.workspace.fault(CallFault(method="users.info", error="internal_error", times=9))

    roll = standing.roll_at_claim(plan, desk.desk)

    with desk.database.reading() as session:
        assert standing.lost_agreement(session, plan, roll, desk.desk) is None


def test_a_plan_nobody_could_approve_is_told_aloud_once_a_look(desk: Bench) -> None:
    desk.ask()

    for look in (1, 1, 2):
        standing.page(1, look, "prod-fix needs 1 from owner, and 0 could vote", desk.desk)

    with desk.database.reading() as session:
        told = messages.due(session)
    assert [message.key for message in told] == ["page:incident:1:1", "page:incident:1:2"]
    assert "0 could vote" in told[0].wanted
    assert [entry for entry in desk.entries() if entry[1] == "roster.empty"]
