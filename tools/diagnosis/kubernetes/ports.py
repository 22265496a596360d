"""Rules about Service ports that lead to no port of the container. Selectors are judged in `services`.

Containers may listen on ports they do not declare, so a number nobody declares is doubtful, a name nobody has is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from difflib import get_close_matches

from tools import resources
from tools.diagnosis.kubernetes import citing, owners, services
from tools.diagnosis.kubernetes.citing import Found
from tools.evidence import Evidence, Severity
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Container, Pod, Service, ServicePort, Workload

LATELY = timedelta(hours=6)
"""A change older than this did not make the trouble of now."""


def findings(picture: Picture) -> Iterator[Found]:
    """What is wrong with the ports of the namespace's Services. Ready pods only: others have a fault of their own."""
    if not picture.has_read("pods"):
        return
    for service in picture.services:
        pods = tuple(pod for pod in owners.selected(service, picture) if pod.ready)
        if pods and services.is_judged(service):
            found = target_port_unnamed(service, pods, picture) or target_port_closed(service, pods, picture)
            if found is not None:
                yield found


def target_port_unnamed(service: Service, pods: tuple[Pod, ...], picture: Picture) -> Found | None:
    """k8s.target_port_unnamed: targetPort is a name that no container port of any ready pod has."""
    unnamed = [port for port in service.ports if _is_name(port) and not any(_has(pod, port) for pod in pods)]
    if not unnamed:
        return None
    port, meant = unnamed[0], meant_port(unnamed[0], pods)
    hint = f"; the nearest is {meant}" if meant else ""
    return _misled(
        "k8s.target_port_unnamed",
        f"Port {port.port} of Service {service.name} leads to a container port called {port.target}, "
        f"and no container of its pods has one{hint}.",
        service,
        port,
        pods,
        picture,
        # A slice that has ready endpoints but not this port says the same from the other side.
        confidence=9 if _slice_is_short(service, picture) else 8,
        whole=len(unnamed) == len(service.ports),
    )


def target_port_closed(service: Service, pods: tuple[Pod, ...], picture: Picture) -> Found | None:
    """k8s.target_port_closed: every targetPort is a number no container declares and no probe asks.

    Silent where some container declares no port at all, for it may listen on anything; and where neither the Service
    nor its pods changed lately: then it worked like that.
    """
    asked = [container for pod in pods for container in pod.asked.containers]
    if not service.ports or not all(container.ports for container in asked):
        return None
    if any(_is_name(port) or _is_known(port, asked) for port in service.ports) or _is_old(service, pods, picture):
        return None
    port, meant = service.ports[0], meant_port(service.ports[0], pods)
    hint = f"; they declare {_declared(asked)}" if meant is None else f"; they declare only {meant}"
    return _misled(
        "k8s.target_port_closed",
        f"Port {port.port} of Service {service.name} leads to port {port.target}, "
        f"which no container of its pods declares and no probe asks{hint}.",
        service,
        port,
        pods,
        picture,
        confidence=7 if service.changed_at and service.changed_at >= picture.now - owners.RECENT else 6,
        whole=False,
    )


def meant_port(port: ServicePort, pods: tuple[Pod, ...]) -> str | None:
    """The container port that was probably meant: the only one there is, or the one whose name comes nearest."""
    declared = {found.name or str(found.number) for pod in pods for one in pod.asked.containers for found in one.ports}
    if len(declared) == 1:
        return next(iter(declared))
    near = get_close_matches(port.target, sorted(declared), 1)
    return near[0] if near else None


def renamed_by(service: Service, picture: Picture) -> Workload | None:
    """The Deployment whose last rollout took away the port name the Service asks for, though the Service stayed."""
    names = [port.target for port in service.ports if _is_name(port)]
    for pod in owners.selected(service, picture):
        workload = owners.workload_of(pod, picture)
        before = workload.previous.template if workload and workload.previous else None
        if workload and before and any(_named(name, (*before.containers, *before.init_containers)) for name in names):
            return None if any(_has(pod, port) for port in service.ports if _is_name(port)) else workload
    return None


def _is_old(service: Service, pods: tuple[Pod, ...], picture: Picture) -> bool:
    """Whether both the Service and the workloads behind it are known to have stood unchanged for long."""
    current = [found.current for pod in pods if (found := owners.workload_of(pod, picture))]
    times = [service.changed_at or service.created, *(one.created if one else None for one in current)]
    return all(moment is not None and picture.now - moment > LATELY for moment in times)


def _misled(
    code: str,
    statement: str,
    service: Service,
    port: ServicePort,
    pods: tuple[Pod, ...],
    picture: Picture,
    *,
    confidence: int,
    whole: bool,
) -> Found:
    renamed = renamed_by(service, picture) if _is_name(port) else None
    by = f" Revision {renamed.revision} of {renamed.name} took that name away." if renamed else ""
    return citing.found(
        code,
        f"Service {service.name} leads to a port that is not there",
        statement + by,
        resource=resources.kubernetes(picture.namespace, "Service", service.name),
        severity=Severity.SEV1 if whole else Severity.SEV2,
        confidence=confidence + (1 if renamed else 0),
        since=(renamed.current.created if renamed and renamed.current else None) or service.changed_at,
        evidence=(
            citing.quote(
                picture,
                f"services/{service.name}",
                f"spec.ports[{port.port}].targetPort",
                port.target,
                f"port {port.port} leads to {port.target}",
            ),
            _container_ports(pods[0], picture),
            _slice(service, picture),
            citing.what_changed(picture, renamed) if renamed else None,
        ),
    )


def _container_ports(pod: Pod, picture: Picture) -> Evidence:
    asked = (*pod.asked.containers, *pod.asked.init_containers)
    declared = _declared(asked) or "none"
    return citing.quote(
        picture, f"pods/{pod.name}", "spec.containers[*].ports", declared, f"its containers declare {declared}"
    )


def _slice(service: Service, picture: Picture) -> Evidence | None:
    found = picture.endpoints_of(service.name)
    if found is None:
        return None
    ports = ", ".join(str(number) for number in found.ports) or "null"
    return citing.quote(
        picture,
        f"endpointslices of {service.name}",
        "ports",
        f"{ports} ({found.ready} endpoints ready)",
        f"{found.ready} ready endpoints, ports {ports}",
    )


def _slice_is_short(service: Service, picture: Picture) -> bool:
    found = picture.endpoints_of(service.name)
    return found is not None and found.ready > 0 and len(found.ports) < len(service.ports)


def _declared(asked: tuple[Container, ...] | list[Container]) -> str:
    spelled = (f"{found.name or ''} {found.number}".strip() for one in asked for found in one.ports)
    return ", ".join(dict.fromkeys(spelled))


def _is_name(port: ServicePort) -> bool:
    return not port.target.isdecimal()


def _has(pod: Pod, port: ServicePort) -> bool:
    return _named(port.target, (*pod.asked.containers, *pod.asked.init_containers))


def _named(name: str, asked: tuple[Container, ...]) -> bool:
    return any(found.name == name for one in asked for found in one.ports)


def _is_known(port: ServicePort, asked: list[Container]) -> bool:
    """Whether a container declares the number, or a probe asks it: then something probably listens there."""
    numbers = {str(found.number) for one in asked for found in one.ports}
    probes = (probe for one in asked for probe in (one.liveness, one.readiness, one.startup) if probe is not None)
    return port.target in numbers | {probe.port for probe in probes if probe.port}
