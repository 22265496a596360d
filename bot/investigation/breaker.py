"""The circuit breaker: whether a model failed so often lately that asking it again wastes an incident's time.

Judged from what is on record of earlier looks, over all replicas; nothing is remembered in a process. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile

from pydantic import AwareDatetime

from bot.investigation.siding import is_verdict
from storage.tables import Mind
from tools.values import Value

FAILURES = 3
"""In a row, within WITHIN, open the breaker."""
WITHIN, REST = timedelta(minutes=10), timedelta(minutes=5)


class State(StrEnum):
    """Whether a model may be asked."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    """It has rested: one look may try whether it is back."""


class Breaker(Value):
    """What is known of one model: how often it failed in a row, and until when it is left alone."""

    state: State
    failures: int
    until: AwareDatetime | None = None


def judge(model: str, looks: Sequence[tuple[Mind, datetime]], at: datetime) -> Breaker:
    """The breaker of a model, from the looks of lately (who thought, and when that ended), newest first."""
    asked = [(mind, ended) for mind, ended in looks if mind.model == model and mind.calls > 0]
    failed = [ended for _, ended in takewhile(lambda look: _failed(look[0]), asked)]
    tripped = any(newer - older <= WITHIN for newer, older in zip(failed, failed[FAILURES - 1 :], strict=False))
    if not tripped:
        return Breaker(state=State.CLOSED, failures=len(failed))
    until = failed[0] + REST
    return Breaker(state=State.OPEN if at < until else State.HALF_OPEN, failures=len(failed), until=until)


def _failed(mind: Mind) -> bool:
    """Whether the model that was asked first gave no usable answer, though its fallback may have."""
    return mind.answered_by is not None or (mind.failure is not None and not is_verdict(mind.failure))
