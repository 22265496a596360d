"""The cells of kubectl's tables: one function a kind, in the order of its columns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from deploy.sandbox.cluster.clock import read_stamp
from deploy.sandbox.cluster.objects.selectors import selector_text
from deploy.sandbox.cluster.objects.shapes import Object, condition_of, is_leaving, is_ready, labels_of, status_of

Row: TypeAlias = Callable[[Object, datetime], list[Any]]

_ROLE = "node-role.kubernetes.io/"


def duration(span: timedelta) -> str:
    """A span as kubectl writes it: 45s, 5m12s, 3h, 4d."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 120:
        return f"{seconds}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    return f"{hours}h" if hours < 48 else f"{days}d"


def _ago(stamp: str | None, now: datetime) -> str:
    return duration(now - read_stamp(stamp)) if stamp else "<unknown>"


def _age(item: Object, now: datetime) -> str:
    return _ago(item["metadata"].get("creationTimestamp"), now)


def anything(item: Object, now: datetime) -> list[Any]:
    """Name, Age."""
    return [item["metadata"]["name"], _age(item, now)]


def namespace(item: Object, now: datetime) -> list[Any]:
    """Name, Status, Age."""
    return [item["metadata"]["name"], status_of(item).get("phase", ""), _age(item, now)]


def pod(item: Object, now: datetime) -> list[Any]:
    """Name, Ready, Status, Restarts, Age; IP, Node, Nominated Node, Readiness Gates."""
    status = status_of(item)
    containers = status.get("containerStatuses") or []
    ready = sum(1 for entry in containers if entry["ready"])
    return [
        item["metadata"]["name"],
        f"{ready}/{len(item['spec']['containers'])}",
        pod_state(item),
        _restarts(containers, now),
        _age(item, now),
        status.get("podIP") or "<none>",
        item["spec"].get("nodeName") or "<none>",
        status.get("nominatedNodeName") or "<none>",
        "<none>",
    ]


def pod_state(item: Object) -> str:
    """The one word kubectl shows for a pod: its phase, or what its containers wait for."""
    status = status_of(item)
    shown = status.get("reason") or status.get("phase", "Unknown")
    inits = status.get("initContainerStatuses") or []
    for index, entry in enumerate(inits):
        ended = (entry.get("state") or {}).get("terminated")
        if ended and ended["exitCode"] == 0:
            continue
        waiting = ((entry.get("state") or {}).get("waiting") or {}).get("reason", "PodInitializing")
        shown = f"Init:{index}/{len(inits)}" if waiting == "PodInitializing" else f"Init:{waiting}"
        return "Terminating" if is_leaving(item) else shown
    for entry in reversed(status.get("containerStatuses") or []):
        state = entry.get("state") or {}
        if state.get("waiting", {}).get("reason"):
            shown = state["waiting"]["reason"]
        elif state.get("terminated"):
            shown = state["terminated"].get("reason") or f"ExitCode:{state['terminated']['exitCode']}"
    return "Terminating" if is_leaving(item) else str(shown)


def _restarts(containers: list[Object], now: datetime) -> str:
    count = sum(entry["restartCount"] for entry in containers)
    ends = [(entry.get("lastState") or {}).get("terminated") for entry in containers]
    last = max((end["finishedAt"] for end in ends if end), default=None)
    return f"{count} ({_ago(last, now)} ago)" if count and last else str(count)


def _template_cells(item: Object) -> list[Any]:
    containers = ((item["spec"].get("template") or {}).get("spec") or {}).get("containers") or []
    return [
        ",".join(entry["name"] for entry in containers),
        ",".join(entry["image"] for entry in containers),
    ]


def deployment(item: Object, now: datetime) -> list[Any]:
    """Name, Ready, Up-to-date, Available, Age; Containers, Images, Selector."""
    status = status_of(item)
    return [
        item["metadata"]["name"],
        f"{status.get('readyReplicas', 0)}/{item['spec']['replicas']}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        _age(item, now),
        *_template_cells(item),
        selector_text(item["spec"].get("selector")),
    ]


def replica_set(item: Object, now: datetime) -> list[Any]:
    """Name, Desired, Current, Ready, Age; Containers, Images, Selector."""
    status = status_of(item)
    return [
        item["metadata"]["name"],
        item["spec"]["replicas"],
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        _age(item, now),
        *_template_cells(item),
        selector_text(item["spec"].get("selector")),
    ]


def stateful_set(item: Object, now: datetime) -> list[Any]:
    """Name, Ready, Age; Containers, Images."""
    ready = f"{status_of(item).get('readyReplicas', 0)}/{item['spec']['replicas']}"
    return [item["metadata"]["name"], ready, _age(item, now), *_template_cells(item)]


def daemon_set(item: Object, now: datetime) -> list[Any]:
    """Name, Desired, Current, Ready, Up-to-date, Available, Node Selector, Age; Containers, Images, Selector."""
    status = status_of(item)
    wanted = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled")
    selector = item["spec"]["template"]["spec"].get("nodeSelector") or {}
    return [
        item["metadata"]["name"],
        *(status.get(name, 0) for name in wanted),
        status.get("numberAvailable", 0),
        ",".join(f"{name}={value}" for name, value in selector.items()) or "<none>",
        _age(item, now),
        *_template_cells(item),
        selector_text(item["spec"].get("selector")),
    ]


def service(item: Object, now: datetime) -> list[Any]:
    """Name, Type, Cluster-IP, External-IP, Port(s), Age; Selector."""
    spec = item["spec"]
    ports = [f"{port['port']}/{port.get('protocol', 'TCP')}" for port in spec.get("ports") or []]
    external = spec.get("externalName") or ("<pending>" if spec.get("type") == "LoadBalancer" else "<none>")
    return [
        item["metadata"]["name"],
        spec.get("type", "ClusterIP"),
        spec.get("clusterIP") or "<none>",
        external,
        ",".join(ports) or "<none>",
        _age(item, now),
        ",".join(f"{name}={value}" for name, value in (spec.get("selector") or {}).items()) or "<none>",
    ]


def node(item: Object, now: datetime) -> list[Any]:
    """Name, Status, Roles, Age, Version; Internal-IP, External-IP, OS-Image, Kernel-Version, Container-Runtime."""
    info = status_of(item).get("nodeInfo") or {}
    addresses = {entry["type"]: entry["address"] for entry in status_of(item).get("addresses") or []}
    found = condition_of(item, "Ready")
    state = ("Ready" if is_ready(item) else "NotReady") if found else "Unknown"
    roles = [label.removeprefix(_ROLE) for label in labels_of(item) if label.startswith(_ROLE)]
    return [
        item["metadata"]["name"],
        f"{state},SchedulingDisabled" if item["spec"].get("unschedulable") else state,
        ",".join(roles) or "<none>",
        _age(item, now),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP", "<none>"),
        addresses.get("ExternalIP", "<none>"),
        info.get("osImage", "<unknown>"),
        info.get("kernelVersion", "<unknown>"),
        info.get("containerRuntimeVersion", "<unknown>"),
    ]


def event(item: Object, now: datetime) -> list[Any]:
    """Last Seen, Type, Reason, Object, Subobject, Source, Message, First Seen, Count, Name."""
    involved = item["involvedObject"]
    return [
        _ago(item.get("lastTimestamp") or item.get("eventTime") or item["metadata"].get("creationTimestamp"), now),
        item.get("type", ""),
        item.get("reason", ""),
        f"{involved.get('kind', '').lower()}/{involved.get('name', '')}",
        involved.get("fieldPath", ""),
        (item.get("source") or {}).get("component", ""),
        item.get("message", ""),
        _ago(item.get("firstTimestamp") or item["metadata"].get("creationTimestamp"), now),
        item.get("count", 1),
        item["metadata"]["name"],
    ]


def job(item: Object, now: datetime) -> list[Any]:
    """Name, Status, Completions, Duration, Age; Containers, Images, Selector."""
    status = status_of(item)
    state = next(
        (kind for kind in ("Complete", "Failed") if (condition_of(item, kind) or {}).get("status") == "True"), ""
    )
    started, ended = status.get("startTime"), status.get("completionTime")
    took = duration((read_stamp(ended) if ended else now) - read_stamp(started)) if started else ""
    return [
        item["metadata"]["name"],
        state or ("Suspended" if item["spec"].get("suspend") else "Running"),
        f"{status.get('succeeded', 0)}/{item['spec'].get('completions') or 1}",
        took,
        _age(item, now),
        *_template_cells(item),
        selector_text(item["spec"].get("selector")),
    ]


def autoscaler(item: Object, now: datetime) -> list[Any]:
    """Name, Reference, Targets, MinPods, MaxPods, Replicas, Age."""
    spec, status = item["spec"], status_of(item)
    target = spec["scaleTargetRef"]
    return [
        item["metadata"]["name"],
        f"{target['kind']}/{target['name']}",
        ", ".join(_metric(metric, status) for metric in spec.get("metrics") or []) or "<none>",
        str(spec.get("minReplicas", 1)),
        spec["maxReplicas"],
        status.get("currentReplicas", 0),
        _age(item, now),
    ]


def _metric(metric: Object, status: Object) -> str:
    wanted = metric.get("resource") or {}
    current: Object = next(
        (
            found["resource"]["current"]
            for found in status.get("currentMetrics") or []
            if (found.get("resource") or {}).get("name") == wanted.get("name")
        ),
        {},
    )
    target = wanted.get("target") or {}
    if "averageUtilization" in target:
        now = current.get("averageUtilization")
        shown = "<unknown>" if now is None else f"{now}%"
        return f"{wanted.get('name')}: {shown}/{target['averageUtilization']}%"
    return f"{wanted.get('name')}: {current.get('averageValue', '<unknown>')}/{target.get('averageValue', '?')}"


def budget(item: Object, now: datetime) -> list[Any]:
    """Name, Min Available, Max Unavailable, Allowed Disruptions, Age."""
    spec = item["spec"]
    shown = [str(spec[name]) if spec.get(name) is not None else "N/A" for name in ("minAvailable", "maxUnavailable")]
    return [item["metadata"]["name"], *shown, status_of(item).get("disruptionsAllowed", 0), _age(item, now)]
