"""Hand-built surroundings of the namespace shop: nodes, storage, routes, policies, and a world in which all is well."""

from __future__ import annotations

from typing import Any

from tests.tools.kubernetes.pictures import (
    ago,
    container,
    deployment,
    endpoints,
    log,
    node,
    picture,
    pod,
    service,
    state,
    template,
    waiting,
)
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import (
    Backend,
    Budget,
    Claim,
    Condition,
    Event,
    Ingress,
    IngressClass,
    IngressRule,
    Log,
    NetworkPolicy,
    Node,
    Pod,
    Service,
    ServicePort,
    StorageClass,
    Template,
    Volume,
    VolumeRef,
)

NGINX = IngressClass(name="nginx", controller="k8s.io/ingress-nginx", default=True)
STANDARD = StorageClass(name="standard", provisioner="ebs.csi.aws.com", default=True)
LATE = StorageClass(name="late", provisioner="ebs.csi.aws.com", binding="WaitForFirstConsumer")
DATA = VolumeRef(volume="data", kind="PersistentVolumeClaim", name="data")
CONFIG = VolumeRef(volume="config", kind="ConfigMap", name="web-config")


def said(kind: str, name: str, reason: str, message: str, *, normal: bool = False, **time: float) -> Event:
    """An event about any object, just now unless told otherwise."""
    level = "Normal" if normal else "Warning"
    return Event(kind=kind, name=name, type=level, reason=reason, message=message, count=3, last_seen=ago(**time))


def felt(kind: str, status: str, reason: str = "", message: str = "", **time: float) -> Condition:
    """A condition, ten minutes old unless told otherwise."""
    return Condition(type=kind, status=status, reason=reason, message=message, since=ago(**(time or {"minutes": 10})))


def mounting(*volumes: VolumeRef, **changes: Any) -> Template:
    """A template of the web container with volumes."""
    return template(container(**changes)).model_copy(update={"volumes": volumes})


def well(name: str = "web-1-aaaaa", **changes: Any) -> Pod:
    """A pod that serves, on node-0."""
    known: dict[str, Any] = {"ready": True, "node": "node-0"}
    return pod(state(), name=name, **{**known, **changes})


def unready(name: str = "web-1-aaaaa", **changes: Any) -> Pod:
    """A pod whose container has run for an hour and that has not been ready for ten minutes."""
    known: dict[str, Any] = {"node": "node-0", "conditions": (felt("Ready", "False", "ContainersNotReady"),)}
    return pod(state(ready=False), name=name, **{**known, **changes})


def creating(name: str = "web-1-aaaaa", **changes: Any) -> Pod:
    """A pod that was placed ten minutes ago and waits for its container."""
    known: dict[str, Any] = {"phase": "Pending", "node": "node-0", "created": ago(minutes=10)}
    return pod(waiting("ContainerCreating"), name=name, **{**known, **changes})


def away(name: str = "node-1", **changes: Any) -> Node:
    """A node whose kubelet has said nothing for ten minutes."""
    known: dict[str, Any] = {
        "ready": False,
        "taints": ("node.kubernetes.io/unreachable:NoExecute",),
        "conditions": (felt("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."),),
    }
    return node(name, **{**known, **changes})


def claim(phase: str = "Pending", storage_class: str = "standard", **changes: Any) -> Claim:
    """The claim data, an hour old."""
    known: dict[str, Any] = {"name": "data", "phase": phase, "storage_class": storage_class, "created": ago(hours=1)}
    return Claim(**{**known, **changes})


def volume(phase: str, **changes: Any) -> Volume:
    """The volume of shop/data."""
    return Volume(**{"name": "pv-1", "phase": phase, "claim": "shop/data", **changes})


def ingress(service: str = "web", port: str = "80", **changes: Any) -> Ingress:
    """An Ingress of class nginx for shop.example, without an address yet."""
    rule = IngressRule(host="shop.example", path="/", backend=Backend(service=service, port=port))
    return Ingress(**{"name": "shop", "class_name": "nginx", "rules": (rule,), **changes})


def policy(*directions: str, **changes: Any) -> NetworkPolicy:
    """A policy on every pod that allows nothing in these directions, made twelve minutes ago."""
    known: dict[str, Any] = {
        "name": "deny",
        "selects_all": True,
        "directions": directions,
        "allows_nothing": directions,
        "created": ago(minutes=12),
    }
    return NetworkPolicy(**{**known, **changes})


def budget(allowed: int = 0, healthy: int = 2, **changes: Any) -> Budget:
    """A budget of both pods of web."""
    known: dict[str, Any] = {
        "name": "web",
        "selector": {"app": "web"},
        "minimum": "2",
        "allowed": allowed,
        "healthy": healthy,
        "wanted": 2,
        "expected": 2,
    }
    return Budget(**{**known, **changes})


def leads(target: str, **changes: object) -> Service:
    """The Service web, leading to that container port."""
    return service({"app": "web"}).model_copy(update={"ports": (ServicePort(port=80, target=target),), **changes})


def pulling(name: str, owner: str, image: str = "registry.local/web:3.1.0", host: str = "node-0") -> Pod:
    """A pod whose image does not come."""
    asked = template(container(image=image))
    return pod(
        waiting("ImagePullBackOff"),
        name=name,
        owner_name=owner,
        replica_set="",
        phase="Pending",
        node=host,
        asked=asked,
    )


def told(name: str, *lines: str) -> Log:
    """The log of a pod."""
    return Log(pod=name, container="app", previous=False, lines=lines)


def resolver(*, ready: bool) -> Pod:
    """A CoreDNS pod."""
    return pod(
        state(ready=ready), ready=ready, name="coredns-x", labels={"k8s-app": "kube-dns"}, owner_name="coredns",
        replica_set="coredns",
    )  # fmt: skip


def healthy(**changes: Any) -> Picture:
    """A namespace in which everything is there and everything is well."""
    asked = mounting(DATA)
    known: dict[str, Any] = {
        "workloads": (deployment(asked),),
        "pods": (well(asked=asked), well("web-1-bbbbb", asked=asked, node="node-1")),
        "nodes": (node("node-0"), node("node-1")),
        "services": (service({"app": "web"}),),
        "endpoints": (endpoints(2).model_copy(update={"ports": (8080,)}),),
        "ingresses": (ingress(addresses=("192.0.2.1",)),),
        "ingress_classes": (NGINX,),
        "claims": (claim("Bound", volume="pv-1"),),
        "volumes": (volume("Bound"),),
        "storage_classes": (STANDARD, LATE),
        "budgets": (budget(allowed=0),),
        "network_policies": (policy("Ingress", "Egress", created=ago(days=30)),),
    }
    return picture(**{**known, **changes})


def two_lines(first: str, second: str, *, ready: bool = False) -> Picture:
    """Two workloads and the last line of each."""
    make = well if ready else unready
    pods = (make("web-x"), make("api-x", owner_name="api", replica_set="", labels={"app": "api"}))
    logs = tuple(
        Log(pod=name, container="app", previous=False, lines=(line,))
        for name, line in (("web-x", first), ("api-x", second))
    )
    return healthy(pods=pods, endpoints=(), logs=logs)


def closing(
    pods: tuple[Pod, ...], *policies: NetworkPolicy, line: str = "dial tcp 10.0.0.9:5432: i/o timeout"
) -> Picture:
    """Pods under policies, with time-outs in the log."""
    return healthy(pods=pods, endpoints=(), logs=(log(line),), network_policies=policies)
