"""Rows about what workloads live on: nodes and usage, storage, quotas and budgets, configuration, GitOps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tools.clients import Readers
from tools.clients.kubernetes import path_to
from tools.evidence import Evidence
from tools.reads.kubernetes import gitops, kinds, limits, prose, prose_around, storage, surroundings
from tools.reads.kubernetes import pods as parsing
from tools.reads.kubernetes.asking import list_all, names
from tools.reads.kubernetes.authorship import keys_of, last_written
from tools.reads.kubernetes.raw import text
from tools.reads.kubernetes.rows.asked import (
    Everywhere,
    InNamespace,
    OfNode,
    listed,
    listed_if_any,
    reader_of,
    spoken,
    status,
)
from tools.reads.read import Read
from tools.values import JsonObject


def list_nodes(asked: Everywhere, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """Every node: whether it is ready, what it offers, what it refuses."""
    found = [surroundings.node(raw) for raw in listed(kinds.NODES, None, reader_of(readers))]
    lines = [prose.node(one) for one in found]
    return status("k8s_list_nodes", "nodes", f"{len(found)} nodes", lines, at)


def describe_node(asked: OfNode, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """One node: conditions, labels, and the pods of every namespace on it."""
    reader = reader_of(readers)
    found = surroundings.node(reader.get(path_to("v1", "nodes", name=asked.node)))
    crowd = list_all(path_to("v1", "pods"), reader, {"fieldSelector": f"spec.nodeName={asked.node}"})
    lines = [*prose_around.node_in_full(found), *(prose_around.tenant(parsing.pod(raw)) for raw in crowd)]
    return status("k8s_describe_node", f"nodes/{asked.node}", f"{len(crowd)} pods on it", lines, at)


def top(asked: InNamespace, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """What the containers of a namespace and the nodes use now."""
    reader = reader_of(readers)
    used = [one for raw in listed(kinds.POD_METRICS, asked.namespace, reader) for one in parsing.usage(raw)]
    nodes = [surroundings.node_usage(raw) for raw in listed(kinds.NODE_METRICS, None, reader)]
    used.sort(key=lambda one: one.memory, reverse=True)
    lines = [*map(prose_around.usage, used), *map(prose_around.node_usage, nodes)]
    return status("k8s_top", f"{asked.namespace} usage", f"{len(used)} containers, {len(nodes)} nodes", lines, at)


def list_storage(asked: InNamespace, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """The claims of a namespace, the volumes bound to them or free, and the storage classes."""
    reader = reader_of(readers)
    claims = [storage.claim(raw) for raw in listed(kinds.CLAIMS, asked.namespace, reader)]
    classes = [storage.storage_class(raw) for raw in listed(kinds.STORAGE_CLASSES, None, reader)]
    volumes = [storage.volume(raw) for raw in listed(kinds.VOLUMES, None, reader)]
    near = [one for one in volumes if not one.claim or one.claim.startswith(f"{asked.namespace}/")]
    lines = [
        *map(prose_around.claim, claims),
        *map(prose_around.volume, near),
        *map(prose_around.storage_class, classes),
    ]
    summary = f"{len(claims)} claims, {len(near)} volumes, {len(classes)} storage classes"
    return status("k8s_list_storage", f"{asked.namespace}/persistentvolumeclaims", summary, lines, at)


def list_limits(asked: InNamespace, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """Quotas, limit ranges and disruption budgets of a namespace."""
    reader = reader_of(readers)
    quotas = [limits.quota(raw) for raw in listed(kinds.QUOTAS, asked.namespace, reader)]
    ranges = [one for raw in listed(kinds.LIMIT_RANGES, asked.namespace, reader) for one in limits.limit_ranges(raw)]
    budgets = [limits.budget(raw) for raw in listed(kinds.BUDGETS, asked.namespace, reader)]
    lines = [
        *map(prose_around.quota, quotas),
        *map(prose_around.limit_range, ranges),
        *map(prose_around.budget, budgets),
    ]
    summary = f"{len(quotas)} quotas, {len(ranges)} limits, {len(budgets)} budgets"
    return status("k8s_list_limits", f"{asked.namespace}/resourcequotas", summary, lines, at)


def list_configs(asked: InNamespace, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """ConfigMaps by name, keys and last writer; Secrets by name where they may be listed. Never a value."""
    reader = reader_of(readers)
    maps = listed(kinds.CONFIG_MAPS, asked.namespace, reader)
    lines = [_config_map(raw) for raw in maps]
    secrets, refused = listed_if_any(kinds.SECRETS, asked.namespace, reader)
    lines += [f"Secret {name}" for name in names(secrets)]
    summary = f"{len(maps)} ConfigMaps" + (f", {refused}" if refused else f", {len(secrets)} Secrets")
    return status("k8s_list_configs", f"{asked.namespace}/configmaps", summary, [*lines, refused], at)


def list_gitops(asked: InNamespace, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """What keeps the namespace in step with git, where the cluster has any of it."""
    reader = reader_of(readers)
    lines: list[str] = []
    for kind, named in (
        (kinds.APPLICATIONS, ""),
        (kinds.KUSTOMIZATIONS, "Kustomization"),
        (kinds.HELM_RELEASES, "HelmRelease"),
    ):
        raws, refused = listed_if_any(kind, asked.namespace, reader)
        ours = [raw for raw in raws if gitops.serves(raw, asked.namespace)]
        lines += [prose_around.app(gitops.flux(raw, named) if named else gitops.application(raw)) for raw in ours]
        lines += [refused] if refused else []
    found = lines or ["nothing"]
    return spoken("k8s_list_gitops", f"{asked.namespace} gitops", f"{len(lines)} found", found, at)


ROWS: tuple[Read[Any], ...] = (
    Read(
        name="k8s_list_nodes",
        description="Nodes of the cluster: readiness, room, taints, pressure.",
        arguments=Everywhere,
        run=list_nodes,
        permissions=(kinds.NODES.permission,),
    ),
    Read(
        name="k8s_describe_node",
        description="One node: conditions, labels, and the pods on it.",
        arguments=OfNode,
        run=describe_node,
        permissions=("get nodes", "list pods"),
    ),
    Read(
        name="k8s_top",
        description="Memory and CPU that containers of a namespace and the nodes use now.",
        arguments=InNamespace,
        run=top,
        permissions=(kinds.POD_METRICS.permission, kinds.NODE_METRICS.permission),
    ),
    Read(
        name="k8s_list_storage",
        description="Claims of a namespace, their volumes, and the storage classes.",
        arguments=InNamespace,
        run=list_storage,
        permissions=(kinds.CLAIMS.permission, kinds.VOLUMES.permission, kinds.STORAGE_CLASSES.permission),
    ),
    Read(
        name="k8s_list_limits",
        description="Quotas, LimitRanges and PodDisruptionBudgets of a namespace.",
        arguments=InNamespace,
        run=list_limits,
        permissions=(kinds.QUOTAS.permission, kinds.LIMIT_RANGES.permission, kinds.BUDGETS.permission),
    ),
    Read(
        name="k8s_list_configs",
        description="ConfigMaps of a namespace by name, keys and last writer, and Secrets by name. No values.",
        arguments=InNamespace,
        run=list_configs,
        permissions=(kinds.CONFIG_MAPS.permission,),
    ),
    Read(
        name="k8s_list_gitops",
        description="Argo CD Applications and Flux objects that deploy to a namespace, and their state.",
        arguments=InNamespace,
        run=list_gitops,
        permissions=tuple(kind.permission for kind in (kinds.APPLICATIONS, kinds.KUSTOMIZATIONS, kinds.HELM_RELEASES)),
    ),
)


def _config_map(raw: JsonObject) -> str:
    keys = [key for field in ("data", "binaryData") for key in keys_of(raw, field)]
    wrote = last_written(raw, "data")
    by = f", last written by {wrote.by} at {wrote.at.isoformat()}" if wrote.at else ""
    return f"ConfigMap {text(raw, 'metadata', 'name')} keys {', '.join(keys) or 'not told'}{by}"
