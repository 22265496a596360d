"""Rows about workloads and pods: what runs, how each does, what changed, what runs in batches and what scales."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tools.changes import around
from tools.clients import Readers
from tools.clients.kubernetes import KubernetesSource, path_to
from tools.diagnosis.kubernetes.changes import changed
from tools.diagnosis.kubernetes.timeline import changes
from tools.evidence import Evidence
from tools.reads.kubernetes import batch, kinds, prose, workloads
from tools.reads.kubernetes import pods as parsing
from tools.reads.kubernetes.looking import look
from tools.reads.kubernetes.prose_around import cron_job, job, last_words, pod_in_full
from tools.reads.kubernetes.rows.asked import (
    InNamespace,
    OfChanges,
    OfDeployment,
    OfPod,
    listed,
    reader_of,
    spoken,
    status,
)
from tools.reads.kubernetes.views import Pod, Workload
from tools.reads.read import Read


def list_workloads(asked: InNamespace, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """Every workload of a namespace and every pod that is not well."""
    reader = reader_of(readers)
    found = _workloads(asked.namespace, reader)
    lines = [prose.workload(one) for one in found]
    ill = [pod for pod in _pods(asked.namespace, reader) if not pod.ready and pod.phase != "Succeeded"]
    lines += [prose.pod(pod) for pod in ill]
    summary = f"{len(found)} workloads, {len(ill)} pods not ready"
    return status("k8s_list_workloads", asked.namespace, summary, lines, at)


def describe_workload(asked: OfDeployment, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """One Deployment: counts, conditions, containers, and each of its pods."""
    reader = reader_of(readers)
    found = _deployment(asked.namespace, asked.deployment, reader)
    ours = [pod for pod in _pods(asked.namespace, reader) if _belongs(pod, found)]
    lines = [prose.workload(found), *prose.conditions(found), *prose.template(found.template)]
    lines += [prose.pod(pod) for pod in ours]
    query = f"{asked.namespace}/deployments/{asked.deployment}"
    return status("k8s_describe_workload", query, prose.workload(found), lines, at)


def list_pods(asked: InNamespace, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """Every pod with its owner and its node."""
    reader = reader_of(readers)
    found = workloads.adopt(_pods(asked.namespace, reader), listed(kinds.REPLICA_SETS, asked.namespace, reader))
    lines = [f"{prose.pod(pod)}; of {pod.owner_kind} {pod.owner_name}, on {pod.node or 'no node'}" for pod in found]
    return status("k8s_list_pods", f"{asked.namespace}/pods", f"{len(found)} pods", lines, at)


def describe_pod(asked: OfPod, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """One pod: conditions, containers and how they ended, volumes, what it asks for."""
    found = parsing.pod(reader_of(readers).get(path_to("v1", "pods", asked.namespace, asked.pod)))
    lines = [*pod_in_full(found), *prose.template(found.asked)]
    query = f"{asked.namespace}/pods/{asked.pod}"
    described = status("k8s_describe_pod", query, prose.pod(found)[:200], lines, at)
    told = list(last_words(found))
    words = spoken("k8s_describe_pod", f"{query} last words", "what it wrote as it ended", told, at) if told else ()
    return (*described, *words)


def what_changed(asked: OfChanges, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """One Deployment's revisions and what each changed; without one, everything that changed in the namespace."""
    if asked.deployment is None:
        return _what_changed_around(asked.namespace, at, readers)
    found = _deployment(asked.namespace, asked.deployment, reader_of(readers))
    lines: list[str] = []
    for newer, older in zip(found.revisions, (*found.revisions[1:], None), strict=True):
        lines.append(prose.revision(newer, current=newer.number == found.revision))
        differences = changed(older.template, newer.template) if older else ()
        lines += [f"  {difference}" for difference in differences]
    query = f"{asked.namespace}/deployments/{asked.deployment} revisions"
    return status("k8s_what_changed", query, f"{len(found.revisions)} revisions kept", lines, at)


def list_jobs(asked: InNamespace, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """Every CronJob and every Job."""
    reader = reader_of(readers)
    timed = [batch.cron_job(raw) for raw in listed(kinds.CRON_JOBS, asked.namespace, reader)]
    runs = [batch.job(raw) for raw in listed(kinds.JOBS, asked.namespace, reader)]
    lines = [*(cron_job(one) for one in timed), *(job(one) for one in runs)]
    summary = f"{len(timed)} CronJobs, {len(runs)} Jobs"
    return status("k8s_list_jobs", f"{asked.namespace}/jobs", summary, lines, at)


def list_autoscalers(asked: InNamespace, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """Every HorizontalPodAutoscaler of a namespace: its bounds, its count and what limits it."""
    raws = listed(kinds.AUTOSCALERS, asked.namespace, reader_of(readers))
    lines = [prose.autoscaler(workloads.autoscaler(raw)) for raw in raws]
    query = f"{asked.namespace}/horizontalpodautoscalers"
    return status("k8s_list_autoscalers", query, f"{len(lines)} autoscalers", lines, at)


ROWS: tuple[Read[Any], ...] = (
    Read(
        name="k8s_list_workloads",
        description="Deployments, StatefulSets and DaemonSets of a namespace with their counts, and pods not ready.",
        arguments=InNamespace,
        run=list_workloads,
        permissions=tuple(
            kind.permission
            for kind in (kinds.DEPLOYMENTS, kinds.STATEFUL_SETS, kinds.DAEMON_SETS, kinds.REPLICA_SETS, kinds.PODS)
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
        name="k8s_list_pods",
        description="Every pod of a namespace with its state, owner and node.",
        arguments=InNamespace,
        run=list_pods,
        permissions=("list pods", "list replicasets.apps"),
    ),
    Read(
        name="k8s_describe_pod",
        description="One pod in detail: conditions, how its containers ended, volumes, requests.",
        arguments=OfPod,
        run=describe_pod,
        permissions=("get pods",),
    ),
    Read(
        name="k8s_what_changed",
        description="What each rollout of a Deployment changed; without one, all recent changes of the namespace.",
        arguments=OfChanges,
        run=what_changed,
        permissions=("get deployments.apps", *(kind.permission for kind in kinds.ALWAYS)),
    ),
    Read(
        name="k8s_list_jobs",
        description="CronJobs and Jobs of a namespace, and how they ended.",
        arguments=InNamespace,
        run=list_jobs,
        permissions=(kinds.CRON_JOBS.permission, kinds.JOBS.permission),
    ),
    Read(
        name="k8s_list_autoscalers",
        description="HorizontalPodAutoscalers of a namespace with their bounds, metrics and conditions.",
        arguments=InNamespace,
        run=list_autoscalers,
        permissions=(kinds.AUTOSCALERS.permission,),
    ),
)


def _what_changed_around(namespace: str, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    picture = look(namespace, at, reader_of(readers))
    found = around(changes(picture), picture.now)
    lines = [*(str(change) for change in found), *(f"not known: {gap}" for gap in picture.gaps)]
    query = f"{namespace} changes"
    # Names of writers and messages of events are anybody's text.
    return spoken("k8s_what_changed", query, f"{len(found)} changes in the last 6 hours", lines, at)


def _deployment(namespace: str, name: str, reader: KubernetesSource) -> Workload:
    raw = reader.get(path_to("apps/v1", "deployments", namespace, name))
    return workloads.deployment(raw, listed(kinds.REPLICA_SETS, namespace, reader))


def _workloads(namespace: str, reader: KubernetesSource) -> tuple[Workload, ...]:
    replica_sets = listed(kinds.REPLICA_SETS, namespace, reader)
    return (
        *(workloads.deployment(raw, replica_sets) for raw in listed(kinds.DEPLOYMENTS, namespace, reader)),
        *(workloads.stateful_set(raw) for raw in listed(kinds.STATEFUL_SETS, namespace, reader)),
        *(workloads.daemon_set(raw) for raw in listed(kinds.DAEMON_SETS, namespace, reader)),
    )


def _pods(namespace: str, reader: KubernetesSource) -> tuple[Pod, ...]:
    return tuple(parsing.pod(raw) for raw in listed(kinds.PODS, namespace, reader))


def _belongs(pod: Pod, workload: Workload) -> bool:
    return pod.replica_set in {revision.replica_set for revision in workload.revisions}
