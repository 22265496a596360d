"""The arithmetic of a Deployment's rollout: how far each ReplicaSet may grow or shrink now. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.sandbox.cluster.objects.quantities import count_of
from deploy.sandbox.cluster.objects.shapes import Object


@dataclass(frozen=True)
class Size:
    """How large a ReplicaSet is asked to be, how large it is, and how many of its pods are available."""

    wanted: int
    actual: int
    available: int


@dataclass(frozen=True)
class Room:
    """How many pods a Deployment wants, and how far a rollout may go above and below."""

    replicas: int
    surge: int
    unavailable: int


def room_of(spec: Object) -> Room:
    """The bounds of a Deployment's strategy, with percentages resolved as the API documents it."""
    replicas = spec["replicas"]
    rolling = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    if (spec.get("strategy") or {}).get("type") == "Recreate":
        return Room(replicas, 0, replicas)
    surge = count_of(rolling.get("maxSurge", "25%"), replicas, round_up=True)
    unavailable = count_of(rolling.get("maxUnavailable", "25%"), replicas, round_up=False)
    if not surge and not unavailable:
        unavailable = 1
    return Room(replicas, surge, min(unavailable, replicas))


def new_size(room: Room, new: Size, olds: Sequence[Size]) -> int:
    """How large the new ReplicaSet may be asked to be."""
    if new.wanted >= room.replicas:
        return room.replicas
    free = room.replicas + room.surge - new.wanted - sum(old.wanted for old in olds)
    return min(room.replicas, new.wanted + max(0, free))


def old_sizes(room: Room, new: Size, olds: Sequence[Size]) -> list[int]:
    """How far each old ReplicaSet, oldest first, may shrink: its unhealthy pods first, then as availability allows."""
    least = room.replicas - room.unavailable
    total = new.wanted + sum(old.wanted for old in olds)
    budget = total - least - (new.wanted - new.available)
    sizes = [old.wanted for old in olds]
    if budget <= 0:
        return sizes
    for index, old in enumerate(olds):
        unhealthy = min(budget, max(0, old.wanted - old.available))
        sizes[index] -= unhealthy
        budget -= unhealthy
    spare = new.available + sum(min(old.available, size) for old, size in zip(olds, sizes, strict=True)) - least
    for index, size in enumerate(sizes):
        taken = max(0, min(size, spare))
        sizes[index] -= taken
        spare -= taken
    return sizes
