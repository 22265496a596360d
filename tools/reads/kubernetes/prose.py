"""Views in one line of plain text each, for the model, the command line and people. Pure; nothing is looked up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tools.reads.kubernetes import quantities
from tools.reads.kubernetes.views import (
    Autoscaler,
    Container,
    ContainerState,
    Endpoints,
    Event,
    Node,
    Pod,
    Probe,
    Revision,
    Service,
    Template,
    Workload,
)


def workload(found: Workload) -> str:
    """`Deployment web: 2 of 2 available, 2 updated, revision 3`."""
    parts = [f"{found.kind} {found.name}: {found.available} of {found.wanted} available, {found.updated} updated"]
    if found.revision is not None:
        parts.append(f"revision {found.revision}")
    if found.paused:
        parts.append("paused")
    if found.managed_by:
        parts.append(f"managed by {', '.join(found.managed_by)}")
    return ", ".join(parts)


def conditions(found: Workload) -> Iterator[str]:
    """The conditions of a workload."""
    for one in found.conditions:
        yield f"condition {one.type}={one.status} {one.reason}: {one.message}".rstrip(": ")


def template(found: Template) -> Iterator[str]:
    """What a pod template asks for."""
    yield f"labels {labels(found.labels)}"
    for container in found.init_containers:
        yield f"init {_container(container)}"
    for container in found.containers:
        yield _container(container)
        for kind, probe in (
            ("liveness", container.liveness),
            ("readiness", container.readiness),
            ("startup", container.startup),
        ):
            if probe is not None:
                yield f"  {kind} probe {_probe(probe)}"


def pod(found: Pod) -> str:
    """`pod web-1 Running, ready, app running (0 restarts)`."""
    states = "; ".join(_state(state) for state in found.states)
    leaving = ", leaving" if found.deleting else ""
    readiness = "ready" if found.ready else "not ready"
    unplaced = found.condition("PodScheduled")
    stuck = f"; {unplaced.message}" if unplaced and unplaced.status == "False" else ""
    return f"pod {found.name} {found.phase}, {readiness}{leaving}: {states or 'no container yet'}{stuck}"


def revision(found: Revision, *, current: bool) -> str:
    """`revision 2 (current): 1 pods, 0 available, since 2026-...`."""
    mark = " (current)" if current else ""
    since = f", since {found.created.isoformat()}" if found.created else ""
    return f"revision {found.number}{mark}: {found.wanted} pods wanted, {found.available} available{since}"


def service(found: Service, endpoints: Endpoints | None) -> str:
    """`service web selects app=web, 80 -> http; 2 ready endpoints`."""
    ports = ", ".join(f"{port.port} -> {port.target}" for port in found.ports)
    counts = f"{endpoints.ready} ready, {endpoints.not_ready} other endpoints" if endpoints else "no endpoints"
    return f"service {found.name} ({found.type}) selects {labels(found.selector) or 'nothing'}, {ports}; {counts}"


def autoscaler(found: Autoscaler) -> str:
    """`autoscaler web on Deployment web: 2 now, 3 wanted, between 2 and 6`."""
    states = ", ".join(f"{one.type}={one.status} {one.reason}" for one in found.conditions)
    return (
        f"autoscaler {found.name} on {found.target_kind} {found.target}: {found.current} now, {found.desired} wanted, "
        f"between {found.minimum} and {found.maximum}; {states}"
    )


def node(found: Node) -> str:
    """`node a ready, offers 8Gi memory and 4000m cpu`."""
    state = "ready" if found.ready else "NOT READY"
    marks = [*(["cordoned"] if found.cordoned else []), *found.pressures, *(f"taint {taint}" for taint in found.taints)]
    room = f"{quantities.memory(found.memory)} memory and {quantities.cpu(found.cpu)} cpu"
    return f"node {found.name} {state}, offers {room}" + (f"; {', '.join(marks)}" if marks else "")


def event(found: Event) -> str:
    """`2026-... Warning BackOff Pod/web-1 x5: Back-off restarting ...`."""
    seen = found.last_seen.isoformat() if found.last_seen else "-"
    return f"{seen} {found.type} {found.reason} {found.kind}/{found.name} x{found.count}: {found.message}"


def when(found: Event) -> float:
    """A number to sort events by; those without a time come first."""
    return found.last_seen.timestamp() if found.last_seen else 0.0


def labels(found: Mapping[str, str]) -> str:
    """Labels, or any names and texts, as kubectl writes them."""
    return ",".join(f"{key}={value}" for key, value in sorted(found.items()))


def _container(found: Container) -> str:
    variables = ", ".join(f"{entry.name} {entry.source}" for entry in found.env) or "none"
    sources = f" and all of {', '.join(found.env_from)}" if found.env_from else ""
    ports = ", ".join(f"{port.name or '-'}:{port.number}" for port in found.ports) or "none"
    return (
        f"container {found.name} image {found.image} requests {labels(found.requests) or 'nothing'} "
        f"limits {labels(found.limits) or 'nothing'} ports {ports} env {variables}{sources}"
    )


def _probe(found: Probe) -> str:
    return (
        f"{found.handler} {found.path or ''} port {found.port or '-'} delay {found.initial_delay}s "
        f"period {found.period}s timeout {found.timeout}s fails after {found.failure_threshold}"
    )


def _state(found: ContainerState) -> str:
    if found.waiting:
        now = f"waiting {found.waiting}"
    elif found.terminated is not None:
        now = f"ended {found.terminated.reason} exit {found.terminated.exit_code}"
    else:
        now = "running" if found.running_since else "not started"
    before = f", before that {found.last.reason} exit {found.last.exit_code}" if found.last else ""
    return f"{'init ' if found.init else ''}{found.name} {now} ({found.restarts} restarts{before})"
