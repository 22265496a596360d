"""May this be done, and who must agree: a pure function of a policy and facts.

No clock, no database, no people: the caller establishes the facts, and `policies.quorum` counts the votes. The most
restrictive rule wins, nothing is allowed that no rule grants, and the order of rules has no meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from policies import calendars, conditions, safeguards
from policies.decisions import Decision, Effect, Obligation, Reason, TraceLine
from policies.explanation import explain, summary
from policies.facts import Facts
from policies.rules import GRANTS, Approve, Auto, AutoAfter, Deny, Policy, Restrict
from policies.safeguards import Demand

__all__ = [
    "Decision",
    "Effect",
    "Facts",
    "Obligation",
    "Reason",
    "TraceLine",
    "decide",
    "decide_all",
    "explain",
    "summary",
]


@dataclass(frozen=True)
class _Judged:
    """The rules that matched some facts, by what they do."""

    denials: tuple[Deny, ...]
    grants: tuple[Auto | AutoAfter | Approve, ...]
    restrictions: tuple[Restrict, ...]
    trace: tuple[TraceLine, ...]

    @property
    def automatic(self) -> bool:
        """Whether a grant lets it run without people.

        Checks on automatic actions ask this and not the final effect: otherwise a restriction, by turning the effect
        into approval, would switch them off and loosen who must agree.
        """
        return any(isinstance(grant, Auto | AutoAfter) for grant in self.grants)

    @property
    def waits(self) -> tuple[AutoAfter, ...]:
        """The grants with a veto window."""
        return tuple(grant for grant in self.grants if isinstance(grant, AutoAfter))

    @property
    def veto_from(self) -> tuple[str, ...]:
        """Everybody who may stop it in the window."""
        return tuple(sorted({group for grant in self.waits for group in grant.require.veto_from}))


def decide(policy: Policy, facts: Facts) -> Decision:
    """Judge one action."""
    judged = _judge(policy, facts)
    denials = _denials(policy, facts, judged)
    if denials:
        return _decision(policy, facts, judged, effect=Effect.DENY, because=tuple(denials))
    demands = _demands(policy, facts, judged)
    if demands:
        return _asking(policy, facts, judged, demands)
    return _running(policy, facts, judged)


def decide_all(policy: Policy, steps: Sequence[Facts]) -> Decision:
    """Judge the actions of one plan together: as strict as the strictest of them in every respect."""
    if not steps:
        raise ValueError("a plan without actions cannot be judged")
    decisions = [decide(policy, facts) for facts in steps]
    effect = max((decision.effect for decision in decisions), key=lambda effect: effect.rank)
    because = _distinct(reason for decision in decisions if decision.effect is effect for reason in decision.because)
    trace = tuple(
        line.model_copy(update={"step": step})
        for step, decision in enumerate(decisions, start=1)
        for line in decision.trace
    )
    whole = {"effect": effect, "because": because, "trace": trace, "facts": tuple(steps)}
    return decisions[0].model_copy(update={**whole, **_joined(effect, decisions)})


def _joined(effect: Effect, decisions: Sequence[Decision]) -> dict[str, object]:
    """The parts of a joint decision that say what people must do; a denied plan asks nobody."""
    asking = [] if effect is Effect.DENY else decisions
    expiries = [decision.expires_s for decision in asking if decision.expires_s is not None]
    windows = [decision.window_s for decision in asking if decision.window_s is not None]
    return {
        "obligations": _heaviest_first(each for decision in asking for each in decision.obligations),
        "not_requester": any(decision.not_requester for decision in asking),
        "reason": any(decision.reason for decision in asking),
        "step_up": any(decision.step_up for decision in asking),
        "expires_s": min(expiries, default=None),
        "window_s": max(windows, default=None) if effect is Effect.AUTO_AFTER else None,
        "veto_from": tuple(sorted({group for decision in asking for group in decision.veto_from})),
    }


def _judge(policy: Policy, facts: Facts) -> _Judged:
    in_force = frozenset(
        name for name, calendar in policy.file.calendars.items() if calendars.covers(calendar, policy.zone, facts.at)
    )
    circumstances = {**dict(facts), "during": in_force}
    failures = [(each.rule, conditions.first_failure(each.conditions, circumstances)) for each in policy.rules]
    matched = [rule for rule, failed in failures if failed is None]
    return _Judged(
        denials=tuple(rule for rule in matched if isinstance(rule, Deny)),
        grants=tuple(rule for rule in matched if isinstance(rule, GRANTS)),
        restrictions=tuple(rule for rule in matched if isinstance(rule, Restrict)),
        trace=tuple(TraceLine(step=1, rule=rule.id, failed=failed) for rule, failed in failures),
    )


def _denials(policy: Policy, facts: Facts, judged: _Judged) -> list[Reason]:
    denials = [*safeguards.contradictions(policy, facts), *safeguards.unknowns(policy, facts)]
    denials += [Reason(rule=rule.id, why=rule.why) for rule in judged.denials]
    denials += safeguards.denying_limits(policy, facts, automatic=judged.automatic)
    if not denials and not judged.grants:
        denials.append(Reason(rule="default", why="No rule of the policy allows this action here."))
    return denials


def _demands(policy: Policy, facts: Facts, judged: _Judged) -> list[Demand]:
    """Everything people are asked, by rules and by the checks on automatic actions."""
    asking = [rule for rule in (*judged.grants, *judged.restrictions) if isinstance(rule, Approve | Restrict)]
    demands = [Demand(Reason(rule=rule.id, why=rule.why), rule.require) for rule in asking]
    demands += safeguards.asking_limits(policy, facts, automatic=judged.automatic)
    if judged.automatic:
        demands += safeguards.open_breaker(policy, facts)
        demands += safeguards.frozen_windows(policy, facts, judged.waits)
    return demands


def _asking(policy: Policy, facts: Facts, judged: _Judged, demands: list[Demand]) -> Decision:
    asked = [demand.asked for demand in demands]
    by_weight = sorted(demands, key=lambda demand: (-demand.asked.approvals, demand.reason.rule))
    return _decision(
        policy,
        facts,
        judged,
        effect=Effect.APPROVE,
        because=_distinct(demand.reason for demand in by_weight),
        obligations=_heaviest_first(each for demand in demands for each in _obligations(demand)),
        not_requester=any(each.not_requester for each in asked),
        reason=any(each.reason for each in asked),
        step_up=any(each.step_up for each in asked),
        expires_s=min(each.expires for each in asked),
        veto_from=judged.veto_from,
    )


def _obligations(demand: Demand) -> list[Obligation]:
    """One for the number asked, one for each group that must be among them, and one for each later stage."""
    asked, rule = demand.asked, demand.reason.rule
    included = [Obligation(rule=rule, approvals=1, groups=(group,)) for group in asked.must_include or ()]
    later = [
        Obligation(rule=rule, approvals=stage.approvals, groups=stage.from_, stage=number)
        for number, stage in enumerate(asked.then or (), start=2)
    ]
    return [Obligation(rule=rule, approvals=asked.approvals, groups=asked.from_), *included, *later]


def _running(policy: Policy, facts: Facts, judged: _Judged) -> Decision:
    """Nobody is asked: it runs at once, or after the longest window any grant wants."""
    because = tuple(Reason(rule=grant.id, why=grant.why) for grant in judged.waits or judged.grants)
    if not judged.waits:
        return _decision(policy, facts, judged, effect=Effect.AUTO, because=because)
    return _decision(
        policy,
        facts,
        judged,
        effect=Effect.AUTO_AFTER,
        because=because,
        window_s=max(grant.require.window for grant in judged.waits),
        veto_from=judged.veto_from,
    )


def _decision(
    policy: Policy, facts: Facts, judged: _Judged, *, effect: Effect, because: tuple[Reason, ...], **demanded: object
) -> Decision:
    settled = {"effect": effect, "because": because, "trace": judged.trace, "facts": (facts,)}
    version = {"policy_version": policy.version, "policy_sha256": policy.sha256}
    return Decision.model_validate({**settled, **version, **demanded})


def _heaviest_first(obligations: Iterable[Obligation]) -> tuple[Obligation, ...]:
    """Stage by stage, and within a stage the largest number first."""
    return tuple(sorted(set(obligations), key=lambda each: (each.stage, -each.approvals, each.groups, each.rule)))


def _distinct(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(reasons))
