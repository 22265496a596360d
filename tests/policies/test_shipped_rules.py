"""What the defaults promise a new installation, on any date."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import given

from policies.engine import Effect, decide, summary
from policies.facts import scale_factor
from policies.loading import load
from policies.rules import Policy
from tests.policies.samples import CATALOGUE, DEFAULTS, MOMENTS, facts, shipped

KINDS = sorted(CATALOGUE.kinds)


@pytest.mark.parametrize("kind", KINDS)
@given(at=MOMENTS)
def test_a_production_fix_needs_one_person_on_any_date(kind: str, at: datetime) -> None:
    decision = decide(shipped(), facts(shipped(), action=kind, at=at))

    assert decision.effect is Effect.APPROVE
    assert [str(obligation) for obligation in decision.obligations] == ["1 of owner, sre-oncall"]
    assert (decision.not_requester, decision.expires_s) == (True, 900)


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_action_asks_for_what_the_cards_cannot_give(kind: str) -> None:
    decision = decide(shipped(), facts(shipped(), action=kind, scale_factor=50.0, corroborated=False, confidence=1))

    assert (decision.reason, decision.step_up) == (False, False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("env", ["prod", "staging"])
def test_every_kind_of_action_has_a_rule_in_every_environment_that_is_served(kind: str, env: str) -> None:
    decision = decide(shipped(), facts(shipped(), action=kind, env=env))

    assert decision.effect is not Effect.DENY


@pytest.mark.parametrize(
    ("before", "after", "people"),
    [(2, 4, 1), (100, 201, 2), (4, 2, 1), (5, 2, 2), (3, 0, 2), (0, 3, 2), (3, 3, 1)],
)
def test_a_big_change_of_a_count_needs_two_people(before: int, after: int, people: int) -> None:
    factor = scale_factor(before, after)

    decision = decide(shipped(), facts(shipped(), action="k8s.scale_deployment", scale_factor=factor))

    assert decision.approvals == people


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("namespace", ["kube-system", "kube-public", "istio-system"])
def test_system_namespaces_are_out_of_reach(kind: str, namespace: str) -> None:
    decision = decide(shipped(), facts(shipped(), action=kind, namespace=namespace))

    assert decision.effect is Effect.DENY
    assert "off limits" in summary(decision)


@cache
def uncommented() -> Policy:
    """The defaults with all that stands in their comments put to use."""
    keys = "calendars:|  [a-z-]+-freeze:|- id: |  why: |  when: |  effect: |  require: |- {name"
    text = re.sub(rf"^(  )?# (?={keys})", r"\1", DEFAULTS, flags=re.MULTILINE)
    return load(re.sub(r"^version: \d+ ", "version: 99 ", text, flags=re.MULTILINE), CATALOGUE, active=shipped())


def test_what_stands_in_the_comments_works_once_uncommented() -> None:
    added = {rule.id for rule in uncommented().file.rules} - {rule.id for rule in shipped().file.rules}

    assert added == {"freeze", "payments-leads"}
    assert len(uncommented().file.tests) == len(shipped().file.tests) + 2


def test_the_freeze_in_the_comments_asks_two_people_at_christmas() -> None:
    at = datetime(2026, 12, 25, 12, tzinfo=UTC)

    decision = decide(uncommented(), facts(uncommented(), action="k8s.set_env", at=at))

    assert str(decision.obligations[0]) == "2 of owner, sre-oncall, sre-leads"


def test_the_two_levels_in_the_comments_are_told_in_their_order() -> None:
    decision = decide(uncommented(), facts(uncommented(), service="payments-api"))

    assert summary(decision).startswith("Needs 1 approval from owner, then 1 from sre-leads, not from the requester")


@pytest.mark.parametrize(("verified", "effect"), [(0, Effect.APPROVE), (4, Effect.APPROVE), (5, Effect.AUTO)])
def test_scaling_in_staging_runs_by_itself_once_that_is_earned(verified: int, effect: Effect) -> None:
    record = {"staging-scale-unproven": verified}
    case = facts(shipped(), action="k8s.scale_deployment", env="staging", scale_factor=2.0, earned=record)

    assert decide(shipped(), case).effect is effect


@pytest.mark.parametrize("doubt", [{"confidence": 6.0}, {"tainted_args": True}, {"rollbacks": 2}])
def test_a_good_record_does_not_outweigh_doubt(doubt: dict[str, object]) -> None:
    record = {"staging-scale-unproven": 99}
    case = facts(shipped(), action="k8s.scale_deployment", env="staging", earned=record, **doubt)

    assert decide(shipped(), case).effect is Effect.APPROVE
