"""Parts of pictures about workloads as wholes: conditions, autoscalers, sets, jobs, quotas; beside `pictures`."""

from __future__ import annotations

from typing import Any

from tests.tools.kubernetes.pictures import ago, deployment, ended, pod, revision, state, template, waiting
from tools.reads.kubernetes.views import Autoscaler, Condition, CronJob, Event, Job, MetricTarget, Pod, Workload

QUOTA = (
    'pods "web-2-x" is forbidden: exceeded quota: compute, requested: requests.cpu=500m, '
    "used: requests.cpu=2, limited: requests.cpu=2"
)
SECURITY = (
    'pods "web-2-x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false '
    '(container "app" must set securityContext.allowPrivilegeEscalation=false)'
)
RANGE = 'pods "web-2-x" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi'
HOOK = (
    'Internal error occurred: failed calling webhook "inject.mesh.io": failed to call webhook: Post '
    '"https://injector.mesh.svc:443/inject?timeout=10s": no endpoints available for service "injector"'
)


def said(kind: str, status: str, reason: str = "", message: str = "", **time: float) -> Condition:
    """A condition, twenty minutes old unless told otherwise."""
    return Condition(type=kind, status=status, reason=reason, message=message, since=ago(**(time or {"minutes": 20})))


def short(*conditions: Condition, available: int = 1, **changes: Any) -> Workload:
    """A Deployment with one of two replicas, whose revision 1 serves beside a revision 2 that does not come up."""
    known: dict[str, Any] = {
        "available": available,
        "ready": available,
        "updated": 1,
        "conditions": conditions,
    }
    return deployment(template(), revision(1, template(), available=available), **{**known, **changes})


def refused(message: str, **changes: Any) -> Workload:
    """A Deployment whose newest pods the API server refuses."""
    return short(said("ReplicaFailure", "True", "FailedCreate", message), **{"replicas": 1, **changes})


def scaler(*conditions: Condition, **changes: Any) -> Autoscaler:
    """An autoscaler of the Deployment web, from 2 to 6, a day old."""
    known: dict[str, Any] = {
        "name": "web",
        "target_kind": "Deployment",
        "target": "web",
        "minimum": 2,
        "maximum": 6,
        "current": 2,
        "desired": 2,
        "conditions": conditions,
        "created": ago(days=1),
    }
    return Autoscaler(**{**known, **changes})


def cpu(current: str) -> MetricTarget:
    """A CPU metric with a target of 80 %."""
    return MetricTarget(name="cpu", current=current, target="80%")


def stateful(ready: int = 1, **changes: Any) -> Workload:
    """The StatefulSet db, which wants three pods."""
    known: dict[str, Any] = {"wanted": 3, "replicas": 3, "updated": 3, "ready": ready, "available": ready}
    made = deployment(template(), name="db", **{**known, **changes})
    return made.model_copy(update={"kind": "StatefulSet", "revision": None, "revisions": ()})


def daemon(ready: int = 1, **changes: Any) -> Workload:
    """The DaemonSet agent, which wants a pod on both nodes."""
    known: dict[str, Any] = {"wanted": 2, "replicas": 2, "updated": 2, "ready": ready, "available": ready}
    made = deployment(template(), name="agent", **{**known, **changes})
    return made.model_copy(update={"kind": "DaemonSet", "revision": None, "revisions": ()})


def member(owner: str, kind: str, name: str, *, ready: bool = True, **changes: Any) -> Pod:
    """A pod of a set: running, and ready or not for twenty minutes."""
    condition = said("Ready", "True" if ready else "False")
    known: dict[str, Any] = {"owner_kind": kind, "owner_name": owner, "name": name, "replica_set": ""}
    return pod(state(ready=ready), **{**known, "conditions": (condition,), "node": "node-0", **changes})


def job(*conditions: Condition, name: str = "migrate", **changes: Any) -> Job:
    """A Job made half an hour ago."""
    return Job(**{"name": name, "failed": 1, "created": ago(minutes=30), "conditions": conditions, **changes})


def failed(reason: str = "BackoffLimitExceeded", **time: float) -> Condition:
    """How a Job says that it has given up."""
    return said("Failed", "True", reason, "Job has reached the specified backoff limit", **time)


def run(name: str = "migrate-x", of: str = "migrate", code: int = 1) -> Pod:
    """A pod of a Job that ended for good."""
    stopped = state(ready=False, running_since=None, terminated=ended(code))
    return pod(stopped, name=name, owner_kind="Job", owner_name=of, replica_set="", phase="Failed")


def cron(schedule: str = "0 3 * * *", **changes: Any) -> CronJob:
    """The CronJob nightly."""
    return CronJob(**{"name": "nightly", "schedule": schedule, "created": ago(days=30), **changes})


def evicted(**changes: Any) -> Pod:
    """A pod of web that the kubelet threw out twenty minutes ago."""
    known: dict[str, Any] = {
        "name": "web-1-gone",
        "phase": "Failed",
        "reason": "Evicted",
        "message": "The node was low on resource: memory. Threshold quantity: 100Mi, available: 64Mi.",
        "node": "node-0",
        "conditions": (said("DisruptionTarget", "True", "TerminationByKubelet"),),
    }
    return pod(**{**known, **changes})


def create_failed(kind: str, name: str, message: str, **time: float) -> Event:
    """What a controller says when it may not make a pod."""
    return Event(
        kind=kind, name=name, type="Warning", reason="FailedCreate", message=message, count=9, last_seen=ago(**time)
    )


def pulling(said_by_registry: str = "401 Unauthorized", *secrets: str) -> tuple[Pod, Event]:
    """A pod whose image does not come, and the registry's words."""
    asked = template().model_copy(update={"pull_secrets": secrets})
    message = f'Failed to pull image "registry.local/web:3.1.0": {said_by_registry}'
    ill = pod(waiting("ImagePullBackOff"), asked=asked, phase="Pending")
    failed_pull = Event(
        kind="Pod", name=ill.name, type="Warning", reason="Failed", message=message, count=3, last_seen=ago()
    )
    return ill, failed_pull
