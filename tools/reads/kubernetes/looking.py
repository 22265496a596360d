"""Taking one picture of a namespace. What cannot be read becomes a gap in plain words, never a guess, never a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from tools.clients.kubernetes import KubernetesSource
from tools.reads.kubernetes import batch, further, kinds, routing, storage, surroundings, workloads
from tools.reads.kubernetes import pods as parsing
from tools.reads.kubernetes.asking import Kind, surveying
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.raw import text
from tools.reads.kubernetes.views import Event, Pod
from tools.subjects import KubernetesSubject
from tools.values import JsonObject

View = TypeVar("View")


def look(subject: KubernetesSubject | str, at: datetime, reader: KubernetesSource) -> Picture:
    """Everything the rules need to know about a namespace. Raises Unreachable when the API server answers nothing."""
    about = KubernetesSubject(namespace=subject) if isinstance(subject, str) else subject
    with surveying(reader, about.namespace) as survey:
        groups = survey.soon(further.api_groups(reader))
        always = _always(survey.list(*kinds.ALWAYS))
        first = Picture(subject=about, at=at, now=at, **always)
        now = _latest(at, first.pods, first.events)
        more = further.seen(first, survey, groups() or frozenset())
    return Picture(
        subject=about, at=at, now=now, **always, **more, gaps=tuple(survey.gaps), unread=tuple(survey.unread)
    )


def _always(found: Mapping[str, tuple[JsonObject, ...]]) -> dict[str, object]:
    """The views of what every look lists, by the picture's fields."""

    def each(kind: Kind, view: Callable[[JsonObject], View]) -> tuple[View, ...]:
        return tuple(view(raw) for raw in found[kind.name])

    replica_sets = found[kinds.REPLICA_SETS.name]
    owned = workloads.by_owner(replica_sets)
    return {
        "pods": workloads.adopt(each(kinds.PODS, parsing.pod), replica_sets),
        "events": _in_order(each(kinds.EVENTS, surroundings.event)),
        "workloads": (
            *each(
                kinds.DEPLOYMENTS, lambda raw: workloads.deployment(raw, owned.get(text(raw, "metadata", "uid"), ()))
            ),
            *each(kinds.STATEFUL_SETS, workloads.stateful_set),
            *each(kinds.DAEMON_SETS, workloads.daemon_set),
        ),
        "services": each(kinds.SERVICES, surroundings.service),
        "endpoints": surroundings.endpoints(found[kinds.ENDPOINT_SLICES.name]),
        "nodes": each(kinds.NODES, surroundings.node),
        "autoscalers": each(kinds.AUTOSCALERS, workloads.autoscaler),
        "claims": each(kinds.CLAIMS, storage.claim),
        "usage": tuple(used for raw in found[kinds.POD_METRICS.name] for used in parsing.usage(raw)),
        "jobs": each(kinds.JOBS, batch.job),
        "cron_jobs": each(kinds.CRON_JOBS, batch.cron_job),
        "ingresses": each(kinds.INGRESSES, routing.ingress),
        "network_policies": each(kinds.NETWORK_POLICIES, routing.network_policy),
    }


def _in_order(events: Iterable[Event]) -> tuple[Event, ...]:
    """Events, oldest first; those without a time come first of all."""
    return tuple(sorted(events, key=lambda event: event.last_seen.timestamp() if event.last_seen else 0.0))


def _latest(at: datetime, pods: tuple[Pod, ...], events: tuple[Event, ...]) -> datetime:
    """The later of our clock and any time the cluster mentions: its clock may be ahead, and nothing must look young."""
    times = [found.last_seen for found in events]
    for pod in pods:
        times += [pod.created, *(condition.since for condition in pod.conditions)]
        for state in pod.states:
            times += [state.running_since, *(end.finished for end in (state.terminated, state.last) if end)]
    return max([at, *(time for time in times if time is not None)])
