"""When each controller looks at what: on changes that concern it and at instants it asked for, never at everything."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Protocol

from deploy.sandbox.cluster.clock import Clock
from deploy.sandbox.cluster.objects.refusals import Refusal
from deploy.sandbox.cluster.objects.resources import Resource
from deploy.sandbox.cluster.objects.shapes import Key
from deploy.sandbox.cluster.objects.store import Change

_ROUNDS = 10_000
_RETRY_SECONDS = 5.0


class Controller(Protocol):
    """Something that brings the cluster closer to what objects ask for."""

    @property
    def interests(self) -> tuple[Resource, ...]:
        """The kinds whose changes may concern it."""
        ...

    def concerns(self, change: Change) -> Iterable[Key]:
        """What to look at because of a change."""
        ...

    def reconcile(self, key: Key) -> float | None:
        """Look at one thing and act; returns the simulated instant to look again, if one is known."""
        ...


class Loop:
    """Runs controllers in a fixed order until nothing is left to do at this instant."""

    def __init__(self, clock: Clock, controllers: Sequence[Controller]) -> None:
        self._clock = clock
        self._controllers = controllers
        self._dirty: list[dict[Key, None]] = [{} for _ in controllers]
        self._by_interest: dict[Resource, list[int]] = {}
        for index, controller in enumerate(controllers):
            for resource in controller.interests:
                self._by_interest.setdefault(resource, []).append(index)
        self._deadlines: list[tuple[float, int, int, Key]] = []
        self._wanted: dict[tuple[int, Key], float] = {}
        self._ticket = count()

    def notice(self, change: Change) -> None:
        """Note who has to look at what because of a change."""
        for index in self._by_interest.get(change.resource, ()):
            for key in self._controllers[index].concerns(change):
                self._dirty[index][key] = None

    def next_deadline(self) -> float | None:
        """The instant of the next thing to do: now or earlier when something is already waiting."""
        if any(self._dirty):
            return self._clock.now()
        while self._deadlines and self._is_stale(self._deadlines[0]):
            heapq.heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else None

    def settle(self) -> None:
        """Do everything that is due now, and what follows from it at once."""
        for _ in range(_ROUNDS):
            self._wake_due()
            index = next((index for index, keys in enumerate(self._dirty) if keys), None)
            if index is None:
                return
            keys, self._dirty[index] = self._dirty[index], {}
            for key in keys:
                self._schedule(index, key, self._reconcile(index, key))
        raise RuntimeError("the controllers do not come to rest")

    def advance(self, seconds: float) -> None:
        """Let simulated time pass, stopping at every instant at which something is due."""
        end = self._clock.now() + seconds
        self.settle()
        while (due := self.next_deadline()) is not None and due <= end:
            self._clock.jump_to(due)
            self.settle()
        self._clock.jump_to(end)

    def _reconcile(self, index: int, key: Key) -> float | None:
        try:
            return self._controllers[index].reconcile(key)
        except Refusal:  # a full quota, a namespace being deleted: as everywhere in Kubernetes, try again later
            return self._clock.now() + _RETRY_SECONDS

    def _wake_due(self) -> None:
        now = self._clock.now()
        while self._deadlines and self._deadlines[0][0] <= now:
            deadline = heapq.heappop(self._deadlines)
            if not self._is_stale(deadline):
                _, _, index, key = deadline
                del self._wanted[(index, key)]
                self._dirty[index][key] = None

    def _schedule(self, index: int, key: Key, at: float | None) -> None:
        if at is None:
            self._wanted.pop((index, key), None)
        elif self._wanted.get((index, key)) != at:
            self._wanted[(index, key)] = at
            heapq.heappush(self._deadlines, (at, next(self._ticket), index, key))

    def _is_stale(self, deadline: tuple[float, int, int, Key]) -> bool:
        at, _, index, key = deadline
        return self._wanted.get((index, key)) != at
