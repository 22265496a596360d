"""What a policy says for when nobody answers: which chain applies to a decision, and what widening does to it.

Pure. When a step is due, and that it happens once, is `bot.plans.escalation`'s.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from policies.decisions import Decision, Effect, Obligation
from policies.governance import Step
from policies.rules import Approve, Policy, Restrict


def chain(policy: Policy, decision: Decision) -> tuple[Step, ...]:
    """The steps while people are asked: of the matched rule with the shortest `expires` that names a chain."""
    if decision.effect is not Effect.APPROVE:
        return ()
    matched = {line.rule for line in decision.trace if line.matched}
    named = [
        (rule.require.expires, rule.id, rule.require.escalate)
        for rule in policy.file.rules
        if isinstance(rule, Approve | Restrict) and rule.id in matched and rule.require.escalate is not None
    ]
    return policy.file.escalation.get(min(named)[2], ()) if named else ()


def widened(policy: Policy, decision: Decision, groups: AbstractSet[str]) -> Decision:
    """The decision with these groups' people also able to meet what it asks. No number falls.

    A group that must be among those who agree is not replaced by another: `must_include` stays as it is.
    """
    if not groups:
        return decision
    fixed = _must_include(policy)
    obligations = tuple(
        each if (each.rule, each.groups) in fixed and each.approvals == 1 else _with(each, groups)
        for each in decision.obligations
    )
    return decision.model_copy(update={"obligations": obligations})


def _must_include(policy: Policy) -> frozenset[tuple[str, tuple[str, ...]]]:
    return frozenset(
        (rule.id, (group,))
        for rule in policy.file.rules
        if isinstance(rule, Approve | Restrict)
        for group in rule.require.must_include or ()
    )


def _with(obligation: Obligation, groups: AbstractSet[str]) -> Obligation:
    added = sorted(groups - set(obligation.groups))
    return obligation.model_copy(update={"groups": (*obligation.groups, *added)})
