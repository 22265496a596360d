"""Whose targets to look at next while people think: a few plans a round, each after a while. Looks at none itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from storage.tables import Plan

LOOK_EVERY = timedelta(seconds=30)
"""Between two looks at the targets of a plan that waits for people."""
LOOKS_A_ROUND = 3
"""Plans whose targets one round looks at."""


class Lookout:
    """Remembers when this process last looked at the targets of each waiting plan. Forgetting costs one look."""

    def __init__(self) -> None:
        self._looked: dict[int, datetime] = {}

    def turn(self, waiting: Iterable[Plan], now: datetime) -> list[Plan]:
        """The plans to look at now, longest unseen first; from here on they count as looked at."""
        listed = {plan.id or 0: plan for plan in waiting}
        self._looked = {plan_id: at for plan_id, at in self._looked.items() if plan_id in listed}
        seen = {plan_id: self._looked.get(plan_id, plan.proposed_at) for plan_id, plan in listed.items()}
        unseen = sorted((at, plan_id) for plan_id, at in seen.items() if now - at >= LOOK_EVERY)
        chosen = [plan_id for _, plan_id in unseen[:LOOKS_A_ROUND]]
        self._looked.update(dict.fromkeys(chosen, now))
        return [listed[plan_id] for plan_id in chosen]
