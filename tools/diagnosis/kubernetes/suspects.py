"""Which containers deserve a rule's attention, and everything known about each. Silence is decided here, once.

A suspect is one container of one pod together with its workload and revisions. Pods that are leaving, done, superseded
or merely young never become suspects, so no rule has to remember that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from tools import resources
from tools.reads.kubernetes.picture import (
    Container,
    ContainerState,
    Event,
    Log,
    Picture,
    Pod,
    Revision,
    Terminated,
    Usage,
    Workload,
)
from tools.resources import Resource

RECENT = timedelta(minutes=30)
"""How long a single restart stays worth a word (fact sheet, section 7: must stay silent)."""


@dataclass(frozen=True)
class Suspect:
    """One container that may be ill, the pod it is in, and the picture around it."""

    picture: Picture
    pod: Pod
    asked: Container
    state: ContainerState
    workload: Workload | None

    @property
    def resource(self) -> Resource:
        """The owner people know the pod by; the pod itself when nothing owns it."""
        kind, name = (self.pod.owner_kind, self.pod.owner_name) if self.pod.owner_name else ("Pod", self.pod.name)
        return resources.kubernetes(self.picture.namespace, kind, name)

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """The pod's events, oldest first."""
        return self.picture.events_of("Pod", self.pod.name)

    @cached_property
    def log(self) -> Log | None:
        """The last words of the run that ended."""
        ours = (log for log in self.picture.logs if (log.pod, log.container) == (self.pod.name, self.state.name))
        return next(ours, None)

    @property
    def last_end(self) -> Terminated | None:
        """How the container ended most recently, if it ever did."""
        return self.state.terminated or self.state.last

    @property
    def ended_recently(self) -> bool:
        """Whether that is recent enough to matter."""
        end = self.last_end
        return end is not None and (end.finished is None or self.picture.now - end.finished <= RECENT)

    @property
    def previous(self) -> Revision | None:
        """The revision to compare with and to go back to."""
        return self.workload.previous if self.workload else None

    @property
    def before(self) -> Container | None:
        """The same container in the previous revision."""
        return self.previous.template.container(self.asked.name) if self.previous else None

    @property
    def usage(self) -> Usage | None:
        """What the container uses now, where metrics exist."""
        ours = (used for used in self.picture.usage if (used.pod, used.container) == (self.pod.name, self.state.name))
        return next(ours, None)

    def event(self, reason: str, beginning: str = "") -> Event | None:
        """The newest event of that reason whose message begins so."""
        found = (event for event in reversed(self.events) if event.reason == reason)
        return next((event for event in found if event.message.startswith(beginning)), None)


def suspects(picture: Picture) -> Iterator[Suspect]:
    """Every container of every pod that may be judged."""
    for pod in judged_pods(picture):
        workload = picture.workload(pod.owner_kind, pod.owner_name)
        for state in pod.states:
            asked = pod.asked.container(state.name)
            if asked is not None:
                yield Suspect(picture, pod, asked, state, workload)


def judged_pods(picture: Picture) -> Iterator[Pod]:
    """The pods that may be judged: not leaving, not finished, and of the revision their Deployment wants now."""
    for pod in picture.pods:
        finished = pod.phase == "Succeeded" or pod.reason == "Evicted"
        if not (pod.deleting or finished or _superseded(pod, picture) or _is_paused(pod, picture)):
            yield pod


def _superseded(pod: Pod, picture: Picture) -> bool:
    """Whether the pod belongs to an old ReplicaSet while the current one has pods of its own."""
    workload = picture.workload(pod.owner_kind, pod.owner_name)
    current = workload.current if workload else None
    if current is None or pod.replica_set == current.replica_set:
        return False
    return any(other.replica_set == current.replica_set for other in picture.pods)


def _is_paused(pod: Pod, picture: Picture) -> bool:
    workload = picture.workload(pod.owner_kind, pod.owner_name)
    return workload is not None and workload.paused
