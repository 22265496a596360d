"""When no rule explains the alert: what was looked at and is well, and where to look next, in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from tools.diagnosis.kubernetes.changes import latest_change
from tools.diagnosis.kubernetes.scene import Aim
from tools.diagnosis.logs import recognise
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Workload
from tools.resources import kubernetes as resource

AROUND = timedelta(hours=6)
"""How long before the onset a change may still have something to do with it."""
TELLING = frozenset(
    {"pods", "deployments", "replicasets", "statefulsets", "events", "services", "endpointslices", "nodes"}
)
"""Kinds that hide a cause when they are not read; the rest, unread, is noise beside better advice."""


def well(picture: Picture, aim: Aim) -> tuple[str, ...]:
    """What the alert names and was found well, one short clause each."""
    return tuple(_well(picture, aim))


def next_look(picture: Picture, aim: Aim) -> str:
    """The one thing to look at next: what could not be seen, what just changed, what the log says, what it calls."""
    if missed := TELLING.intersection(picture.unread):
        kinds = ", ".join(sorted(missed)[:4])
        return f"Let sayso read what it could not ({kinds}) and look again; the cause may be there."
    changed = _changed(picture, aim, picture.onset or picture.now)
    if changed is not None:
        return changed
    for log in picture.logs:
        said = next(iter(recognise(log.lines)), None)
        if said is not None:
            return f"The log of {log.pod} says: {said.statement} Look there next."
    return (
        "Nothing in the cluster has failed or changed: look at the metric that fired, at what the application calls "
        "(databases, queues, other services), and at its own log for the minutes around the alert."
    )


def _well(picture: Picture, aim: Aim) -> Iterator[str]:
    for workload in _subjects(picture, aim):
        if workload.wanted and workload.available >= workload.wanted:
            yield f"{workload.kind} {workload.name} has {workload.available} of {workload.wanted} replicas available"
    names = {workload.name for workload in _subjects(picture, aim)}
    pods = [pod for pod in picture.pods if pod.owner_name in names and not pod.deleting]
    if pods and not any(state.restarts for pod in pods for state in pod.states):
        yield f"none of its {len(pods)} pods has restarted"
    for service in picture.services:
        endpoints = picture.endpoints_of(service.name)
        if service.name in (picture.subject.service, *names) and endpoints is not None and endpoints.ready:
            yield f"Service {service.name} has {endpoints.ready} ready endpoints"
    if picture.nodes and all(node.ready and not node.pressures for node in picture.nodes):
        yield f"all {len(picture.nodes)} nodes are ready"


def _subjects(picture: Picture, aim: Aim) -> tuple[Workload, ...]:
    """The workloads the alert is about; all of them when it names only the namespace."""
    return tuple(one for one in picture.workloads if aim.means(resource(picture.namespace, one.kind, one.name)))


def _changed(picture: Picture, aim: Aim, onset: datetime) -> str | None:
    """The newest rollout of what the alert names, where it came shortly before."""
    recent = [
        (current.created, workload)
        for workload in _subjects(picture, aim)
        if (current := workload.current) and workload.previous and current.created is not None
        if onset - AROUND <= current.created
    ]
    if not recent:
        return None
    at, workload = max(recent, key=lambda pair: pair[0])
    what = "; ".join(str(one) for one in latest_change(workload)[:3]) or "nothing that concerns its containers"
    return (
        f"Revision {workload.revision} of {workload.name} was rolled out at {at:%H:%M} UTC and changed {what}. "
        "Compare the metric before and after; if it began then, roll back."
    )
