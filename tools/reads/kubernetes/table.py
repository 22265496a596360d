"""What the model may ask about Kubernetes: the rows of READS. Each answers with redacted evidence and changes nothing.

Secrets and ConfigMaps have no row, and environment variables appear by name and source only.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from tools.actions import DnsName
from tools.clients import Readers
from tools.clients.kubernetes import KubernetesReader, path_to
from tools.diagnosis.kubernetes.changes import changed
from tools.errors import PermanentError
from tools.evidence import Evidence, Trust, evidence
from tools.reads.kubernetes import pods as parsing
from tools.reads.kubernetes import prose, surroundings, workloads
from tools.reads.kubernetes.looking import LOG_LINES, list_all, read_log
from tools.reads.kubernetes.picture import Pod, Workload
from tools.reads.read import Read
from tools.redaction import redact
from tools.values import JsonObject, Value

MOST_EVENTS = 40


class InNamespace(Value):
    """Which namespace to look at."""

    namespace: DnsName


class OfDeployment(InNamespace):
    """Which Deployment to look at."""

    deployment: DnsName


class OfPodLog(InNamespace):
    """Whose log to read, and which run of the container."""

    pod: DnsName
    container: DnsName
    previous: bool = False
    lines: Annotated[int, Field(ge=1, le=200)] = LOG_LINES


class OfEvents(InNamespace):
    """Events of a namespace, or of one object in it."""

    name: DnsName | None = None


class Everywhere(Value):
    """Cluster-wide; nothing to choose."""


def list_workloads(asked: InNamespace, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """Every workload of a namespace and every pod that is not well."""
    reader = _reader(readers)
    found = _workloads(asked.namespace, reader)
    lines = [prose.workload(one) for one in found]
    ill = [pod for pod in _pods(asked.namespace, reader) if not pod.ready and pod.phase != "Succeeded"]
    lines += [prose.pod(pod) for pod in ill]
    summary = f"{len(found)} workloads, {len(ill)} pods not ready"
    return (_status("k8s_list_workloads", asked.namespace, summary, lines, at),)


def describe_workload(asked: OfDeployment, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """One Deployment: counts, conditions, containers, and each of its pods."""
    reader = _reader(readers)
    found = _deployment(asked, reader)
    ours = [pod for pod in _pods(asked.namespace, reader) if _belongs(pod, found)]
    lines = [prose.workload(found), *prose.conditions(found), *prose.template(found.template)]
    lines += [prose.pod(pod) for pod in ours]
    query = f"{asked.namespace}/deployments/{asked.deployment}"
    return (_status("k8s_describe_workload", query, prose.workload(found), lines, at),)


def what_changed(asked: OfDeployment, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """The revisions of one Deployment, and what each changed against the one before it."""
    found = _deployment(asked, _reader(readers))
    lines: list[str] = []
    for newer, older in zip(found.revisions, (*found.revisions[1:], None), strict=True):
        lines.append(prose.revision(newer, current=newer.number == found.revision))
        differences = changed(older.template, newer.template) if older else ()
        lines += [f"  {difference}" for difference in differences]
    query = f"{asked.namespace}/deployments/{asked.deployment} revisions"
    return (_status("k8s_what_changed", query, f"{len(found.revisions)} revisions kept", lines, at),)


def pod_logs(asked: OfPodLog, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """The end of one container's log."""
    log = read_log(
        asked.namespace,
        asked.pod,
        asked.container,
        _reader(readers),
        previous=asked.previous,
        lines=asked.lines,
    )
    run = "previous" if asked.previous else "current"
    return (
        evidence(
            tool="k8s_pod_logs",
            query=f"{asked.namespace}/pods/{asked.pod} log of {asked.container}, {run} run",
            summary=f"{len(log.lines)} lines of the {run} run",
            excerpt="\n".join(log.lines),
            at=at,
            trust=Trust.TEXT,
        ),
    )


def list_events(asked: OfEvents, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """The newest events, of a namespace or of one object."""
    query = {"fieldSelector": f"involvedObject.name={asked.name}"} if asked.name else {}
    raw = list_all(path_to("v1", "events", asked.namespace), _reader(readers), query)
    found = sorted((surroundings.event(one) for one in raw), key=prose.when)
    return (
        evidence(
            tool="k8s_list_events",
            query=f"{asked.namespace}/events {asked.name or ''}".strip(),
            summary=f"{len(found)} events",
            excerpt=redact("\n".join(prose.event(one) for one in found[-MOST_EVENTS:])),
            at=at,
            trust=Trust.TEXT,
        ),
    )


def list_services(asked: InNamespace, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """Every Service of a namespace: its selector, its ports and its endpoints."""
    reader = _reader(readers)
    slices = list_all(path_to("discovery.k8s.io/v1", "endpointslices", asked.namespace), reader)
    endpoints = {found.service: found for found in surroundings.endpoints(slices)}
    found = [surroundings.service(raw) for raw in list_all(path_to("v1", "services", asked.namespace), reader)]
    lines = [prose.service(one, endpoints.get(one.name)) for one in found]
    return (_status("k8s_list_services", f"{asked.namespace}/services", f"{len(found)} services", lines, at),)


def list_autoscalers(asked: InNamespace, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """Every HorizontalPodAutoscaler of a namespace: its bounds, its count and what limits it."""
    path = path_to("autoscaling/v2", "horizontalpodautoscalers", asked.namespace)
    found = [workloads.autoscaler(raw) for raw in list_all(path, _reader(readers))]
    lines = [prose.autoscaler(one) for one in found]
    query = f"{asked.namespace}/horizontalpodautoscalers"
    return (_status("k8s_list_autoscalers", query, f"{len(found)} autoscalers", lines, at),)


def list_nodes(asked: Everywhere, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """Every node: whether it is ready, what it offers, what it refuses."""
    found = [surroundings.node(raw) for raw in list_all(path_to("v1", "nodes"), _reader(readers))]
    lines = [prose.node(one) for one in found]
    return (_status("k8s_list_nodes", "nodes", f"{len(found)} nodes", lines, at),)


READS: tuple[Read[Any], ...] = (
    Read(
        name="k8s_list_workloads",
        description="Deployments, StatefulSets and DaemonSets of a namespace with their counts, and pods not ready.",
        arguments=InNamespace,
        run=list_workloads,
        permissions=(
            "list deployments.apps",
            "list statefulsets.apps",
            "list daemonsets.apps",
            "list replicasets.apps",
            "list pods",
        ),
    ),
    Read(
        name="k8s_describe_workload",
        description="One Deployment in detail: conditions, containers, probes, resources, names of variables, pods.",
        arguments=OfDeployment,
        run=describe_workload,
        permissions=("get deployments.apps", "list replicasets.apps", "list pods"),
    ),
    Read(
        name="k8s_what_changed",
        description="The revisions of one Deployment and what each rollout changed.",
        arguments=OfDeployment,
        run=what_changed,
        permissions=("get deployments.apps", "list replicasets.apps"),
    ),
    Read(
        name="k8s_pod_logs",
        description="The last log lines of one container; previous=true for the run before its last restart.",
        arguments=OfPodLog,
        run=pod_logs,
        permissions=("get pods/log",),
    ),
    Read(
        name="k8s_list_events",
        description="The newest events of a namespace, or of one object by name.",
        arguments=OfEvents,
        run=list_events,
        permissions=("list events",),
    ),
    Read(
        name="k8s_list_services",
        description="Services of a namespace with their selectors, ports and ready endpoints.",
        arguments=InNamespace,
        run=list_services,
        permissions=("list services", "list endpointslices.discovery.k8s.io"),
    ),
    Read(
        name="k8s_list_autoscalers",
        description="HorizontalPodAutoscalers of a namespace with their bounds and conditions.",
        arguments=InNamespace,
        run=list_autoscalers,
        permissions=("list horizontalpodautoscalers.autoscaling",),
    ),
    Read(
        name="k8s_list_nodes",
        description="Nodes of the cluster: readiness, room, taints, pressure.",
        arguments=Everywhere,
        run=list_nodes,
        permissions=("list nodes",),
    ),
)
"""Every Kubernetes read the model may call."""


def _reader(readers: Readers) -> KubernetesReader:
    if readers.kubernetes is None:
        raise PermanentError("Kubernetes is not configured")
    return readers.kubernetes


def _deployment(asked: OfDeployment, reader: KubernetesReader) -> Workload:
    raw = reader.get(path_to("apps/v1", "deployments", asked.namespace, asked.deployment))
    return workloads.deployment(raw, _replica_sets(asked.namespace, reader))


def _workloads(namespace: str, reader: KubernetesReader) -> tuple[Workload, ...]:
    replica_sets = _replica_sets(namespace, reader)
    deployments = list_all(path_to("apps/v1", "deployments", namespace), reader)
    stateful_sets = list_all(path_to("apps/v1", "statefulsets", namespace), reader)
    daemon_sets = list_all(path_to("apps/v1", "daemonsets", namespace), reader)
    return (
        *(workloads.deployment(raw, replica_sets) for raw in deployments),
        *(workloads.stateful_set(raw) for raw in stateful_sets),
        *(workloads.daemon_set(raw) for raw in daemon_sets),
    )


def _replica_sets(namespace: str, reader: KubernetesReader) -> tuple[JsonObject, ...]:
    return list_all(path_to("apps/v1", "replicasets", namespace), reader)


def _pods(namespace: str, reader: KubernetesReader) -> tuple[Pod, ...]:
    return tuple(parsing.pod(raw) for raw in list_all(path_to("v1", "pods", namespace), reader))


def _belongs(pod: Pod, workload: Workload) -> bool:
    return pod.replica_set in {revision.replica_set for revision in workload.revisions}


def _status(tool: str, query: str, summary: str, lines: list[str], at: datetime) -> Evidence:
    excerpt = redact("\n".join(lines)) or "nothing"
    return evidence(tool=tool, query=query, summary=summary, excerpt=excerpt, at=at, trust=Trust.STATUS)
