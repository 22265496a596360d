"""Whose pods are they, since when do they wait, and how much does it hurt: what rules about surroundings share.

Only questions about a picture belong here; the rules themselves, and their findings, live in the modules that ask.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from tools.diagnosis.kubernetes import citing, topology
from tools.evidence import Severity
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Event, Pod, Service, Workload
from tools.resources import Resource

MOMENT = timedelta(minutes=1)
"""What is younger than this is still being made (fact sheet, section 7: must stay silent)."""

RECENT = timedelta(minutes=30)
"""How long something that is over stays worth a word."""


def owner(pod: Pod, picture: Picture) -> Resource:
    """What people know the pod by; the pod itself when nothing owns it."""
    return topology.owner(pod, picture.namespace)


def by_owner(pods: Iterable[Pod], picture: Picture) -> dict[Resource, tuple[Pod, ...]]:
    """The pods under the owners people know them by, in the order they were seen."""
    grouped: dict[Resource, tuple[Pod, ...]] = {}
    for pod in pods:
        resource = owner(pod, picture)
        grouped[resource] = (*grouped.get(resource, ()), pod)
    return grouped


def told(pods: Iterable[Pod]) -> str:
    """How many pods of which owners: `web (2), api (1)`."""
    counted = Counter(pod.owner_name or pod.name for pod in pods)
    return ", ".join(f"{name} ({count})" for name, count in counted.items())


def worst(pods: Iterable[Pod], picture: Picture) -> Severity:
    """The severity of the workload that suffers most among those the pods belong to."""
    found = {(pod.owner_kind, pod.owner_name) for pod in pods}
    return min((citing.severity_of(picture.workload(*one)) for one in found), default=Severity.SEV3, key=str)


def workload_of(pod: Pod, picture: Picture) -> Workload | None:
    """The workload that owns the pod, where it is in the picture."""
    return picture.workload(pod.owner_kind, pod.owner_name)


def selected(service: Service, picture: Picture) -> tuple[Pod, ...]:
    """The pods a Service means to send traffic to: alive and matching its selector."""
    return tuple(pod for pod in picture.pods_selected(service.selector) if is_alive(pod))


def is_alive(pod: Pod) -> bool:
    """Whether a pod is there to serve: not leaving, not finished, not evicted."""
    return not (pod.deleting or pod.phase in ("Succeeded", "Failed") or pod.reason == "Evicted")


def is_older(since: datetime | None, than: timedelta, picture: Picture) -> bool:
    """Whether a moment lies further back; an unknown one counts as long ago."""
    return since is None or picture.now - since >= than


def newest(events: Iterable[Event], *reasons: str) -> Event | None:
    """The newest event of one of these reasons."""
    found = [event for event in events if event.reason in reasons]
    return found[-1] if found else None


def clock(moment: datetime | None) -> str:
    """A moment to put behind a fact, ` since 2026-11-20 08:50 UTC`; nothing where it is unknown."""
    return f" since {moment:%Y-%m-%d %H:%M} UTC" if moment else ""
