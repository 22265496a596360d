"""The checks no rule spells out: the catalogue, limits, the breaker, and veto windows that would touch a freeze.

Each answers what it adds to a decision; `policies.engine` puts the decision together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from policies import calendars
from policies.decisions import Reason
from policies.durations import in_words
from policies.facts import Facts
from policies.rules import Asked, AutoAfter, Exceeded, Limit, Policy


@dataclass(frozen=True)
class Demand:
    """What people are asked, and the reason that asks it."""

    reason: Reason
    asked: Asked


def contradictions(policy: Policy, facts: Facts) -> list[Reason]:
    """Facts about an action that the catalogue does not bear out: something is miswired, so nothing runs."""
    traits = policy.catalogue.kinds.get(facts.action)
    if traits is None:
        return [Reason(rule="catalogue", why=f"{facts.action} is not a known kind of action.")]
    stated = (facts.mutating, facts.destructive, facts.reversible)
    if stated != (traits.mutating, traits.destructive, traits.reversible):
        return [Reason(rule="catalogue", why=f"The facts about {facts.action} contradict the catalogue of actions.")]
    return []


def unknowns(policy: Policy, facts: Facts) -> list[Reason]:
    """Facts some rule asks that nobody established. A rule about a team could not bite where the team is unknown."""
    missing = [fact for fact in ("team", "account") if fact in policy.asks and _ought_to_be_known(fact, facts)]
    why = "The rules ask for the {fact} of {service}, and the service catalogue does not say it."
    return [Reason(rule="facts", why=why.format(fact=fact, service=facts.service)) for fact in missing]


def _ought_to_be_known(fact: str, facts: Facts) -> bool:
    """Every change has a team; only what lies in a region has an account."""
    if not facts.mutating or (fact == "account" and not facts.region):
        return False
    return not getattr(facts, fact)


def denying_limits(policy: Policy, facts: Facts, *, automatic: bool) -> list[Reason]:
    """Limits that forbid another execution, and limits nobody counted: an unknown count is a full one."""
    reasons: list[Reason] = []
    for limit in _binding(policy, facts, automatic):
        if limit.id not in facts.recent:
            why = "Nobody counted what falls under this limit, so it cannot be kept."
            reasons.append(Reason(rule=limit.id, why=why))
        elif limit.exceeded == "deny" and _used_up(limit, facts):
            reasons.append(_overrun(limit, facts))
    return reasons


def asking_limits(policy: Policy, facts: Facts, *, automatic: bool) -> list[Demand]:
    """Limits that are used up and ask people before another execution."""
    return [
        Demand(_overrun(limit, facts), _asked(limit.exceeded.from_, limit.exceeded.approvals))
        for limit in _binding(policy, facts, automatic)
        if isinstance(limit.exceeded, Exceeded) and _used_up(limit, facts)
    ]


def open_breaker(policy: Policy, facts: Facts) -> list[Demand]:
    """The approval an automatic action needs after too many rollbacks."""
    breaker = policy.file.breaker
    if breaker is None or not facts.mutating or facts.rollbacks < breaker.rollbacks:
        return []
    undone = f"{facts.rollbacks} plans were rolled back within {in_words(breaker.per)}"
    why = f"{undone}, so nothing runs by itself until a person resets the breaker."
    groups = breaker.from_ or tuple(sorted(policy.file.groups))
    return [Demand(Reason(rule="breaker", why=why), _asked(groups))]


def frozen_windows(policy: Policy, facts: Facts, waits: Sequence[AutoAfter]) -> list[Demand]:
    """A veto window that touches a freeze is no window: a person decides at once."""
    demands: list[Demand] = []
    for rule in waits:
        end = facts.at + timedelta(seconds=rule.require.window)
        for name, calendar in policy.file.calendars.items():
            if calendar.freeze and calendars.touches(calendar, policy.zone, facts.at, end):
                why = f"The {in_words(rule.require.window)} window of {rule.id} would touch the freeze {name}."
                demands.append(Demand(Reason(rule="veto-window", why=why), _asked(rule.require.veto_from)))
    return demands


def _binding(policy: Policy, facts: Facts, automatic: bool) -> list[Limit]:
    """Limits count changes only; some count only those that run by themselves."""
    if not facts.mutating:
        return []
    return [limit for limit in policy.file.limits if limit.applies_to == "any" or automatic]


def _used_up(limit: Limit, facts: Facts) -> bool:
    return facts.recent.get(limit.id, limit.max) >= limit.max


def _overrun(limit: Limit, facts: Facts) -> Reason:
    shared = f" for the same {' and '.join(limit.by)}" if limit.by else ""
    done = facts.recent.get(limit.id, limit.max)
    why = f"sayso already acted {done} times within {in_words(limit.per)}{shared}; the limit is {limit.max}."
    return Reason(rule=limit.id, why=why)


def _asked(groups: tuple[str, ...], approvals: int = 1) -> Asked:
    return Asked.model_validate({"approvals": approvals, "from": groups})
