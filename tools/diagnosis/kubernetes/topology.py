"""What hangs on what in a namespace: Ingress -> Service -> workload -> pod -> node, with claims and scalers. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from tools import resources
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Backend, Pod
from tools.resources import Resource
from tools.topology import Link, Relation, Topology


def topology(picture: Picture) -> Topology:
    """Every link of the namespace that its objects draw themselves."""
    return Topology(links=tuple(dict.fromkeys(_links(picture))))


def node(name: str) -> Resource:
    """A node, which is in no namespace."""
    return resources.kubernetes("", "Node", name)


def owner(pod: Pod, namespace: str) -> Resource:
    """What people know a pod by: its workload, or the pod itself when nothing owns it."""
    kind, name = (pod.owner_kind, pod.owner_name) if pod.owner_name else ("Pod", pod.name)
    return resources.kubernetes(namespace, kind, name)


def _links(picture: Picture) -> Iterator[Link]:
    yield from _routes(picture)
    yield from _services(picture)
    for pod in picture.pods:
        yield from _pod(pod, picture.namespace)
    for scaler in picture.autoscalers:
        target = resources.kubernetes(picture.namespace, scaler.target_kind, scaler.target)
        yield _link(picture, "HorizontalPodAutoscaler", scaler.name, Relation.SCALES, target)
    for job in picture.jobs:
        if job.cron_job:
            ours = resources.kubernetes(picture.namespace, "Job", job.name)
            yield _link(picture, "CronJob", job.cron_job, Relation.OWNS, ours)
    for claim in picture.claims:
        if claim.volume:
            volume = resources.kubernetes("", "PersistentVolume", claim.volume)
            yield _link(picture, "PersistentVolumeClaim", claim.name, Relation.MOUNTS, volume)


def _routes(picture: Picture) -> Iterator[Link]:
    for ingress in picture.ingresses:
        backends = [rule.backend for rule in ingress.rules] + ([ingress.default] if ingress.default else [])
        for backend in backends:
            yield _link(picture, "Ingress", ingress.name, Relation.ROUTES_TO, _backend(backend, picture))
    for route in picture.routes:
        for backend in route.backends:
            yield _link(picture, "HTTPRoute", route.name, Relation.ROUTES_TO, _backend(backend, picture))
        for parent in route.parents:
            target = resources.kubernetes(picture.namespace, "HTTPRoute", route.name)
            yield _link(picture, "Gateway", parent.rpartition("/")[2], Relation.ROUTES_TO, target)


def _services(picture: Picture) -> Iterator[Link]:
    for service in picture.services:
        for workload in picture.workloads_selected(service.selector):
            target = resources.kubernetes(picture.namespace, workload.kind, workload.name)
            yield _link(picture, "Service", service.name, Relation.SELECTS, target)
        for pod in picture.pods_selected(service.selector):
            if not pod.owner_name:
                target = resources.kubernetes(picture.namespace, "Pod", pod.name)
                yield _link(picture, "Service", service.name, Relation.SELECTS, target)


def _pod(pod: Pod, namespace: str) -> Iterator[Link]:
    """A finished pod rests on nothing any more."""
    ours, its = resources.kubernetes(namespace, "Pod", pod.name), owner(pod, namespace)
    if its != ours:
        yield Link(source=its, relation=Relation.OWNS, target=ours)
    if pod.node and pod.phase != "Succeeded":
        yield Link(source=ours, relation=Relation.RUNS_ON, target=node(pod.node))
    for volume in pod.asked.volumes:
        if volume.kind == "PersistentVolumeClaim":
            target = resources.kubernetes(namespace, volume.kind, volume.name)
            yield Link(source=its, relation=Relation.MOUNTS, target=target)


def _backend(backend: Backend, picture: Picture) -> Resource:
    return resources.kubernetes(backend.namespace or picture.namespace, "Service", backend.service)


def _link(picture: Picture, kind: str, name: str, relation: Relation, target: Resource) -> Link:
    return Link(source=resources.kubernetes(picture.namespace, kind, name), relation=relation, target=target)
