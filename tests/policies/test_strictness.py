"""Whether what was approved still covers what is asked now, part by part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.engine import Decision, Effect, Obligation, decide
from policies.strictness import differences, stricter
from tests.policies.samples import facts, sheet, some_facts

ONE_OWNER = Obligation(rule="a", approvals=1, groups=("owner",))
ONE_OF_TWO = Obligation(rule="b", approvals=1, groups=("owner", "sre-oncall"))
TWO_OF_TWO = Obligation(rule="c", approvals=2, groups=("owner", "sre-oncall"))
TWO_ONCALL = Obligation(rule="d", approvals=2, groups=("sre-oncall",))


def decision(effect: Effect, *obligations: Obligation, **parts: object) -> Decision:
    """A decision with these parts, and nothing else asked."""
    expires = 900 if effect is Effect.APPROVE else None
    base = decide(sheet(), facts(sheet()))
    bare = {"effect": effect, "obligations": obligations, "not_requester": False, "expires_s": expires}
    return base.model_copy(update={**bare, **parts})


AUTO = decision(Effect.AUTO)
WINDOW = decision(Effect.AUTO_AFTER, window_s=300, veto_from=("owner",))
ONE = decision(Effect.APPROVE, ONE_OWNER)
DENY = decision(Effect.DENY)


@pytest.mark.parametrize(
    ("now", "than", "said"),
    [
        (ONE, ONE, ()),
        (DENY, ONE, ("it is not allowed any more",)),
        (ONE, DENY, ()),
        (DENY, DENY, ()),
        (AUTO, ONE, ()),
        (WINDOW, ONE, ()),
        (WINDOW, AUTO, ("it waits for a veto now",)),
        (ONE, AUTO, ("it needs approval now", "it needs 1 of owner (a)", "approvals lapse after 15 min")),
        (decision(Effect.APPROVE, ONE_OF_TWO), ONE, ()),
        (ONE, decision(Effect.APPROVE, ONE_OF_TWO), ("it needs 1 of owner (a)",)),
        (decision(Effect.APPROVE, TWO_OF_TWO), ONE, ("it needs 2 of owner, sre-oncall (c)",)),
        (decision(Effect.APPROVE, ONE_OF_TWO), decision(Effect.APPROVE, TWO_OF_TWO), ()),
        (decision(Effect.APPROVE, TWO_OF_TWO), decision(Effect.APPROVE, TWO_ONCALL), ()),
        (ONE, decision(Effect.APPROVE, TWO_ONCALL), ("it needs 1 of owner (a)",)),
        (decision(Effect.APPROVE, ONE_OWNER, TWO_OF_TWO), decision(Effect.APPROVE, TWO_OF_TWO, ONE_OWNER), ()),
        (decision(Effect.APPROVE, ONE_OWNER, not_requester=True), ONE, ("the requester may not approve",)),
        (decision(Effect.APPROVE, ONE_OWNER, reason=True), ONE, ("approvals need a reason",)),
        (decision(Effect.APPROVE, ONE_OWNER, step_up=True), ONE, ("approvals need a fresh sign-in",)),
        (decision(Effect.APPROVE, ONE_OWNER, expires_s=600), ONE, ("approvals lapse after 10 min",)),
        (decision(Effect.APPROVE, ONE_OWNER, expires_s=1800), ONE, ()),
        (decision(Effect.AUTO_AFTER, window_s=600, veto_from=("owner",)), WINDOW, ("it waits 10 min",)),
        (decision(Effect.AUTO_AFTER, window_s=300, veto_from=("x",)), WINDOW, ("x may stop it",)),
        (decision(Effect.AUTO_AFTER, window_s=60, veto_from=()), WINDOW, ()),
    ],
)
def test_what_is_asked_beyond_an_earlier_decision_is_named(
    now: Decision, than: Decision, said: tuple[str, ...]
) -> None:
    assert differences(now, than) == said
    assert stricter(now, than) is bool(said)


def test_a_higher_number_from_another_group_does_not_cover() -> None:
    """One rank number would call two of sre-oncall stricter than one of owner, and let it pass."""
    assert stricter(ONE, decision(Effect.APPROVE, TWO_ONCALL))
    assert stricter(decision(Effect.APPROVE, TWO_ONCALL), ONE)


@given(data=st.data())
def test_comparing_is_reflexive_and_transitive(data: st.DataObject) -> None:
    some = [decide(sheet(), data.draw(some_facts(sheet()))) for _ in range(3)]
    low, middle, high = some

    assert not stricter(low, low)
    if not stricter(low, middle) and not stricter(middle, high):
        assert not stricter(low, high)
