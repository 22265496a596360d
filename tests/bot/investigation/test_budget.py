"""The meter: what is counted, what it costs, and when it says stop."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.investigation.budget import Budget, BudgetSpent, Meter, OutOfTime
from bot.investigation.prices import Price, price_of


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("model", "dollars_in"),
    [("gpt-4o", 2.5), ("gpt-4o-2024-08-06", 2.5), ("gpt-4o-mini-2024-07-18", 0.15), ("gpt-4.1-mini", 0.4)],
)
def test_a_dated_model_costs_what_its_family_costs(model: str, dollars_in: float) -> None:
    price = price_of(model)

    assert price is not None
    assert price.tokens_in == dollars_in


@pytest.mark.parametrize("model", ["llama-3.3-70b", "gpt-4o-turbo-next", "", "scripted"])
def test_a_model_without_a_known_price_has_none(model: str) -> None:
    assert price_of(model) is None
    assert Meter(Budget(dollars=0.01), price_of(model)).usage().dollars is None


def test_usage_adds_up() -> None:
    clock = Clock()
    meter = Meter(Budget(), price_of("gpt-4o"), clock)
    meter.begin_call()
    meter.charge(10_000, 1_000)
    clock.now += 2.5
    meter.begin_call()
    meter.charge(2_000, 500)

    usage = meter.usage()

    assert (usage.calls, usage.tokens_in, usage.tokens_out, usage.seconds) == (2, 12_000, 1_500, 2.5)
    assert usage.dollars == pytest.approx(0.03 + 0.015)


def test_the_call_after_the_last_is_not_made() -> None:
    meter = Meter(Budget(turns=2), None)
    meter.begin_call()
    meter.begin_call()

    with pytest.raises(BudgetSpent, match="2 calls"):
        meter.begin_call()

    assert meter.usage().calls == 2


@pytest.mark.parametrize(
    ("budget", "limit"), [(Budget(tokens=1_000), r"1,001 tokens"), (Budget(dollars=0.001), r"\$0\.00")]
)
def test_tokens_and_dollars_stop_at_their_limit(budget: Budget, limit: str) -> None:
    meter = Meter(budget, price_of("gpt-4o"))
    meter.charge(100, 0)

    with pytest.raises(BudgetSpent, match=limit):
        meter.charge(801, 100)


@pytest.mark.parametrize("act", [Meter.begin_call, Meter.check, lambda meter: meter.charge(0, 0)])
def test_nothing_goes_on_when_the_time_is_up(act: Callable[[Meter], None]) -> None:
    clock = Clock()
    meter = Meter(Budget(seconds=10), None, clock)
    act(meter)
    clock.now += 10

    with pytest.raises(OutOfTime):
        act(meter)

    assert not meter.may_read()


def test_a_negative_count_from_an_endpoint_buys_nothing_back() -> None:
    meter = Meter(Budget(tokens=100), None)
    meter.charge(90, 0)
    meter.charge(-80, -80)

    with pytest.raises(BudgetSpent):
        meter.charge(20, 0)


def test_a_model_of_unknown_price_makes_the_sum_unknown_and_not_zero() -> None:
    meter = Meter(Budget(), Price(tokens_in=100, tokens_out=1))
    meter.begin_call()
    meter.charge(10_000, 0)
    known = meter.usage().dollars
    meter.using(None)
    meter.begin_call()
    meter.charge(10, 0)

    assert known == 1.0
    assert meter.usage().dollars is None


def test_the_first_model_leaves_time_for_the_second() -> None:
    clock = Clock()
    meter = Meter(Budget(seconds=10), None, clock)
    meter.using(None, 0.6)
    clock.now += 7

    with pytest.raises(OutOfTime, match="6 s"):
        meter.check()
    meter.using(None)

    assert meter.seconds_left() == 3
