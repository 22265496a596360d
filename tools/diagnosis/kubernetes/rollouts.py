"""Rules about Deployments as wholes: rollouts that do not get done, and replicas short for no known reason."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from tools import resources
from tools.diagnosis.confidence import Strength, confidence
from tools.diagnosis.kubernetes import citing
from tools.diagnosis.kubernetes.citing import Found
from tools.evidence import Evidence, Finding
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Event, Pod, Revision, Workload

PATIENCE = timedelta(minutes=10)
"""How long replicas may be short before it is worth a word: the usual progressDeadlineSeconds."""


def findings(picture: Picture) -> Iterator[Found]:
    """Rollouts past their deadline."""
    for workload in picture.workloads:
        stuck = progress_deadline(workload, picture)
        if stuck is not None:
            yield stuck


def short(picture: Picture, known: Collection[Finding]) -> Iterator[Found]:
    """Deployments that are short and about which nothing else has been found."""
    ill = {finding.resource for finding in known}
    for workload in picture.workloads:
        found = replicas_short(workload, picture)
        if found is not None and found.finding.resource not in ill:
            yield found


def progress_deadline(workload: Workload, picture: Picture) -> Found | None:
    """k8s.progress_deadline: Progressing=False ProgressDeadlineExceeded, and it has not been done since."""
    progressing = workload.condition("Progressing")
    if progressing is None or progressing.reason != "ProgressDeadlineExceeded" or progressing.status != "False":
        return None
    if workload.paused or workload.rolled_out:
        return None
    current = workload.current
    ready = f"{current.available} of {current.wanted}" if current else f"{workload.updated} of {workload.wanted}"
    return citing.found(
        "k8s.progress_deadline",
        f"The rollout of {workload.name} is stuck",
        f"{f'Revision {current.number}' if current else 'The newest revision'} of {workload.name} did not come up "
        f"within its deadline: "
        f"{ready} of its pods are available{_still_serving(workload.previous)}.",
        resource=resources.kubernetes(picture.namespace, workload.kind, workload.name),
        severity=citing.severity_of(workload),
        confidence=confidence(Strength.STATED),
        since=(current.created if current else None) or progressing.since,
        evidence=(
            citing.condition(picture, citing.path_of(workload), progressing),
            citing.counts(picture, workload),
            *_revisions(workload, picture),
            citing.what_changed(picture, workload),
        ),
    )


def replicas_short(workload: Workload, picture: Picture) -> Found | None:
    """k8s.replicas_short: fewer available than wanted for ten minutes; told only where no other rule speaks."""
    if workload.kind != "Deployment" or workload.paused or workload.available >= workload.wanted:
        return None
    missing = unready(workload, picture)
    since = short_since(workload, missing)
    if since is None or picture.now - since < PATIENCE:
        return None
    events = _newest(workload, missing, picture)
    return citing.found(
        "k8s.replicas_short",
        f"{workload.name} has too few replicas",
        f"{workload.name} has had {workload.available} of {workload.wanted} replicas available since "
        f"{since:%H:%M} UTC, and no rule says why{_names(missing)}.",
        resource=resources.kubernetes(picture.namespace, workload.kind, workload.name),
        severity=citing.severity_of(workload),
        confidence=confidence(Strength.TOLD),
        since=since,
        evidence=(
            citing.counts(picture, workload),
            citing.quote(
                picture,
                citing.path_of(workload),
                "short since",
                f"{since:%Y-%m-%d %H:%M} UTC{_names(missing)}",
                "since when, by its conditions and its pods'",
            ),
            *(citing.condition(picture, citing.path_of(workload), said) for said in workload.conditions),
            *(citing.event(picture, event) for event in events),
        ),
    )


def unready(workload: Workload, picture: Picture) -> tuple[Pod, ...]:
    """The pods of a workload that should serve and do not; those that leave do not count."""
    gone = ("Succeeded", "Failed")
    return tuple(pod for pod in picture.pods_of(workload) if not (pod.ready or pod.deleting or pod.phase in gone))


def short_since(workload: Workload, missing: Collection[Pod]) -> datetime | None:
    """Since when replicas are missing: by the Available condition, else by the pod that has waited longest."""
    available = workload.condition("Available")
    if available is not None and available.status == "False" and available.since is not None:
        return available.since
    times = [since for pod in missing if (since := unready_since(pod)) is not None]
    return min(times, default=None)


def unready_since(pod: Pod) -> datetime | None:
    """Since when a pod has not been ready; since it was made, where it never was."""
    ready = pod.condition("Ready")
    return ready.since if ready is not None and ready.since is not None else pod.created


def _still_serving(previous: Revision | None) -> str:
    if previous is None or not previous.available:
        return ""
    return f"; revision {previous.number} still serves with {previous.available}"


def _revisions(workload: Workload, picture: Picture) -> Iterator[Evidence]:
    """How far the new ReplicaSet came, and what the one before still has."""
    for found in (workload.current, workload.previous):
        if found is not None:
            text = f"revision {found.number}: {found.available} of {found.wanted} available"
            yield citing.quote(picture, f"replicasets/{found.replica_set}", "status", text, text)


def _names(missing: Collection[Pod]) -> str:
    names = [pod.name for pod in missing]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"; not ready: {', '.join(names[:3])}{more}" if names else "; some pods do not even exist"


def _newest(workload: Workload, missing: Collection[Pod], picture: Picture) -> tuple[Event, ...]:
    """The newest warnings about the pods that are not ready, and about the Deployment itself."""
    about = [("Deployment", workload.name), *(("Pod", pod.name) for pod in missing)]
    events = [event for kind, name in about for event in picture.events_of(kind, name) if event.type == "Warning"]
    return tuple(events[-3:])
