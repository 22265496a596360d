"""What must not be done to a target, whatever anyone approves: refused at proposal, with a reason for people."""

from __future__ import annotations

import pytest

from tests.tools.kubernetes.shop import Shop
from tests.tools.kubernetes.wishes import (
    BACK,
    RESTART,
    WEB,
    env,
    image,
    probe,
    resources,
    scale,
    second_revision,
    select,
)
from tools.actions import (
    Action,
    SetServiceSelector,
    UndoRollout,
)
from tools.writes.write import Refused

REFUSED: dict[str, tuple[Action, str]] = {
    "a Deployment that is not there": (env(deployment="nowhere"), "does not exist"),
    "a Service that is not there": (
        SetServiceSelector(namespace="shop", service="nowhere", selector={"app": "web"}),
        "does not exist",
    ),
    "a container that is not there": (image("registry.local/web:3.1.0", container="sidecar"), "has no container"),
    "an image no revision ever ran": (image("registry.local/evil:1.0.0"), "ever ran"),
    "the image that runs already": (image("registry.local/web:3.1.0"), "already runs"),
    "a variable the revision did not set": (env("NOBODY_SET_THIS"), "does not set"),
    "a variable of a revision that is not kept": (env(revision=77), "does not set"),
    "a limit raised more than fourfold": (resources(memory_limit="2Gi"), "more than 4 times"),
    "a limit no node can hold": (resources(cpu_limit="64"), "largest node"),
    "a limit of nothing": (resources(memory_limit="0"), "nothing"),
    "a limit lowered": (resources(memory_limit="128Mi"), "never lowered"),
    "resources that are so already": (resources(memory_limit="256Mi"), "already"),
    "no resources at all": (resources(), "Nothing is asked"),
    "a request above the limit": (resources(memory_request="256Mi", memory_limit="200Mi"), "never lowered"),
    "a probe there is none of": (probe(probe="startup", path="/healthz"), "no HTTP startup probe"),
    "a probe that asks that already": (probe(path="/healthz"), "already asks"),
    "a port name nobody declared": (probe(port="metrics"), "declares no port"),
    "a scale to nothing": (scale(0), "scale to zero"),
    "a scale that is so already": (scale(2), "already wants 2"),
    "an undo to a revision that is not kept": (
        UndoRollout(namespace="shop", deployment="web", to_revision=9),
        "no longer kept",
    ),
    "an undo to the present revision": (BACK, "already runs"),
    "a selector that would match nothing": (select(app="nothing"), "lead nowhere"),
    "a selector that is so already": (select(app="web"), "already selects"),
}


@pytest.mark.parametrize("case", REFUSED, ids=list(REFUSED))
def test_what_must_not_be_done_is_refused_at_proposal(untouched: Shop, case: str) -> None:
    action, reason = REFUSED[case]

    refused = untouched.write(action).observe(action, untouched.writers)

    assert isinstance(refused, Refused)
    assert reason in refused.reason


@pytest.mark.parametrize(
    "action", [image("registry.local/web:3.1.0"), RESTART, BACK, probe(path="/readyz"), resources(memory_limit="512Mi")]
)
def test_a_paused_deployment_is_not_changed(shop: Shop, action: Action) -> None:
    second_revision(shop)
    shop.patch(WEB, {"spec": {"paused": True}})

    refused = shop.write(action).observe(action, shop.writers)

    assert isinstance(refused, Refused)
    assert "paused" in refused.reason


def test_a_count_that_an_autoscaler_owns_is_not_changed(shop: Shop) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    shop.put(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 6},
        }
    )

    refused = shop.write(scale(4)).observe(scale(4), shop.writers)

    assert refused == Refused(reason="Autoscaler web owns the count of web; change its bounds instead")


def test_a_service_with_hand_made_endpoints_is_not_given_a_selector(shop: Shop) -> None:
    shop.patch("/api/v1/namespaces/shop/services/web", {"spec": {"selector": None}})

    refused = shop.write(select(app="web")).observe(select(app="web"), shop.writers)

    assert isinstance(refused, Refused)
    assert "no selector" in refused.reason


def test_a_restart_of_nothing_is_refused(shop: Shop) -> None:
    shop.patch(WEB, {"spec": {"replicas": 0}})

    refused = shop.write(RESTART).observe(RESTART, shop.writers)

    assert isinstance(refused, Refused)
