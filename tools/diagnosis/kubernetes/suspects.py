"""Which containers deserve a rule's attention, and everything known about each. Silence is decided here, once.

A suspect is one container of one pod together with its workload and revisions. Pods that are leaving, done, superseded
or merely young never become suspects, so no rule has to remember that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from tools import resources
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import (
    Container,
    ContainerState,
    Event,
    Job,
    Log,
    Pod,
    Revision,
    Terminated,
    Usage,
    Workload,
)
from tools.resources import Resource

RECENT = timedelta(minutes=30)
"""How long a single restart stays worth a word (fact sheet, section 7: must stay silent)."""
PACE = timedelta(minutes=10)
"""Longest a container that fails at once takes from one end to the next: the back-off ends at five minutes."""


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
        return next(iter(self.picture.logs_of(self.pod.name, self.state.name)), None)

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
        return self.picture.usage_of(self.pod.name, self.state.name)

    @property
    def recovered(self) -> bool:
        """Whether the container runs and its pod may serve again, whatever happened before."""
        return self.state.ready and self.pod.ready and self.state.running_since is not None

    @property
    def since(self) -> datetime | None:
        """When the trouble began, where the picture still tells: a container that comes and goes hides its beginning.

        A revision none of whose pods was ever available was born with it. A pod that flaps turns ready between two
        ends, so its condition only tells of the latest.
        """
        current = self.workload.current if self.workload else None
        if current is not None and current.replica_set == self.pod.replica_set and self._is_born_ill(current):
            return current.created
        if self.state.restarts > 1:
            return None
        ready, end = self.pod.condition("Ready"), self.last_end
        if ready is not None and ready.status != "True" and ready.since is not None:
            return ready.since
        return end.finished if end else None

    def _is_born_ill(self, revision: Revision) -> bool:
        """Whether it never served: nothing of it is available, and it is no older than its restarts can account for."""
        if revision.available or revision.created is None:
            return False
        return self.picture.now - revision.created <= PACE * (self.state.restarts + 2)

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
    populated = {pod.replica_set for pod in picture.pods if not pod.deleting}
    settled = {job.name for job in picture.jobs if is_settled(job)}
    for pod in picture.pods:
        workload = picture.workload(pod.owner_kind, pod.owner_name)
        if pod.deleting or _finished(pod) or (pod.owner_kind == "Job" and pod.owner_name in settled):
            continue
        if workload is not None and (workload.paused or _superseded(pod, workload, populated)):
            continue
        yield pod


def is_settled(job: Job) -> bool:
    """Whether nobody waits for a Job any more: it is complete, or suspended."""
    done = job.condition("Complete") or job.condition("SuccessCriteriaMet")
    return job.suspended or (done is not None and done.status == "True")


def _finished(pod: Pod) -> bool:
    """Done, evicted, or failed for good while its workload makes another one in its place."""
    replaced = pod.phase == "Failed" and pod.owner_name != "" and pod.owner_kind != "Job"
    return pod.phase == "Succeeded" or pod.reason == "Evicted" or replaced


def _superseded(pod: Pod, workload: Workload, populated: Collection[str]) -> bool:
    """Whether the pod belongs to an old ReplicaSet while the current one has pods of its own."""
    current = workload.current
    if current is None or pod.replica_set == current.replica_set:
        return False
    return current.replica_set in populated
