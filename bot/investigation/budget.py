"""How much one investigation may take, and the meter that stops it. Knows tokens and dollars, not what is asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from bot.investigation.prices import Price
from bot.investigation.values import Usage
from tools.values import Value

CHARACTERS_PER_TOKEN = 3
"""Where an endpoint reports no usage, tokens are counted as text / 3: English has about 4, so this errs upwards."""


class Budget(Value):
    """The most one investigation may take, and all of a day. Money counts only where a model's price is known."""

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
    day_tokens: Annotated[int, Field(ge=1)] | None = None
    """In 24 hours, over all incidents and replicas; None means no limit."""
    day_dollars: Annotated[float, Field(gt=0)] | None = None


class BudgetSpent(Exception):
    """A limit was reached; `limit` names it (`12 calls`)."""

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit


class OutOfTime(Exception):
    """The clock on the wall ran out."""


class Meter:
    """Counts what one investigation takes, and stops it at its budget. Reads run in threads, so it locks.

    One meter counts every model that is asked in turn: `using` says which is asked now, and until when.
    """

    def __init__(self, budget: Budget, price: Price | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._budget = budget
        self._price = price
        self._clock = clock
        self._started = clock()
        self._share = 1.0
        self._lock = threading.Lock()
        self._calls = self._reads = self._tokens_in = self._tokens_out = 0
        self._dollars: float | None = 0.0

    def using(self, price: Price | None, share: float = 1.0) -> None:
        """Another model is asked from now on, until `share` of the time is gone."""
        self._price, self._share = price, share

    def seconds_left(self) -> float:
        """Until the deadline of the model that is asked now; negative when it has passed."""
        return self._budget.seconds * self._share - (self._clock() - self._started)

    def begin_call(self) -> None:
        """Count one more call to the model. Raises BudgetSpent or OutOfTime instead when it may not be made."""
        self.check()
        if self._calls >= self._budget.turns:
            raise BudgetSpent(f"{self._calls} calls")
        self._calls += 1

    def charge(self, tokens_in: int, tokens_out: int) -> None:
        """Count what a call used. Raises BudgetSpent when that was too much."""
        used = max(0, tokens_in), max(0, tokens_out)
        self._tokens_in += used[0]
        self._tokens_out += used[1]
        if self._price is None:
            self._dollars = None  # one call whose price nobody knows, and nobody knows the sum
        elif self._dollars is not None:
            self._dollars += self._price.of(*used)
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
            raise OutOfTime(f"no answer within {self._budget.seconds * self._share:g} s")
        used = self._tokens_in + self._tokens_out
        if used > self._budget.tokens:
            raise BudgetSpent(f"{used:,} tokens")
        most = self._budget.dollars
        if self._dollars is not None and most is not None and self._dollars > most:
            raise BudgetSpent(f"${self._dollars:.2f}")

    def usage(self) -> Usage:
        """What was taken so far."""
        return Usage(
            calls=self._calls,
            reads=self._reads,
            tokens_in=self._tokens_in,
            tokens_out=self._tokens_out,
            seconds=round(self._clock() - self._started, 3),
            dollars=self._dollars if self._price is not None else None,
        )
