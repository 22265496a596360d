"""Rules about what several workloads have in common when they fail at once: a registry, a node's way to it, DNS.

They speak only where at least two workloads show the same trouble; one alone has a fault of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from tools import resources
from tools.diagnosis.kubernetes import citing, owners
from tools.diagnosis.kubernetes.citing import Found
from tools.diagnosis.kubernetes.images import PULL_FAILURES
from tools.diagnosis.kubernetes.suspects import Suspect, suspects
from tools.evidence import Evidence, Severity
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Event, Log, Pod
from tools.resources import Resource

HUB = "docker.io"
"""The registry of an image that names none."""

CLUSTER_DNS = "kube-system"

_TROUBLE = re.compile(
    r"toomanyrequests|rate limit|no such host|timeout|timed out|refused|unreachable|\bEOF\b|"
    r"unauthorized|authentication required|no basic auth|x509|50[0234] ",
    re.IGNORECASE,
)
"""What a registry or the way to it answers when it is the one in trouble; "not found" is the image's own fault."""

_UNRESOLVED = re.compile(
    r"temporary failure in name resolution|EAI_AGAIN|server misbehaving|SERVFAIL|"
    r"(?:lookup|resolv\w*|dns)\b.{0,120}(?:i/o timeout|timed? ?out|connection refused)",
    re.IGNORECASE,
)
"""A resolver that does not answer. "no such host" is an answer: that name does not exist."""


def findings(picture: Picture) -> Iterator[Found]:
    """What several workloads suffer from together."""
    yield from registry_failing(picture)
    dns = dns_failing(picture)
    if dns is not None:
        yield dns


def registry_failing(picture: Picture) -> Iterator[Found]:
    """k8s.registry_failing: two or more workloads cannot pull from one registry, for a reason that is not the image's.

    On the node instead, when all of them are on one and others pull well elsewhere.
    """
    for host, pulls in _failing_pulls(picture).items():
        owned = owners.by_owner((suspect.pod for suspect, _ in pulls), picture)
        if len(owned) > 1:
            yield _registry(host, pulls, picture)


def dns_failing(picture: Picture) -> Found | None:
    """k8s.dns_failing: resolvers time out in the logs of two workloads, or no CoreDNS pod is ready and one says so."""
    servers = tuple(pod for pod in picture.elsewhere if is_dns(pod) and owners.is_alive(pod))
    down = bool(servers) and not any(pod.ready for pod in servers)
    lost = _lost(picture)
    whose = owners.by_owner((_pod(log, picture) for log, _ in lost), picture)
    if not lost or (len(whose) < 2 and not down):
        return None
    ill = [pod for pod in servers if not pod.ready]
    state = f"; {len(ill)} of {len(servers)} CoreDNS pods are not ready" if ill else ""
    return citing.found(
        "k8s.dns_failing",
        "Names cannot be resolved in the cluster",
        f"The cluster's DNS does not answer {', '.join(one.name for one in whose)}{state}.",
        resource=cluster_dns(picture),
        severity=Severity.SEV1,
        confidence=9 if down else 7 if ill else 5,
        since=min((moment for pod in ill if (moment := _unready_since(pod))), default=None),
        evidence=(
            *(_line(log, line, picture) for log, line in lost[:3]),
            *(_server(pod, picture, state) for pod in ill[:2]),
        ),
    )


def rests(picture: Picture) -> Iterator[tuple[Resource, Resource]]:
    """Which workloads rest on a registry, or on the DNS, in a way that their trouble shows."""
    for host, pulls in _failing_pulls(picture).items():
        for source in owners.by_owner((suspect.pod for suspect, _ in pulls), picture):
            yield source, resources.kubernetes("", "Registry", host)
    for source in owners.by_owner((_pod(log, picture) for log, _ in _lost(picture)), picture):
        yield source, cluster_dns(picture)


def registry(image: str) -> str:
    """The registry an image is pulled from."""
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else HUB


def cluster_dns(picture: Picture) -> Resource:
    """The workload that answers for names in the cluster, by the usual name where its pods were not seen."""
    owned = (pod.owner_name for pod in picture.elsewhere if is_dns(pod) and pod.owner_kind == "Deployment")
    return resources.kubernetes(CLUSTER_DNS, "Deployment", next(owned, "coredns"))


def is_dns(pod: Pod) -> bool:
    """Whether a pod of another namespace is the cluster's DNS."""
    return pod.labels.get("k8s-app") in ("kube-dns", "coredns") or pod.owner_name == "coredns"


def _failing_pulls(picture: Picture) -> dict[str, list[tuple[Suspect, Event]]]:
    """The containers whose image does not come for a reason that is not the image's, by registry."""
    failing: dict[str, list[tuple[Suspect, Event]]] = {}
    for suspect in suspects(picture):
        if suspect.state.waiting not in PULL_FAILURES:
            continue
        said = suspect.event("Failed", "Failed to pull image")
        if said is not None and _TROUBLE.search(said.message):
            failing.setdefault(registry(suspect.asked.image), []).append((suspect, said))
    return failing


def _lost(picture: Picture) -> list[tuple[Log, str]]:
    """The logs, of pods that are not ready, in which a resolver does not answer; and the line."""
    return [(log, line) for log in picture.logs if (line := _unresolved(log)) and _is_judged(log, picture)]


def _registry(host: str, pulls: list[tuple[Suspect, Event]], picture: Picture) -> Found:
    pods = _once(suspect.pod for suspect, _ in pulls)
    node = _only_node(host, pods, picture)
    where = f" on node {node}, and elsewhere pulls work" if node else ""
    resource = resources.kubernetes("", "Node", node) if node else resources.kubernetes("", "Registry", host)
    return citing.found(
        "k8s.registry_failing",
        f"Images from {host} cannot be pulled",
        f"{owners.told(pods)} cannot pull from {host}{where}: {_reason(pulls[0][1])}.",
        resource=resource,
        severity=owners.worst(pods, picture),
        confidence=8,
        since=min((pod.created for pod in pods if pod.created), default=None),
        evidence=tuple(citing.event(picture, said) for _, said in pulls[:3]),
    )


def _only_node(host: str, pods: tuple[Pod, ...], picture: Picture) -> str:
    """The one node all of them are on, where pods on other nodes run images of the same registry."""
    nodes = {pod.node for pod in pods}
    if len(nodes) != 1:
        return ""
    works = any(
        pod.ready and pod.node not in nodes and any(registry(one.image) == host for one in pod.asked.containers)
        for pod in picture.pods
    )
    return next(iter(nodes)) if works else ""


def _reason(said: Event) -> str:
    """The end of the kubelet's sentence: what it was told, without the image's name in front."""
    return said.message.rpartition('": ')[2].strip()[:200] or said.message[:200]


def _unresolved(log: Log) -> str:
    return next((line for line in reversed(log.lines) if _UNRESOLVED.search(line)), "")


def _is_judged(log: Log, picture: Picture) -> bool:
    return any(pod.name == log.pod and owners.is_alive(pod) and not pod.ready for pod in picture.pods)


def _pod(log: Log, picture: Picture) -> Pod:
    return next(pod for pod in picture.pods if pod.name == log.pod)


def _unready_since(pod: Pod) -> datetime | None:
    ready = pod.condition("Ready")
    return ready.since if ready else None


def _line(log: Log, line: str, picture: Picture) -> Evidence | None:
    return citing.log(picture, log.model_copy(update={"lines": (line,)}))


def _server(pod: Pod, picture: Picture, state: str) -> Evidence:
    ready = pod.condition("Ready")
    said = f"{ready.status} {ready.reason}".strip() if ready else "absent"
    return citing.quote(picture, f"{CLUSTER_DNS}/pods/{pod.name}", "status.conditions[Ready]", said, state.lstrip("; "))


def _once(pods: Iterable[Pod]) -> tuple[Pod, ...]:
    return tuple({pod.name: pod for pod in pods}.values())
