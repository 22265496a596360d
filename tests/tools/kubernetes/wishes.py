"""Actions on the shop's web, in the few words tests need, and a second revision of it to go back from."""

from __future__ import annotations

from typing import Any

from tests.tools.kubernetes.shop import Shop
from tools.actions import (
    RestartDeployment,
    ScaleDeployment,
    SetEnv,
    SetImage,
    SetProbe,
    SetResources,
    SetServiceSelector,
    UndoRollout,
)

WEB = "/apis/apps/v1/namespaces/shop/deployments/web"
KEY = "attempt-1"
PASSWORD = "not-a-real-" + "password"


def env(variable: str = "MODE", revision: int = 1, deployment: str = "web") -> SetEnv:
    """Restore a variable."""
    return SetEnv(namespace="shop", deployment=deployment, container="app", variable=variable, revision=revision)


def image(reference: str, container: str = "app") -> SetImage:
    """Run an image."""
    return SetImage(namespace="shop", deployment="web", container=container, image=reference)


def resources(**wanted: str) -> SetResources:
    """Request and allow so much."""
    return SetResources(namespace="shop", deployment="web", container="app", **wanted)


def probe(**wanted: Any) -> SetProbe:
    """Ask so."""
    return SetProbe(namespace="shop", deployment="web", container="app", **{"probe": "liveness", **wanted})


def scale(replicas: int) -> ScaleDeployment:
    """Want so many."""
    return ScaleDeployment(namespace="shop", deployment="web", replicas=replicas)


def select(**labels: str) -> SetServiceSelector:
    """Select these labels."""
    return SetServiceSelector(namespace="shop", service="web", selector=labels)


RESTART = RestartDeployment(namespace="shop", deployment="web")
BACK = UndoRollout(namespace="shop", deployment="web", to_revision=1)


def second_revision(shop: Shop, **container: Any) -> None:
    """A second revision of web, by default with another image."""
    now = shop.container("web")
    changed = now | (container or {"image": "registry.local/web:3.0.0"})
    shop.patch(WEB, {"spec": {"template": {"spec": {"containers": [changed]}}}})
    shop.settle()
