"""Changing Kubernetes: how each of its actions is checked, rehearsed, done, looked for and undone."""

from __future__ import annotations

from typing import Any

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
from tools.writes.kubernetes.env import ENV
from tools.writes.kubernetes.image import IMAGE
from tools.writes.kubernetes.probe import PROBE
from tools.writes.kubernetes.resources import RESOURCES
from tools.writes.kubernetes.rollouts import PATCH_PERMISSIONS, RESTART, UNDO
from tools.writes.kubernetes.scale import SCALE
from tools.writes.kubernetes.selector import SELECTOR
from tools.writes.write import Write

SCALE_PERMISSIONS = (
    "get deployments.apps",
    "list horizontalpodautoscalers.autoscaling",
    "get deployments.apps/scale",
    "patch deployments.apps/scale",
)
"""The grant on Deployments does not cover their scale."""

WRITES: dict[type[Any], Write[Any]] = {
    SetEnv: ENV.write(permissions=PATCH_PERMISSIONS),
    SetResources: RESOURCES.write(permissions=(*PATCH_PERMISSIONS, "list nodes")),
    SetImage: IMAGE.write(permissions=PATCH_PERMISSIONS),
    SetProbe: PROBE.write(permissions=PATCH_PERMISSIONS),
    SetServiceSelector: SELECTOR.write(permissions=("get services", "list pods", "patch services")),
    RestartDeployment: RESTART.write(permissions=PATCH_PERMISSIONS, reversible=False, routine=True),
    UndoRollout: UNDO.write(permissions=PATCH_PERMISSIONS),
    ScaleDeployment: SCALE.write(permissions=SCALE_PERMISSIONS, routine=True),
}
"""How every kind of Kubernetes action is done."""
