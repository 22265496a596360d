"""How much one investigation may take, and the meter that stops it. Knows prices and tokens, not what is asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import Field

from bot.investigation.values import Usage
from tools.values import Value

CHARACTERS_PER_TOKEN = 3
"""Where an endpoint reports no usage, tokens are counted as text / 3: English has about 4, so this errs upwards."""


class Price(Value):
    """Dollars for a million tokens."""

    tokens_in: float
    tokens_out: float


PRICES: Mapping[str, Price] = {
    "gpt-4.1": Price(tokens_in=2.0, tokens_out=8.0),
    "gpt-4.1-mini": Price(tokens_in=0.4, tokens_out=1.6),
    "gpt-4.1-nano": Price(tokens_in=0.1, tokens_out=0.4),
    "gpt-4o": Price(tokens_in=2.5, tokens_out=10.0),
    "gpt-4o-mini": Price(tokens_in=0.15, tokens_out=0.6),
    "gpt-5": Price(tokens_in=1.25, tokens_out=10.0),
    "gpt-5-mini": Price(tokens_in=0.25, tokens_out=2.0),
    "gpt-5-nano": Price(tokens_in=0.05, tokens_out=0.4),
    "o3": Price(tokens_in=2.0, tokens_out=8.0),
    "o4-mini": Price(tokens_in=1.1, tokens_out=4.4),
}
"""List prices as of August 2025, by model family; a model that is not here has no known price."""


def price_of(model: str) -> Price | None:
    """The price of a model, also under a dated name (`gpt-4o-2024-08-06`)."""
    families = [name for name in PRICES if model == name or model.startswith(f"{name}-20")]
    return PRICES[max(families, key=len)] if families else None


class Budget(Value):
    """The most one investigation may take. Money is limited only where the model's price is known."""

    turns: Annotated[int, Field(ge=1)] = 12
    """Calls to the model, tries again included."""
    tokens: Annotated[int, Field(ge=1)] = 60_000
    """In and out together, as the endpoint counts them."""
    seconds: Annotated[float, Field(gt=0)] = 90.0
    """Of the clock on the wall, reads included."""
    silence: Annotated[float, Field(gt=0)] = 45.0
    """Seconds without a byte from the endpoint after which it counts as not answering."""
    reads: Annotated[int, Field(ge=0)] = 30
    """Looks at the world; beyond them the model is told to answer."""
    answer_tokens: Annotated[int, Field(ge=1)] = 4_000
    """Longest single reply."""
    dollars: Annotated[float, Field(gt=0)] | None = None


class BudgetSpent(Exception):
    """A limit was reached; `limit` names it (`12 calls`)."""

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit


class OutOfTime(Exception):
    """The clock on the wall ran out."""


class Meter:
    """Counts what one investigation takes, and stops it at its budget. Reads run in threads, so it locks."""

    def __init__(self, budget: Budget, model: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._budget = budget
        self._price = price_of(model)
        self._clock = clock
        self._started = clock()
        self._lock = threading.Lock()
        self._calls = self._reads = self._tokens_in = self._tokens_out = 0

    def seconds_left(self) -> float:
        """Until the deadline; negative when it has passed."""
        return self._budget.seconds - (self._clock() - self._started)

    def begin_call(self) -> None:
        """Count one more call to the model. Raises BudgetSpent or OutOfTime instead when it may not be made."""
        self.check()
        if self._calls >= self._budget.turns:
            raise BudgetSpent(f"{self._calls} calls")
        self._calls += 1

    def charge(self, tokens_in: int, tokens_out: int) -> None:
        """Count what a call used. Raises BudgetSpent when that was too much."""
        self._tokens_in += max(0, tokens_in)
        self._tokens_out += max(0, tokens_out)
        self.check()

    def may_read(self) -> bool:
        """Count one more look at the world, if there is one left."""
        with self._lock:
            if self._reads >= self._budget.reads or self.seconds_left() <= 0:
                return False
            self._reads += 1
            return True

    def check(self) -> None:
        """Raise when time, tokens or money have run out."""
        if self.seconds_left() <= 0:
            raise OutOfTime(f"no answer within {self._budget.seconds:g} s")
        used = self._tokens_in + self._tokens_out
        if used > self._budget.tokens:
            raise BudgetSpent(f"{used:,} tokens")
        dollars = self._dollars()
        if dollars is not None and self._budget.dollars is not None and dollars > self._budget.dollars:
            raise BudgetSpent(f"${dollars:.2f}")

    def usage(self) -> Usage:
        """What was taken so far."""
        return Usage(
            calls=self._calls,
            reads=self._reads,
            tokens_in=self._tokens_in,
            tokens_out=self._tokens_out,
            seconds=round(self._clock() - self._started, 3),
            dollars=self._dollars(),
        )

    def _dollars(self) -> float | None:
        if self._price is None:
            return None
        return (self._tokens_in * self._price.tokens_in + self._tokens_out * self._price.tokens_out) / 1_000_000
