"""How one action, and a whole plan, is judged: joins, safeguards, and facts that must be there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from policies import rules
from policies.engine import Decision, Effect, Facts, Obligation, decide, decide_all, explain, summary
from policies.facts import scale_factor
from policies.rules import Policy, Rule, RuleFile
from tests.policies.samples import facts, sheet, shipped, with_rules

SATURDAY = datetime(2026, 11, 21, 12, tzinfo=UTC)
FRIDAY_1556 = datetime(2026, 11, 20, 15, 56, tzinfo=UTC)


def asks(decision: Decision) -> list[str]:
    """The obligations as people read them."""
    return [str(obligation) for obligation in decision.obligations]


def changed(policy: Policy, **sections: object) -> Policy:
    """The policy with sections of its file replaced."""
    file = RuleFile.model_validate({**dict(policy.file), **sections})
    return rules.compiled(file, policy.sha256, policy.catalogue)


def test_each_matching_demand_stays_an_obligation_of_its_own() -> None:
    case = facts(sheet(), action="k8s.scale_deployment", scale_factor=3.0)

    decision = decide(sheet(), case)

    assert asks(decision) == ["2 of owner, sre-oncall", "1 of owner"]
    assert decision.approvals == 2
    assert decision.expires_s == 600


def test_a_group_that_must_be_included_is_a_further_obligation() -> None:
    decision = decide(sheet(), facts(sheet(), at=SATURDAY))

    assert asks(decision) == ["2 of owner, sre-oncall", "1 of incident-commander", "1 of owner"]
    assert decision.step_up


def test_a_restriction_alone_grants_nothing() -> None:
    decision = decide(sheet(), facts(sheet(), env="dev", confidence=1))

    assert decision.effect is Effect.DENY
    assert [reason.rule for reason in decision.because] == ["default"]
    assert decision.obligations == ()


def test_a_denial_names_every_rule_that_denies() -> None:
    decision = decide(sheet(), facts(sheet(), namespace="kube-system", tainted_sensitive=True))

    assert {reason.rule for reason in decision.because} == {"system-namespaces", "tainted-sensitive"}


def test_an_automatic_action_after_too_many_rollbacks_may_be_approved_by_any_group_unless_the_breaker_names_some() -> (
    None
):
    case = facts(sheet(), env="staging", rollbacks=2)

    decision = decide(sheet(), case)
    named = decide(shipped(), facts(shipped(), env="staging", rollbacks=2))

    assert asks(decision) == ["1 of incident-commander, owner, sre-leads, sre-oncall"]
    assert asks(named) == ["1 of owner, sre-oncall"]


@pytest.mark.parametrize(("rollbacks", "effect"), [(1, Effect.AUTO), (2, Effect.APPROVE), (9, Effect.APPROVE)])
def test_the_breaker_opens_at_its_number(rollbacks: int, effect: Effect) -> None:
    assert decide(sheet(), facts(sheet(), env="staging", rollbacks=rollbacks)).effect is effect


@pytest.mark.parametrize(("count", "effect"), [(2, Effect.AUTO), (3, Effect.APPROVE), (5, Effect.APPROVE)])
def test_a_limit_on_automatic_actions_asks_people_once_it_is_reached(count: int, effect: Effect) -> None:
    decision = decide(sheet(), facts(sheet(), env="staging", recent={"auto-per-service": count}))

    assert decision.effect is effect


@pytest.mark.parametrize(("count", "effect"), [(5, Effect.APPROVE), (6, Effect.DENY), (7, Effect.DENY)])
def test_a_limit_on_everything_denies_once_it_is_reached(count: int, effect: Effect) -> None:
    decision = decide(sheet(), facts(sheet(), recent={"total-per-service": count}))

    assert decision.effect is effect


def test_a_limit_on_automatic_actions_leaves_approved_ones_alone() -> None:
    quiet = decide(sheet(), facts(sheet()))

    busy = decide(sheet(), facts(sheet(), recent={"auto-per-service": 99}))

    assert (busy.effect, busy.obligations) == (quiet.effect, quiet.obligations)


def test_a_restriction_does_not_switch_off_the_checks_on_automatic_actions() -> None:
    decision = decide(sheet(), facts(sheet(), env="staging", confidence=1, recent={"auto-global": 10}))

    assert asks(decision) == ["1 of owner, sre-oncall", "1 of sre-oncall"]


@pytest.mark.parametrize("uncounted", ["auto-per-service", "auto-global", "total-per-service", "total-global"])
def test_a_limit_nobody_counted_forbids(uncounted: str) -> None:
    case = facts(sheet(), env="staging")
    counts = {limit: count for limit, count in case.recent.items() if limit != uncounted}

    decision = decide(sheet(), case.model_copy(update={"recent": counts}))

    assert decision.effect is Effect.DENY
    assert [(reason.rule, reason.why[:14]) for reason in decision.because] == [(uncounted, "Nobody counted")]


def test_reading_is_never_limited() -> None:
    full = {limit.id: limit.max for limit in sheet().file.limits}

    decision = decide(sheet(), facts(sheet(), action="k8s.get_logs", recent=full, rollbacks=9))

    assert decision.effect is Effect.AUTO


def test_a_veto_window_that_reaches_into_a_freeze_becomes_an_approval() -> None:
    before = facts(sheet(), action="k8s.pause_rollout", at=FRIDAY_1556.replace(minute=54))
    reaching = facts(sheet(), action="k8s.pause_rollout", at=FRIDAY_1556)

    assert (decide(sheet(), before).effect, decide(sheet(), before).window_s) == (Effect.AUTO_AFTER, 300)
    decision = decide(sheet(), reaching)
    assert decision.effect is Effect.APPROVE
    assert decision.because[0].why == "The 5 min window of prod-pause-rollout would touch the freeze weekend-freeze."
    assert decision.window_s is None
    assert decision.veto_from == ("owner", "sre-oncall")


def test_a_veto_window_may_lie_in_a_calendar_that_is_no_freeze() -> None:
    office = {"weekly": {"from": "Mon 09:00", "to": "Fri 17:00"}}
    policy = changed(sheet(), calendars={**sheet().file.calendars, "office": office})

    assert decide(policy, facts(policy, action="k8s.pause_rollout")).effect is Effect.AUTO_AFTER


def test_an_action_outside_the_catalogue_is_denied() -> None:
    decision = decide(sheet(), facts(sheet(), action="k8s.delete_namespace", mutating=False))

    assert decision.effect is Effect.DENY
    assert decision.because[0].why == "k8s.delete_namespace is not a known kind of action."


@pytest.mark.parametrize("trait", [{"mutating": False}, {"destructive": True}, {"reversible": False}])
def test_facts_that_contradict_the_catalogue_are_denied(trait: dict[str, bool]) -> None:
    decision = decide(sheet(), facts(sheet(), **trait))

    assert decision.effect is Effect.DENY
    assert decision.because[0].rule == "catalogue"


@pytest.mark.parametrize("missing", sorted(set(Facts.model_fields) - {"earned"}))
def test_a_missing_fact_is_an_error(missing: str) -> None:
    known = {name: value for name, value in facts(sheet()) if name != missing}

    with pytest.raises(ValidationError, match="Field required"):
        Facts.model_validate(known)


def test_a_record_nobody_counted_is_none_at_all() -> None:
    case = facts(shipped(), action="k8s.scale_deployment", env="staging", earned={"staging-scale-unproven": 9})
    known = {name: value for name, value in case if name != "earned"}

    assert decide(shipped(), case).effect is Effect.AUTO
    assert decide(shipped(), Facts.model_validate(known)).effect is Effect.APPROVE


@pytest.mark.parametrize(
    ("when", "unknown", "denied"),
    [
        ({"team": ("web",)}, {"team": ""}, True),
        ({"team": ("web",)}, {"team": "payments"}, False),
        ({"team": ("*",)}, {"team": ""}, True),
        ({"service": ("web",)}, {"team": ""}, False),
        ({"account": ("1*",)}, {"account": "", "region": "eu-west-2", "namespace": ""}, True),
        ({"account": ("1*",)}, {"account": "2", "region": "eu-west-2", "namespace": ""}, False),
        ({"account": ("1*",)}, {"account": ""}, False),
        ({"team": ("web",)}, {"team": "", "action": "k8s.get_logs"}, False),
    ],
)
def test_where_a_rule_asks_for_the_team_or_the_account_not_knowing_it_forbids_a_change(
    when: dict[str, object], unknown: dict[str, object], denied: bool
) -> None:
    rule = {"id": "off-limits", "why": "their things are off limits", "when": {**when, "mutating": True}}
    policy = with_rules(sheet(), TypeAdapter[Rule](Rule).validate_python({**rule, "effect": "deny"}))

    decision = decide(policy, facts(policy, **unknown))

    assert (decision.effect is Effect.DENY) is denied
    if denied:
        what = next(iter(when))
        why = f"The rules ask for the {what} of api, and the service catalogue does not say it."
        assert ("facts", why) in [(reason.rule, reason.why) for reason in decision.because]


@pytest.mark.parametrize(("verified", "failed"), [(4, None), (5, "earned is 5, the rule needs fewer than 5")])
def test_why_tells_how_good_the_record_is(verified: int, failed: str | None) -> None:
    record = {"staging-scale-unproven": verified, "another-rule": 99}
    decision = decide(shipped(), facts(shipped(), action="k8s.scale_deployment", env="staging", earned=record))

    (line,) = [line for line in decision.trace if line.rule == "staging-scale-unproven"]

    assert line.failed == (f"{failed} verified within 30 d" if failed else None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"confidence": float("nan")},
        {"confidence": float("inf")},
        {"confidence": 10.5},
        {"confidence": "9"},
        {"scale_factor": float("nan")},
        {"scale_factor": 0.5},
        {"at": datetime(2026, 11, 18, 12)},  # naive on purpose
        {"at": "2026-11-18T12:00"},
        {"tainted_args": "no"},
        {"tainted_args": 0},
        {"corroborated": None},
        {"rollbacks": -1},
        {"recent": {"total-global": -1}},
        {"earned": {"staging-scale-unproven": -1}},
        {"earned": None},
        {"severity": "sev0"},
        {"weather": "fine"},
    ],
)
def test_a_fact_that_is_not_one_is_an_error(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Facts.model_validate({**dict(facts(sheet())), **wrong})


@pytest.mark.parametrize(("confidence", "effect"), [(6.9, Effect.APPROVE), (7.0, Effect.AUTO), (7, Effect.AUTO)])
def test_confidence_counts_at_its_bound(confidence: float, effect: Effect) -> None:
    assert decide(sheet(), facts(sheet(), env="staging", confidence=confidence)).effect is effect


@pytest.mark.parametrize(
    ("before", "after", "factor"),
    [(2, 4, 2.0), (4, 2, 2.0), (3, 0, float("inf")), (0, 3, float("inf")), (0, 0, 1.0), (5, 5, 1.0), (1, 50, 50.0)],
)
def test_a_scale_factor_is_the_same_up_and_down_and_infinite_at_nothing(before: int, after: int, factor: float) -> None:
    assert scale_factor(before, after) == factor


def test_names_are_matched_as_they_are_spelled() -> None:
    """Which is why they must come from the live object: an API server has no KUBE-SYSTEM."""
    assert decide(sheet(), facts(sheet(), namespace="kube-system")).effect is Effect.DENY
    assert decide(sheet(), facts(sheet(), namespace="KUBE-SYSTEM")).effect is Effect.APPROVE


def test_a_plan_is_as_strict_as_its_strictest_action_in_every_respect() -> None:
    scale = facts(sheet(), action="k8s.scale_deployment", scale_factor=3.0)
    restart = facts(sheet(), env="staging", recent={"auto-per-service": 3})

    decision = decide_all(sheet(), [restart, scale])

    assert decision.effect is Effect.APPROVE
    assert asks(decision) == ["2 of owner, sre-oncall", "1 of owner", "1 of owner, sre-oncall"]
    assert (decision.reason, decision.not_requester, decision.expires_s) == (True, True, 600)
    assert decision.facts == (restart, scale)
    assert {line.step for line in decision.trace} == {1, 2}


def test_one_forbidden_action_forbids_the_plan() -> None:
    decision = decide_all(sheet(), [facts(sheet()), facts(sheet(), namespace="kube-system")])

    assert decision.effect is Effect.DENY
    assert decision.obligations == ()
    assert [reason.rule for reason in decision.because] == ["system-namespaces"]


def test_windows_of_a_plan_join_to_the_longest() -> None:
    pause = facts(sheet(), action="k8s.pause_rollout")
    scale = facts(sheet(), action="k8s.scale_deployment", env="staging")
    restart = facts(sheet(), env="staging")

    assert decide_all(sheet(), [pause, scale, restart]).window_s == 600
    assert decide_all(sheet(), [restart, restart]).effect is Effect.AUTO


def test_a_plan_of_one_action_is_judged_like_the_action() -> None:
    case = facts(sheet(), at=SATURDAY)

    assert decide_all(sheet(), [case]) == decide(sheet(), case)


def test_a_plan_without_actions_is_not_judged() -> None:
    with pytest.raises(ValueError, match="without actions"):
        decide_all(sheet(), [])


def test_a_stored_decision_reads_back_as_itself_even_with_an_infinite_factor() -> None:
    shape = TypeAdapter(Decision)
    decision = decide(sheet(), facts(sheet(), action="k8s.scale_deployment", scale_factor=float("inf"), at=SATURDAY))

    read = shape.validate_json(shape.dump_json(decision))

    assert read == decision
    assert explain(read) == explain(decision)


def test_the_fingerprint_of_the_policy_is_in_every_decision() -> None:
    decision = decide(sheet(), facts(sheet()))

    assert (decision.policy_version, decision.policy_sha256) == (43, sheet().sha256)


def test_changing_a_calendar_changes_only_what_asks_it() -> None:
    unfrozen = changed(sheet(), calendars={**sheet().file.calendars, "weekend-freeze": never()})

    assert asks(decide(unfrozen, facts(sheet(), at=SATURDAY))) == ["1 of owner"]


def never() -> dict[str, object]:
    """A calendar of the past."""
    return {"freeze": True, "once": {"from": "2020-01-01T00:00", "to": "2020-01-02T00:00"}}


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            {"env": "staging"},
            "Runs without asking: A rolling restart in staging is routine and reversible.",
        ),
        (
            {"action": "k8s.pause_rollout"},
            "Runs in 5 min unless owner or sre-oncall stops it: "
            "Pausing a rollout is routine and resuming undoes it; people get five minutes to stop it.",
        ),
        (
            {},
            "Needs 1 approval from owner, not from the requester, within 15 min: "
            "A rolling restart in production needs one person from the team that owns the service.",
        ),
        (
            {"at": SATURDAY},
            "Needs 2 approvals from owner or sre-oncall, 1 from incident-commander and 1 from owner, "
            "not from the requester, with a reason, with a fresh sign-in, within 15 min: Change freeze: "
            "only with the incident commander may a production change go through. (and 1 more)",
        ),
        (
            {"namespace": "kube-system"},
            "Not allowed: Control-plane namespaces are off limits for the bot; use the cluster runbook.",
        ),
    ],
)
def test_the_line_on_the_card_says_who_is_asked_and_why(given: dict[str, object], line: str) -> None:
    assert summary(decide(sheet(), facts(sheet(), **given))) == line


def test_demands_that_others_imply_are_not_told_twice() -> None:
    case = facts(sheet(), env="staging", confidence=1, corroborated=False, tainted_args=True)

    decision = decide(sheet(), case)

    assert len(decision.obligations) == 3
    assert decision.binding == (Obligation(rule="low-confidence", approvals=1, groups=("owner", "sre-oncall")),)
    assert summary(decision).startswith("Needs 1 approval from owner or sre-oncall, not from")


def test_why_tells_the_reasons_and_for_every_other_rule_the_first_thing_that_failed() -> None:
    decision = decide(sheet(), facts(sheet(), action="k8s.scale_deployment"))

    lines = explain(decision).splitlines()

    assert lines[0].startswith("APPROVE: Needs 1 approval from owner")
    assert lines[0].endswith(f"[policy v43@{sheet().sha256[:12]}]")
    assert "  because prod-scale: Scaling in production needs one person from the owning team." in lines
    assert "  asks 1 of owner (prod-scale)" in lines
    assert "  not prod-big-scale: scale_factor is 1, the rule needs > 2" in lines
    assert "  not freeze: during is none, the rule needs weekend-freeze or year-end-freeze" in lines
    assert "  not low-confidence: confidence is 9, the rule needs < 7" in lines
    assert "  not read-only: mutating is true, the rule needs false" in lines
    assert not [line for line in lines if line.startswith("  not prod-scale:")]


def test_why_keeps_the_actions_of_a_plan_apart() -> None:
    decision = decide_all(sheet(), [facts(sheet()), facts(sheet(), action="k8s.scale_deployment")])

    text = explain(decision)

    first, second = text.split("  action 2, k8s.scale_deployment:")
    assert "  action 1, k8s.restart_deployment:" in first
    assert "not prod-scale: action is k8s.restart_deployment" in first
    assert "not prod-restart: action is k8s.scale_deployment" in second
