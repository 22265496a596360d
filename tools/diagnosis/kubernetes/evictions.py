"""Rules about pods the kubelet evicted and that are still missed. Those replaced at full count are history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from tools import resources
from tools.diagnosis.confidence import Strength, confidence
from tools.diagnosis.kubernetes import citing
from tools.diagnosis.kubernetes.citing import Found
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Pod

NEWS = timedelta(hours=6)
"""How long an eviction is worth a word while its workload is short."""


def findings(picture: Picture) -> Iterator[Found]:
    """One finding for each workload that lost pods to the kubelet and has not got them back."""
    lost: dict[tuple[str, str], list[Pod]] = {}
    for pod in picture.pods:
        when = evicted_at(pod)
        if pod.reason == "Evicted" and (when is None or picture.now - when <= NEWS):
            lost.setdefault((pod.owner_kind, pod.owner_name) if pod.owner_name else ("Pod", pod.name), []).append(pod)
    for (kind, name), pods in lost.items():
        found = pod_evicted(kind, name, pods, picture)
        if found is not None:
            yield found


def pod_evicted(kind: str, name: str, pods: list[Pod], picture: Picture) -> Found | None:
    """k8s.pod_evicted: status.reason Evicted, and its workload is short of replicas, or nothing will replace it."""
    workload = picture.workload(kind, name)
    if workload is None and kind != "Pod":
        return None
    if workload is not None and (workload.available >= workload.wanted or workload.paused):
        return None
    first = pods[0]
    short = f"; {workload.available} of {workload.wanted} replicas are available" if workload else ""
    many = f"{len(pods)} pods of {name} were" if workload and len(pods) > 1 else f"Pod {first.name} was"
    return citing.found(
        "k8s.pod_evicted",
        f"{name} lost pods to eviction",
        f"{many} evicted from {first.node or 'its node'}: {first.message.strip().rstrip('.') or 'no reason given'}"
        f"{short}.",
        resource=resources.kubernetes(picture.namespace, kind, name),
        severity=citing.severity_of(workload),
        confidence=confidence(Strength.STATED),
        since=min((when for pod in pods if (when := evicted_at(pod))), default=None),
        evidence=(
            citing.quote(
                picture,
                f"pods/{first.name}",
                "status",
                f"{first.reason} from {first.node or 'no node'}: {first.message}",
                f"{len(pods)} evicted",
            ),
            citing.counts(picture, workload) if workload else None,
        ),
    )


def evicted_at(pod: Pod) -> datetime | None:
    """When the kubelet ended it, as near as its status tells."""
    for kind in ("DisruptionTarget", "Ready"):
        said = pod.condition(kind)
        if said is not None and said.since is not None:
            return said.since
    ends = [end.finished for state in pod.states if (end := state.terminated) and end.finished]
    return max(ends, default=pod.created)
