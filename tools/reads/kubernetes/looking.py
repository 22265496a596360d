"""Taking one picture of a namespace. What cannot be read becomes a gap in plain words, never a guess, never a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from tools.clients.kubernetes import ApiGroup, KubernetesReader, KubernetesWriter, path_to
from tools.errors import PermanentError, TemporaryError, Unreachable
from tools.reads.kubernetes import pods as parsing
from tools.reads.kubernetes import surroundings, workloads
from tools.reads.kubernetes.picture import ContainerState, Event, Log, Picture, Pod
from tools.reads.kubernetes.raw import items, text
from tools.redaction import redact
from tools.subjects import KubernetesSubject
from tools.values import JsonObject

PAGE_SIZE = 500
MOST_PAGES = 10
LOG_LINES = 40
MOST_LOG_BYTES = 64 * 1024
MOST_LOGS = 12
"""Containers whose logs one picture holds; more of the same workload say the same."""

NAMES_ONLY = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
"""Asks for metadata alone: the values of a ConfigMap never cross the wire."""

View = TypeVar("View")


def look(subject: KubernetesSubject | str, at: datetime, reader: KubernetesReader) -> Picture:
    """Everything the rules need to know about a namespace. Raises Unreachable when the API server answers nothing."""
    about = KubernetesSubject(namespace=subject) if isinstance(subject, str) else subject
    survey = Survey(reader, about.namespace)
    replica_sets = survey.list("apps/v1", "replicasets")
    deployments = survey.list("apps/v1", "deployments")
    pods = workloads.adopt(_each(survey.list("v1", "pods"), parsing.pod), replica_sets)
    events = _events(survey)
    return Picture(
        subject=about,
        at=at,
        now=_latest(at, pods, events),
        pods=pods,
        events=events,
        workloads=(
            *(workloads.deployment(found, replica_sets) for found in deployments),
            *_each(survey.list("apps/v1", "statefulsets"), workloads.stateful_set),
            *_each(survey.list("apps/v1", "daemonsets"), workloads.daemon_set),
        ),
        services=_each(survey.list("v1", "services"), surroundings.service),
        endpoints=surroundings.endpoints(survey.list("discovery.k8s.io/v1", "endpointslices")),
        nodes=_each(survey.list("v1", "nodes", everywhere=True), surroundings.node),
        autoscalers=_each(survey.list("autoscaling/v2", "horizontalpodautoscalers"), workloads.autoscaler),
        claims=_each(survey.list("v1", "persistentvolumeclaims"), surroundings.claim),
        config_maps=_config_maps(survey, pods),
        usage=tuple(used for found in survey.list("metrics.k8s.io/v1beta1", "pods") for used in parsing.usage(found)),
        logs=tuple(_logs(survey, pods)),
        gaps=tuple(survey.gaps),
        unread=tuple(survey.unread),
    )


@dataclass
class Survey:
    """One round of questions to an API server, remembering what it would not answer."""

    reader: KubernetesReader
    namespace: str
    gaps: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    answered: bool = False
    failures: int = 0

    def list(self, group: ApiGroup, resource: str, *, everywhere: bool = False) -> tuple[JsonObject, ...]:
        """The objects of one kind, or nothing and a gap. Raises Unreachable when nothing has answered at all yet."""
        path = path_to(group, resource, None if everywhere else self.namespace)
        label = "pod metrics" if group == "metrics.k8s.io/v1beta1" else resource
        return self.attempt(label, lambda: list_all(path, self.reader)) or ()

    def attempt(self, what: str, ask: Callable[[], View]) -> View | None:
        """The answer, or None and a gap."""
        try:
            answer = ask()
        except Unreachable as error:
            self.failures += 1
            # Two kinds in a row without any answer so far: the server is away, not one kind of object.
            if not self.answered and self.failures > 1:
                raise
            self._miss(what, error)
            return None
        except (PermanentError, TemporaryError) as error:
            self.answered = True
            self._miss(what, error)
            return None
        self.answered = True
        return answer

    def _miss(self, what: str, error: Exception) -> None:
        self.unread.append(what)
        self.gaps.append(f"{what} could not be read: {redact(str(error))}")


def list_all(
    path: str, reader: KubernetesReader | KubernetesWriter, query: dict[str, str] | None = None
) -> tuple[JsonObject, ...]:
    """Every object of a collection, page by page. Raises PermanentError past MOST_PAGES pages."""
    found: list[JsonObject] = []
    position = ""
    for _ in range(MOST_PAGES):
        asked = {"limit": str(PAGE_SIZE), **(query or {}), **({"continue": position} if position else {})}
        page = reader.get(path, asked)
        found += items(page, "items")
        position = text(page, "metadata", "continue")
        if not position:
            return tuple(found)
    raise PermanentError(f"more than {PAGE_SIZE * MOST_PAGES} objects under {path}")


def read_log(
    namespace: str, pod: str, container: str, reader: KubernetesReader, *, previous: bool, lines: int = LOG_LINES
) -> Log:
    """The last lines a container wrote, in its current or previous run. Raises PermanentError when there are none."""
    query = {"container": container, "tailLines": str(lines), "limitBytes": str(MOST_LOG_BYTES)}
    if previous:
        query["previous"] = "true"
    written = reader.text(path_to("v1", "pods", namespace, pod, "log"), query)
    return Log(pod=pod, container=container, previous=previous, lines=tuple(redact(written).splitlines()))


def _each(raws: Iterable[JsonObject], view: Callable[[JsonObject], View]) -> tuple[View, ...]:
    return tuple(view(raw) for raw in raws)


def _events(survey: Survey) -> tuple[Event, ...]:
    """Events, oldest first; those without a time come first of all."""
    found = _each(survey.list("v1", "events"), surroundings.event)
    return tuple(sorted(found, key=lambda event: event.last_seen.timestamp() if event.last_seen else 0.0))


def _config_maps(survey: Survey, pods: tuple[Pod, ...]) -> tuple[str, ...]:
    """Names to compare a missing one with; asked for only when some container misses one."""
    messages = [state.message.lower() for pod in pods for state in pod.states if state.waiting]
    if not any("configmap" in message for message in messages):
        return ()
    path = path_to("v1", "configmaps", survey.namespace)
    found = survey.attempt("configmaps", lambda: survey.reader.get(path, accept=NAMES_ONLY))
    return tuple(text(item, "metadata", "name") for item in items(found, "items")) if found else ()


def _logs(survey: Survey, pods: tuple[Pod, ...]) -> Iterator[Log]:
    """Logs of containers that ended badly: the previous run says why, the current one stands in before a restart."""
    wanted = [(pod, state) for pod in pods if not pod.deleting for state in pod.states if _ended_badly(state)]
    wanted.sort(key=lambda found: found[0].created.timestamp() if found[0].created else 0.0, reverse=True)
    for pod, state in wanted[:MOST_LOGS]:
        log = survey.attempt(f"the log of {pod.name}/{state.name}", partial(_last_words, survey, pod, state))
        if log is not None and log.lines:
            yield log


def _last_words(survey: Survey, pod: Pod, state: ContainerState) -> Log:
    """The log of the run that ended; of the present one where the node has thrown the former away."""
    if state.restarts:
        with suppress(PermanentError):
            former = read_log(survey.namespace, pod.name, state.name, survey.reader, previous=True)
            if former.lines:
                return former
    return read_log(survey.namespace, pod.name, state.name, survey.reader, previous=False)


def _ended_badly(state: ContainerState) -> bool:
    ends = [end for end in (state.terminated, state.last) if end is not None]
    return state.waiting == "CrashLoopBackOff" or any(end.exit_code for end in ends)


def _latest(at: datetime, pods: tuple[Pod, ...], events: tuple[Event, ...]) -> datetime:
    """The later of our clock and any time the cluster mentions: its clock may be ahead, and nothing must look young."""
    times = [found.last_seen for found in events]
    for pod in pods:
        times += [pod.created, *(condition.since for condition in pod.conditions)]
        for state in pod.states:
            times += [state.running_since, *(end.finished for end in (state.terminated, state.last) if end)]
    return max([at, *(time for time in times if time is not None)])
