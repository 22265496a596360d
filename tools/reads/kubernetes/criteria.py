"""Measuring whether a plan worked: the criteria that are about Kubernetes objects, each read afresh."""

from __future__ import annotations

from datetime import datetime

from tools.clients.kubernetes import ApiGroup, KubernetesSource, NotFound, path_to
from tools.criteria import EndpointsReady, FindingGone, Measurement, RolloutDone
from tools.diagnosis.kubernetes.diagnosing import diagnose
from tools.reads.kubernetes import surroundings, workloads
from tools.reads.kubernetes.asking import list_all
from tools.reads.kubernetes.looking import look
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Workload
from tools.resources import Resource
from tools.subjects import KubernetesSubject

KubernetesCriterion = RolloutDone | EndpointsReady | FindingGone
"""The criteria measured here."""

NEEDED = frozenset({"pods", "deployments", "replicasets", "events", "services", "endpointslices"})
"""Kinds without which a finding's absence proves nothing."""


def measure(criterion: KubernetesCriterion, at: datetime, reader: KubernetesSource) -> Measurement:
    """One measurement. Raises Unreachable, Forbidden or another of `tools.errors` when it cannot be taken."""
    match criterion:
        case RolloutDone():
            return _rollout(criterion, reader)
        case EndpointsReady():
            return _endpoints(criterion, reader)
        case FindingGone():
            return _finding(criterion, at, reader)


def _rollout(criterion: RolloutDone, reader: KubernetesSource) -> Measurement:
    path = path_to("apps/v1", "deployments", criterion.namespace, criterion.deployment)
    try:
        found = workloads.deployment(reader.get(path), ())
    except NotFound:
        return Measurement(criterion=criterion, met=False, healthy=0, detail=f"{criterion.deployment} does not exist")
    return Measurement(criterion=criterion, met=found.rolled_out, healthy=found.available, detail=rollout_detail(found))


def rollout_detail(found: Workload) -> str:
    """How far a rollout has come, in one line; `deadline exceeded` means that waiting longer is of no use."""
    if found.observed_generation < found.generation:
        return "the change has not been noticed by the controller yet"
    counts = f"{found.updated} of {found.wanted} updated, {found.available} available"
    if found.replicas > found.updated:
        counts += f", {found.replicas - found.updated} old pods to go"
    progressing = found.condition("Progressing")
    if progressing is not None and progressing.reason == "ProgressDeadlineExceeded":
        return f"{counts}; progress deadline exceeded (ProgressDeadlineExceeded)"
    return counts


def _endpoints(criterion: EndpointsReady, reader: KubernetesSource) -> Measurement:
    group: ApiGroup = "discovery.k8s.io/v1"
    selector = {"labelSelector": f"{surroundings.SERVICE_LABEL}={criterion.service}"}
    slices = list_all(path_to(group, "endpointslices", criterion.namespace), reader, selector)
    ready = sum(found.ready for found in surroundings.endpoints(slices))
    return Measurement(
        criterion=criterion, met=ready >= criterion.at_least, healthy=ready, detail=f"{ready} ready endpoints"
    )


def _finding(criterion: FindingGone, at: datetime, reader: KubernetesSource) -> Measurement:
    picture = look(_subject(criterion.resource), at, reader)
    still = [
        finding
        for finding in diagnose(picture).findings
        if (finding.code, finding.resource) == (criterion.code, criterion.resource)
    ]
    unseen = sorted(NEEDED.intersection(picture.unread))
    detail = still[0].statement if still else "no longer found"
    if unseen:
        detail = f"cannot tell: {', '.join(unseen)} could not be read"
    return Measurement(
        criterion=criterion,
        met=not still and not unseen,
        healthy=_healthy(criterion.resource, picture),
        detail=detail,
    )


def _subject(resource: Resource) -> KubernetesSubject:
    return KubernetesSubject(
        namespace=resource.scope,
        deployment=resource.name if resource.kind == "Deployment" else None,
        service=resource.name if resource.kind == "Service" else None,
    )


def _healthy(resource: Resource, picture: Picture) -> int | None:
    """Available replicas of a workload, ready endpoints of a Service."""
    if resource.kind == "Service":
        endpoints = picture.endpoints_of(resource.name)
        return endpoints.ready if endpoints else 0
    workload = picture.workload(resource.kind, resource.name)
    return workload.available if workload else None
