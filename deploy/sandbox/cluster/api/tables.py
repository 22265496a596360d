"""kubectl's tables: which columns each kind has, and how the table is built from rows. The cells are in `cells`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from deploy.sandbox.cluster.api import cells
from deploy.sandbox.cluster.objects.resources import Resource
from deploy.sandbox.cluster.objects.shapes import Object

_CONTAINERS = ("Containers*", "Images*")
_COLUMNS: dict[str, tuple[tuple[str, ...], cells.Row]] = {
    "Pod": (
        ("Name", "Ready", "Status", "Restarts", "Age", "IP*", "Node*", "Nominated Node*", "Readiness Gates*"),
        cells.pod,
    ),
    "Deployment": (("Name", "Ready", "Up-to-date", "Available", "Age", *_CONTAINERS, "Selector*"), cells.deployment),
    "ReplicaSet": (("Name", "Desired", "Current", "Ready", "Age", *_CONTAINERS, "Selector*"), cells.replica_set),
    "StatefulSet": (("Name", "Ready", "Age", *_CONTAINERS), cells.stateful_set),
    "DaemonSet": (
        (
            *("Name", "Desired", "Current", "Ready", "Up-to-date", "Available", "Node Selector", "Age"),
            *(*_CONTAINERS, "Selector*"),
        ),
        cells.daemon_set,
    ),
    "Service": (("Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector*"), cells.service),
    "Node": (
        (
            *("Name", "Status", "Roles", "Age", "Version"),
            *("Internal-IP*", "External-IP*", "OS-Image*", "Kernel-Version*", "Container-Runtime*"),
        ),
        cells.node,
    ),
    "Event": (
        (
            *("Last Seen", "Type", "Reason", "Object", "Subobject*", "Source*", "Message"),
            *("First Seen*", "Count*", "Name*"),
        ),
        cells.event,
    ),
    "Job": (("Name", "Status", "Completions", "Duration", "Age", *_CONTAINERS, "Selector*"), cells.job),
    "HorizontalPodAutoscaler": (
        ("Name", "Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age"),
        cells.autoscaler,
    ),
    "PodDisruptionBudget": (("Name", "Min Available", "Max Unavailable", "Allowed Disruptions", "Age"), cells.budget),
    "Namespace": (("Name", "Status", "Age"), cells.namespace),
}
_OTHERS: tuple[tuple[str, ...], cells.Row] = (("Name", "Age"), cells.anything)
_NUMBERS = frozenset({"Up-to-date", "Available", "Desired", "Current", "MinPods", "MaxPods", "Replicas", "Count"})


def table(resource: Resource, items: Sequence[Object], meta: Object, now: datetime, headed: bool = True) -> Object:
    """A meta.k8s.io/v1 Table of objects; later events of a watch leave the heading out."""
    columns, row = _COLUMNS.get(resource.kind, _OTHERS)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": meta,
        "columnDefinitions": [_definition(column) for column in columns] if headed else None,
        "rows": [{"cells": row(item, now), "object": _metadata(item)} for item in items],
    }


def _definition(column: str) -> Object:
    """A trailing star marks what only `-o wide` shows."""
    name = column.removesuffix("*")
    return {
        "name": name,
        "type": "integer" if name in _NUMBERS else "string",
        "format": "name" if name == "Name" else "",
        "description": "",
        "priority": 1 if column.endswith("*") else 0,
    }


def _metadata(item: Object) -> Object:
    meta = {name: value for name, value in item["metadata"].items() if name != "managedFields"}
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": meta}
