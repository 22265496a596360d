"""What the defaults promise a new installation, on any date."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given

from policies.engine import Effect, decide, summary
from policies.facts import scale_factor
from policies.loading import load
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


def test_the_freeze_in_the_comments_works_once_uncommented() -> None:
    keys = "calendars:|  [a-z-]+-freeze:|- id: freeze|  why: .Change freeze|  when: .*freeze|  effect|  require|- {name"
    text = re.sub(rf"^(  )?# (?={keys})", r"\1", DEFAULTS, flags=re.MULTILINE).replace("version: 1 ", "version: 2 ")

    frozen = load(text, CATALOGUE, active=shipped())

    decision = decide(frozen, facts(frozen, action="k8s.set_env", at=datetime(2026, 12, 25, 12, tzinfo=UTC)))
    assert len(frozen.file.tests) == len(shipped().file.tests) + 1
    assert str(decision.obligations[0]) == "2 of owner, sre-oncall, sre-leads"
