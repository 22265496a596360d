"""Rules about Services with the right selector and nobody to answer: all pods not ready, no address from outside."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from tools import resources
from tools.diagnosis.kubernetes import citing, owners, services
from tools.diagnosis.kubernetes.citing import Found
from tools.evidence import Evidence, Severity
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Container, Endpoints, Pod, Service
from tools.resources import Resource

START = timedelta(minutes=2)
"""Least time a pod has to become ready; its probes may allow more."""

BALANCER_TIME = timedelta(minutes=10)
"""How long a provider may take to make a load balancer."""

SYNC_FAILED = ("SyncLoadBalancerFailed", "CreatingLoadBalancerFailed", "FailedBuildModel", "FailedDeployModel")
SYNCED = ("EnsuredLoadBalancer", "SuccessfullyReconciled", "UpdatedLoadBalancer")


def findings(picture: Picture, ill: Collection[Resource]) -> Iterator[Found]:
    """Services without a ready endpoint whose pods have no finding of their own, and without an address."""
    for service in picture.services:
        found = endpoints_not_ready(service, picture, ill)
        if found is not None:
            yield found
        lost = load_balancer_failed(service, picture)
        if lost is not None:
            yield lost


def endpoints_not_ready(service: Service, picture: Picture, ill: Collection[Resource]) -> Found | None:
    """k8s.endpoints_not_ready: the selector matches, all endpoints are not ready, and no pod's finding says why."""
    endpoints = picture.endpoints_of(service.name)
    pods = owners.selected(service, picture)
    if not services.is_judged(service) or endpoints is None or endpoints.ready or not endpoints.not_ready:
        return None
    if not pods or any(_is_explained(pod, picture, ill) or _is_starting(pod, picture) for pod in pods):
        return None
    if any(workload.paused for pod in pods if (workload := owners.workload_of(pod, picture))):
        return None
    return _nobody_answers(service, endpoints, pods, picture)


def load_balancer_failed(service: Service, picture: Picture) -> Found | None:
    """k8s.load_balancer_failed: type LoadBalancer, no address, and it could not be made or nobody made it in time."""
    if service.type != "LoadBalancer" or service.addresses:
        return None
    seen = [event for event in picture.events_of("Service", service.name) if event.reason in (*SYNC_FAILED, *SYNCED)]
    failed = seen[-1] if seen and seen[-1].reason in SYNC_FAILED else None
    late = service.created is not None and picture.now - service.created > BALANCER_TIME
    if failed is None and (service.addresses is None or seen or not late):
        return None
    why = f"could not be set up: {failed.message[:200]}" if failed else "has no address, and nobody says why"
    return citing.found(
        "k8s.load_balancer_failed",
        f"Service {service.name} has no load balancer",
        f"The load balancer of Service {service.name} {why.rstrip('.')}.",
        resource=resources.kubernetes(picture.namespace, "Service", service.name),
        severity=Severity.SEV2,
        confidence=7 if failed else 5,
        since=service.changed_at or service.created,
        evidence=(
            citing.event(picture, failed),
            citing.quote(
                picture,
                f"services/{service.name}",
                "status.loadBalancer.ingress",
                "none" if service.addresses is not None else "not read",
                f"type {service.type}, no address",
            ),
        ),
    )


def _nobody_answers(service: Service, endpoints: Endpoints, pods: tuple[Pod, ...], picture: Picture) -> Found:
    since = min((moment for pod in pods if (moment := _unready_since(pod))), default=None)
    return citing.found(
        "k8s.endpoints_not_ready",
        f"Service {service.name} has no ready endpoint",
        f"Service {service.name} selects {owners.told(pods)}, and none of its {endpoints.not_ready} endpoints "
        f"is ready{owners.clock(since)}.",
        resource=resources.kubernetes(picture.namespace, "Service", service.name),
        severity=Severity.SEV1,
        confidence=6,
        since=since,
        evidence=(
            citing.quote(
                picture,
                f"endpointslices of {service.name}",
                "endpoints[*].conditions.ready",
                f"{endpoints.ready} true, {endpoints.not_ready} false",
                f"{endpoints.not_ready} endpoints, none ready",
            ),
            *(_condition(pod, picture) for pod in pods[:2]),
        ),
    )


def _condition(pod: Pod, picture: Picture) -> Evidence:
    ready = pod.condition("Ready")
    said = f"{ready.status} {ready.reason} {ready.message}".strip() if ready else "absent"
    return citing.quote(picture, f"pods/{pod.name}", "status.conditions[Ready]", said, f"{pod.name} is not ready")


def _is_explained(pod: Pod, picture: Picture, ill: Collection[Resource]) -> bool:
    """Whether something has been found about the pod's owner or about the node under it."""
    return owners.owner(pod, picture) in ill or resources.kubernetes("", "Node", pod.node) in ill


def _is_starting(pod: Pod, picture: Picture) -> bool:
    """Whether the pod may still be within the time its own probes allow it."""
    allowance = max([START, *(_allowed(container) for container in pod.asked.containers)])
    times = [pod.created, _unready_since(pod), *(state.running_since for state in pod.states)]
    return not all(owners.is_older(moment, allowance, picture) for moment in times)


def _allowed(container: Container) -> timedelta:
    """How long a container may take before its first answer counts: start-up, then readiness."""
    probes = [probe for probe in (container.startup, container.readiness) if probe is not None]
    return timedelta(seconds=sum(one.initial_delay + one.period * (one.failure_threshold + 1) for one in probes))


def _unready_since(pod: Pod) -> datetime | None:
    ready = pod.condition("Ready")
    return ready.since if ready else None
