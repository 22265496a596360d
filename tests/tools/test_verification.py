"""Measuring success criteria: what cannot be seen is not met, and only a loss counts as worse."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tools import resources
from tools.clients import Readers
from tools.criteria import AlarmOk, Criterion, EndpointsReady, FindingGone, Measurement, RolloutDone
from tools.verification import measure, worse

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROLLOUT = RolloutDone(namespace="shop", deployment="web")


def seen(*healthy: int | None) -> tuple[Measurement, ...]:
    """One measurement of a rollout for each count."""
    return tuple(Measurement(criterion=ROLLOUT, met=False, healthy=count, detail="") for count in healthy)


@pytest.mark.parametrize(
    "criterion",
    [
        ROLLOUT,
        EndpointsReady(namespace="shop", service="web"),
        FindingGone(code="k8s.oom_killed", resource=resources.kubernetes("shop", "Deployment", "web")),
        AlarmOk(region="eu-west-1", alarm="cpu"),
    ],
    ids=lambda criterion: criterion.kind,
)
def test_a_criterion_of_a_provider_that_is_not_configured_is_not_met(criterion: Criterion) -> None:
    nobody = Readers(kubernetes=None, aws=None)

    (answer,) = measure([criterion], NOW, nobody)

    assert (answer.met, answer.healthy) == (False, None)
    assert "not configured" in answer.detail


@pytest.mark.parametrize(
    ("before", "after", "is_worse"),
    [
        (seen(2), seen(1), True),
        (seen(2, 3), seen(2, 2), True),
        (seen(2), seen(2), False),
        (seen(1), seen(4), False),
        (seen(None), seen(0), False),
        (seen(2), seen(None), False),
        ((), (), False),
    ],
    ids=["fewer", "one of two fewer", "the same", "more", "unknown before", "unknown now", "nothing to measure"],
)
def test_worse_means_that_less_serves_users_than_before(
    before: tuple[Measurement, ...], after: tuple[Measurement, ...], is_worse: bool
) -> None:
    assert worse(before, after) is is_worse
