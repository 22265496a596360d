"""Rules about StatefulSets and DaemonSets: an ordinal that holds up the rest, nodes without their pod."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from tools import resources
from tools.diagnosis.confidence import Strength, confidence
from tools.diagnosis.kubernetes import citing
from tools.diagnosis.kubernetes.citing import Found
from tools.diagnosis.kubernetes.rollouts import unready, unready_since
from tools.evidence import Evidence, Role
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Pod, Workload

PATIENCE = timedelta(minutes=5)
"""How long a pod of a set may take to become ready before the set counts as stuck."""


def findings(picture: Picture) -> Iterator[Found]:
    """Sets that lack ready pods."""
    for workload in picture.workloads:
        if workload.ready >= workload.wanted or not picture.has_read("pods"):
            continue
        if workload.kind == "StatefulSet":
            stuck = statefulset_stuck(workload, picture)
        else:
            stuck = daemonset_short(workload, picture) if workload.kind == "DaemonSet" else None
        if stuck is not None:
            yield stuck


def statefulset_stuck(workload: Workload, picture: Picture) -> Found | None:
    """k8s.statefulset_stuck: no Service, no storage class, or the first unready ordinal holds the rest."""
    lacking = _without_service(workload, picture) or _without_class(workload, picture)
    if lacking is not None:
        return lacking
    ordinal = first_unready(workload, picture)
    name = f"{workload.name}-{ordinal}"
    pod = next((found for found in picture.pods_of(workload) if found.name == name), None)
    since = unready_since(pod) if pod else _newest(picture.pods_of(workload)) or workload.created
    if since is None or picture.now - since < PATIENCE:
        return None
    rest = ", and those after it wait for it" if ordinal + 1 < workload.wanted else ""
    what = "is not ready" if pod else "does not exist"
    return _stuck(
        workload,
        picture,
        f"{workload.name} waits for {name}",
        f"StatefulSet {workload.name} has {workload.ready} of {workload.wanted} pods ready: {name} {what}{rest}.",
        Strength.FITTING,
        since,
        _pod(pod, picture),
    )


def daemonset_short(workload: Workload, picture: Picture) -> Found | None:
    """k8s.daemonset_short: fewer ready than nodes that should have one, on nodes it tolerates, for some minutes."""
    ill = [pod for pod in unready(workload, picture) if _is_old(unready_since(pod), picture)]
    pods = picture.pods_of(workload)
    absent = workload.wanted - workload.replicas
    if not ill and not (absent > 0 and all(_is_old(pod.created, picture) for pod in pods)):
        return None
    nodes = ", ".join(sorted(pod.node or "no node" for pod in ill)[:5])
    where = f"not ready on {nodes}" if ill else f"{absent} nodes have no pod of it"
    return citing.found(
        "k8s.daemonset_short",
        f"DaemonSet {workload.name} is not on every node",
        f"DaemonSet {workload.name} is ready on {workload.ready} of {workload.wanted} nodes: {where}.",
        resource=resources.kubernetes(picture.namespace, workload.kind, workload.name),
        severity=citing.severity_of(workload),
        confidence=confidence(Strength.FITTING),
        since=min((since for pod in ill if (since := unready_since(pod))), default=None),
        evidence=(citing.counts(picture, workload), *(_pod(pod, picture) for pod in ill[:3])),
    )


def first_unready(workload: Workload, picture: Picture) -> int:
    """The lowest ordinal without a ready pod: in ordered sets all later ones wait for it."""
    ready = {pod.name for pod in picture.pods_of(workload) if pod.ready and not pod.deleting}
    return next(number for number in range(workload.wanted + 1) if f"{workload.name}-{number}" not in ready)


def _without_service(workload: Workload, picture: Picture) -> Found | None:
    """Its pods' names are made by a Service that is not there."""
    name = workload.service_name
    if not name or not picture.has_read("services") or picture.service(name) is not None:
        return None
    return _stuck(
        workload,
        picture,
        f"{workload.name} lacks its Service {name}",
        f"StatefulSet {workload.name} has {workload.ready} of {workload.wanted} pods ready, and its Service {name}, "
        "which gives them their names, does not exist.",
        Strength.MATCHED,
        None,
        citing.quote(picture, citing.path_of(workload), "spec.serviceName", name, f"it names Service {name}"),
        role=Role.DEPENDENCY,
    )


def _without_class(workload: Workload, picture: Picture) -> Found | None:
    """A storage class its volumes ask for is not there; only said where classes were read and there are some."""
    known = {found.name for found in picture.storage_classes}
    asked = [one for one in workload.claim_templates if one.storage_class and one.storage_class not in known]
    waiting = any(pod.phase == "Pending" for pod in picture.pods_of(workload))
    if not known or not asked or not waiting or not picture.has_read("storageclasses"):
        return None
    name = asked[0].storage_class
    return _stuck(
        workload,
        picture,
        f"{workload.name} asks for storage class {name}",
        f"StatefulSet {workload.name} asks for storage class {name}, which does not exist; there are "
        f"{', '.join(sorted(known))}.",
        Strength.STATED,
        None,
        citing.quote(
            picture,
            citing.path_of(workload),
            f"spec.volumeClaimTemplates[{asked[0].name}].storageClassName",
            str(name),
            f"its claims ask for {name}; there are {', '.join(sorted(known))}",
        ),
        role=Role.DEPENDENCY,
    )


def _stuck(
    workload: Workload,
    picture: Picture,
    title: str,
    statement: str,
    strength: Strength,
    since: datetime | None,
    more: Evidence | None,
    role: Role | None = None,
) -> Found:
    return citing.found(
        "k8s.statefulset_stuck",
        title,
        statement,
        resource=resources.kubernetes(picture.namespace, workload.kind, workload.name),
        severity=citing.severity_of(workload),
        confidence=confidence(strength),
        since=since,
        role=role,
        evidence=(citing.counts(picture, workload), more),
    )


def _pod(pod: Pod | None, picture: Picture) -> Evidence | None:
    """How a pod that is not ready stands."""
    if pod is None:
        return None
    waits = "; ".join(f"{one.name} {one.waiting or 'not ready'}" for one in pod.states if not one.ready)
    text = f"{pod.phase} on {pod.node or 'no node'}{f': {waits}' if waits else ''}"
    return citing.quote(picture, f"pods/{pod.name}", "status", text, f"{pod.name} is not ready")


def _newest(pods: Collection[Pod]) -> datetime | None:
    return max((pod.created for pod in pods if pod.created is not None), default=None)


def _is_old(since: datetime | None, picture: Picture) -> bool:
    return since is not None and picture.now - since >= PATIENCE
