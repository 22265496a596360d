"""Raw Kubernetes objects as an API server answers them, and a cluster made of them: one small function a kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.clients.dump import Dump
from tools.clients.dump_files import Kind, LogKey, kind_of
from tools.values import JsonObject

BORN = "2026-11-20T06:00:00Z"
SINCE = "2026-11-20T08:50:00Z"
NAMESPACE = "shop"

Raw = dict[str, Any]


def thing(api_version: str, kind: str, name: str, namespace: str = NAMESPACE, **members: Any) -> Raw:
    """Any object."""
    meta: Raw = {"name": name, "creationTimestamp": BORN, "uid": f"uid-{name}"}
    meta |= {"namespace": namespace} if namespace else {}
    meta |= members.pop("metadata", {})
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, **members}


def condition(kind: str, status: str = "True", reason: str = "", message: str = "") -> Raw:
    """One condition."""
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": SINCE}


def wrote(manager: str, fields: Raw, at: str = SINCE, **more: Any) -> Raw:
    """One entry of managedFields."""
    return {"manager": manager, "operation": "Update", "time": at, "fieldsV1": fields, **more}


def pod(name: str = "web-1", **members: Any) -> Raw:
    """A pod that runs and is ready."""
    ready = [condition("Ready"), condition("PodScheduled")]
    running = {"name": "app", "ready": True, "restartCount": 0, "state": {"running": {"startedAt": BORN}}}
    spec = {"nodeName": "node-0", "containers": [{"name": "app", "image": "registry.local/web:3.1.0"}]}
    known: Raw = {
        "spec": spec | members.pop("spec", {}),
        "status": {"phase": "Running", "conditions": ready, "containerStatuses": [running]} | members.pop("status", {}),
    }
    return thing("v1", "Pod", name, **(known | members))


def node(name: str = "node-0", *states: Raw, **spec: Any) -> Raw:
    """A node that is ready unless told otherwise."""
    room = {"cpu": "4", "memory": "8Gi", "pods": "110"}
    status = {"conditions": list(states) or [condition("Ready")], "allocatable": room}
    return thing("v1", "Node", name, "", spec=spec, status=status)


def event(reason: str, message: str, about: str = "web-1", kind: str = "Pod") -> Raw:
    """A warning."""
    told: Raw = {
        "involvedObject": {"kind": kind, "name": about},
        "type": "Warning",
        "reason": reason,
        "message": message,
    }
    return thing("v1", "Event", f"{about}.{reason.lower()}", **told, lastTimestamp=SINCE, count=3)


def cluster(*objects: Raw, logs: Mapping[LogKey, str] | None = None, refused: tuple[str, ...] = ()) -> Dump:
    """A cluster in which these objects are everything there is."""
    kept: dict[Kind, tuple[JsonObject, ...]] = {}
    for found in objects:
        kind = kind_of(found, found["kind"])
        kept[kind] = (*kept.get(kind, ()), found)
    return Dump(kept, logs or {}, complete=True, refused=refused)
