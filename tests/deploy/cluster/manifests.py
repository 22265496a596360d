"""Manifests the cluster's tests post: ordinary Deployments and Services, and the seven faults with their fixes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]

WEB = "registry.local/web:3.1.0"
CHECKOUT = "registry.local/checkout:1.4.2"
CATALOG = "registry.local/catalog:2.0.0"


def container(image: str = WEB, **fields: Any) -> Manifest:
    """Container `app` with its port `http`."""
    return {"name": "app", "image": image, "ports": [{"name": "http", "containerPort": 8080}], **fields}


def probe(path: str, port: int | str = "http") -> Manifest:
    """An HTTP probe every two seconds, three failures allowed."""
    return {"httpGet": {"path": path, "port": port}, "periodSeconds": 2, "failureThreshold": 3}


def deployment(name: str = "web", replicas: int = 2, image: str = WEB, **fields: Any) -> Manifest:
    """A Deployment whose pods are labelled with its name; fields are the container's."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container(image, **fields)]}},
        },
    }


def service(name: str = "web", app: str = "", target: int | str = "http") -> Manifest:
    """A Service on port 80 for the pods of an app, by default its namesake."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": app or name}, "ports": [{"port": 80, "targetPort": target}]},
    }


def budget(name: str, **spec: Any) -> Manifest:
    """A PodDisruptionBudget over an app."""
    selector = {"matchLabels": {"app": name}}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name},
        "spec": {"selector": selector, **spec},
    }


def in_container(**fields: Any) -> Manifest:
    """A strategic patch of container `app` in a Deployment's template."""
    return {"spec": {"template": {"spec": {"containers": [{"name": "app", **fields}]}}}}


@dataclass(frozen=True)
class Fault:
    """One of the seven: what is broken, how it reads, and the strategic patch that heals it."""

    name: str
    broken: Manifest
    fix: Manifest
    waiting: tuple[str, ...] = ()
    """Reasons one of which every container must be waiting for."""
    exit_code: int | None = None
    reason: str = ""
    event: str = ""
    """A part of the message of a Warning about a pod."""
    restarts: bool = False
    fix_service: bool = False
    selector: str = ""


FAULTS = (
    Fault(
        "missing-env",
        deployment("missing-env", image=CHECKOUT),
        in_container(env=[{"name": "DATABASE_URL", "value": "postgres://shop"}]),
        waiting=("CrashLoopBackOff",),
        exit_code=1,
        reason="Error",
        event="Back-off restarting failed container app",
        restarts=True,
    ),
    Fault(
        "oom",
        deployment("oom", image=CATALOG, resources={"limits": {"memory": "128Mi"}, "requests": {"memory": "64Mi"}}),
        in_container(resources={"limits": {"memory": "512Mi"}}),
        waiting=("CrashLoopBackOff",),
        exit_code=137,
        reason="OOMKilled",
        restarts=True,
    ),
    Fault(
        "badimage",
        deployment("badimage", image="registry.local/web:9.9.9"),
        in_container(image=WEB),
        waiting=("ErrImagePull", "ImagePullBackOff"),
        event="not found",
    ),
    Fault(
        "liveness",
        deployment("liveness", livenessProbe=probe("/nope")),
        in_container(livenessProbe={"httpGet": {"path": "/healthz", "port": "http"}}),
        exit_code=137,
        reason="Error",
        event="Liveness probe failed: HTTP probe failed with statuscode: 404",
        restarts=True,
    ),
    Fault(
        "readiness",
        deployment("readiness", readinessProbe=probe("/readyz", 9999)),
        in_container(readinessProbe={"httpGet": {"path": "/readyz", "port": "http"}}),
        event="connection refused",
    ),
    Fault(
        "pending",
        deployment("pending", resources={"requests": {"memory": "64Gi"}}),
        in_container(resources={"requests": {"memory": "64Mi"}}),
        event="3 Insufficient memory",
    ),
    Fault(
        "selector",
        deployment("selector"),
        {"spec": {"selector": {"app": "selector"}}},
        fix_service=True,
        selector="selectr",
    ),
)
