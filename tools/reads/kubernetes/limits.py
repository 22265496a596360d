"""API server's JSON -> views of what bounds a namespace: disruption budgets, quotas, limit ranges. Parsing only."""

from __future__ import annotations

from collections.abc import Iterator

from tools.reads.kubernetes.pods import conditions
from tools.reads.kubernetes.raw import items, number, text, texts
from tools.reads.kubernetes.views import Budget, LimitRange, Quota
from tools.values import JsonObject


def budget(raw: JsonObject) -> Budget:
    """A PodDisruptionBudget."""
    return Budget(
        name=text(raw, "metadata", "name"),
        selector=texts(raw, "spec", "selector", "matchLabels"),
        minimum=text(raw, "spec", "minAvailable"),
        maximum=text(raw, "spec", "maxUnavailable"),
        allowed=number(raw, "status", "disruptionsAllowed"),
        healthy=number(raw, "status", "currentHealthy"),
        wanted=number(raw, "status", "desiredHealthy"),
        expected=number(raw, "status", "expectedPods"),
        conditions=conditions(raw),
    )


def quota(raw: JsonObject) -> Quota:
    """A ResourceQuota, as its controller counted last."""
    return Quota(
        name=text(raw, "metadata", "name"),
        hard=texts(raw, "status", "hard") or texts(raw, "spec", "hard"),
        used=texts(raw, "status", "used"),
    )


def limit_ranges(raw: JsonObject) -> Iterator[LimitRange]:
    """The limits of each type in one LimitRange."""
    for found in items(raw, "spec", "limits"):
        yield LimitRange(
            name=text(raw, "metadata", "name"),
            type=text(found, "type"),
            minimum=texts(found, "min"),
            maximum=texts(found, "max"),
            default=texts(found, "default"),
            default_request=texts(found, "defaultRequest"),
        )
