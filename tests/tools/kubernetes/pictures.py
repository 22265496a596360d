"""Hand-built pictures of a namespace: the world as the pure rules see it, one small function a part."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import (
    Condition,
    Container,
    ContainerPort,
    ContainerState,
    Endpoints,
    EnvEntry,
    Event,
    Log,
    Node,
    Pod,
    Probe,
    Revision,
    Service,
    ServicePort,
    Template,
    Terminated,
    Usage,
    Workload,
)
from tools.subjects import KubernetesSubject

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
GIBIBYTE = Decimal(1024**3)


def ago(**time: float) -> datetime:
    """A moment before NOW."""
    return NOW - timedelta(**time)


def container(**changes: Any) -> Container:
    """A web container as it should be."""
    probe = Probe(handler="httpGet", path="/readyz", port="http", period=2)
    known: dict[str, Any] = {
        "name": "app",
        "image": "registry.local/web:3.1.0",
        "ports": (ContainerPort(name="http", number=8080),),
        "readiness": probe,
    }
    return Container(**{**known, **changes})


def variable(name: str, source: str = "value set (3 characters)") -> EnvEntry:
    """An environment entry."""
    return EnvEntry(name=name, source=source, fingerprint=f"{name}{source}")


def template(*containers: Container, labels: Mapping[str, str] | None = None) -> Template:
    """A pod template."""
    return Template(labels=labels or {"app": "web"}, containers=containers or (container(),))


def revision(number: int, asked: Template, *, available: int = 0, wanted: int = 0) -> Revision:
    """A revision in the ReplicaSet web-<number>."""
    return Revision(
        number=number,
        replica_set=f"web-{number}",
        wanted=wanted,
        ready=available,
        available=available,
        created=ago(hours=1),
        template=asked,
    )


def deployment(asked: Template, *older: Revision, name: str = "web", **changes: Any) -> Workload:
    """A Deployment whose current revision asks for `asked`."""
    number = max((one.number for one in older), default=0) + 1
    known: dict[str, Any] = {
        "kind": "Deployment",
        "name": name,
        "uid": f"uid-{name}",
        "generation": number,
        "observed_generation": number,
        "wanted": 2,
        "replicas": 2,
        "updated": 2,
        "ready": 2,
        "available": 2,
        "selector": {"app": name},
        "template": asked,
        "revision": number,
        "revisions": (revision(number, asked, available=2, wanted=2), *older),
    }
    return Workload(**{**known, **changes})


def state(**changes: Any) -> ContainerState:
    """A container that runs and is ready."""
    known: dict[str, Any] = {
        "name": "app",
        "init": False,
        "ready": True,
        "restarts": 0,
        "running_since": ago(hours=1),
    }
    return ContainerState(**{**known, **changes})


def waiting(reason: str, message: str = "", **changes: Any) -> ContainerState:
    """A container that waits."""
    return state(ready=False, running_since=None, waiting=reason, message=message, **changes)


def ended(code: int, reason: str = "Error", **time: float) -> Terminated:
    """How a container ended, a minute ago unless told otherwise."""
    return Terminated(reason=reason, exit_code=code, finished=ago(**(time or {"minutes": 1})))


def pod(*states: ContainerState, asked: Template | None = None, ready: bool = False, **changes: Any) -> Pod:
    """A pod of revision 1 of Deployment web."""
    known: dict[str, Any] = {
        "name": "web-1-aaaaa",
        "uid": "uid-pod",
        "labels": {"app": "web"},
        "phase": "Running",
        "owner_kind": "Deployment",
        "owner_name": "web",
        "replica_set": "web-1",
        "created": ago(hours=1),
        "conditions": (Condition(type="Ready", status="True" if ready else "False"),),
        "states": states,
        "asked": asked or template(),
    }
    return Pod(**{**known, **changes})


def unplaced(message: str, asked: Template | None = None, **changes: Any) -> Pod:
    """A pod the scheduler has no node for."""
    scheduled = Condition(type="PodScheduled", status="False", reason="Unschedulable", message=message)
    return pod(asked=asked, phase="Pending", conditions=(scheduled,), **changes)


def event(reason: str, message: str, *, count: int = 5, name: str = "web-1-aaaaa", kind: str = "Pod") -> Event:
    """An event about the pod."""
    return Event(kind=kind, name=name, type="Warning", reason=reason, message=message, count=count, last_seen=NOW)


def log(*lines: str) -> Log:
    """The last words of the pod's container."""
    return Log(pod="web-1-aaaaa", container="app", previous=True, lines=lines)


def node(name: str = "node-0", memory: int = 8, **changes: Any) -> Node:
    """A node with that many GiB."""
    known: dict[str, Any] = {
        "name": name,
        "ready": True,
        "cordoned": False,
        "memory": memory * GIBIBYTE,
        "cpu": Decimal(4),
    }
    return Node(**{**known, **changes})


def service(selector: Mapping[str, str], name: str = "web", kind: str = "ClusterIP") -> Service:
    """A Service."""
    return Service(name=name, type=kind, selector=selector, ports=(ServicePort(port=80, target="http"),))


def endpoints(ready: int, not_ready: int = 0, name: str = "web") -> Endpoints:
    """What the slices of a Service hold."""
    return Endpoints(service=name, ready=ready, not_ready=not_ready)


def picture(*, subject: KubernetesSubject | None = None, **seen: Any) -> Picture:
    """The namespace shop at NOW."""
    return Picture(
        subject=subject or KubernetesSubject(namespace="shop"), **{"at": NOW, "now": NOW, "nodes": (node(),), **seen}
    )


def crowd(pods: int = 1000, *, a_workload: int = 20, ill: int = 5) -> Picture:
    """A namespace with many healthy pods, some that crash for lack of a variable, nodes, noise and metrics."""
    names = [f"app-{number}" for number in range(-(-pods // a_workload))]
    nodes = tuple(node(f"node-{number}") for number in range(max(1, pods // 50)))
    made = [
        _member(name, at, a_workload, nodes, ill=place < ill)
        for place, name in enumerate(names)
        for at in range(a_workload)
    ]
    crashing = [one for one in made[:pods] if not one.ready]
    loud = [event("BackOff", "Back-off restarting failed container", name=one.name, count=99) for one in crashing]
    return picture(
        workloads=tuple(
            deployment(
                template(labels={"app": name}),
                name=name,
                wanted=a_workload,
                replicas=a_workload,
                updated=a_workload,
                ready=0 if place < ill else a_workload,
                available=0 if place < ill else a_workload,
            )
            for place, name in enumerate(names)
        ),
        pods=tuple(made[:pods]),
        nodes=nodes,
        services=tuple(service({"app": name}, name=name) for name in names),
        endpoints=tuple(endpoints(a_workload, name=name) for name in names),
        events=(*loud, *(event("Pulled", "Container image already present", name=one.name) for one in made[:pods])),
        logs=tuple(
            Log(pod=one.name, container="app", previous=True, lines=("ERROR DATABASE_URL is not set",) * 40)
            for one in crashing[:12]
        ),
        usage=tuple(Usage(pod=one.name, container="app", memory=GIBIBYTE, cpu=Decimal(1)) for one in made[:pods]),
    )


def _member(workload: str, number: int, of: int, nodes: tuple[Node, ...], *, ill: bool) -> Pod:
    return pod(
        waiting("CrashLoopBackOff", last=ended(1), restarts=9) if ill else state(),
        ready=not ill,
        name=f"{workload}-1-{number:05}",
        owner_name=workload,
        replica_set="web-1",
        labels={"app": workload},
        node=nodes[number * len(nodes) // of].name,
    )
