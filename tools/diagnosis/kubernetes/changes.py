"""What a rollout changed: the difference between two pod templates in words that show no environment value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tools.reads.kubernetes.views import Container, EnvEntry, Probe, Template, Workload
from tools.redaction import redact
from tools.values import Value

ABSENT = "absent"


class FieldChange(Value):
    """One field of a pod template: what it was and what it is."""

    field: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.field}: {self.before} -> {self.after}"


def latest_change(workload: Workload) -> tuple[FieldChange, ...]:
    """What the current revision changed against the revision before it; nothing when either is unknown."""
    current, previous = workload.current, workload.previous
    return changed(previous.template, current.template) if current and previous else ()


def changed(before: Template, after: Template) -> tuple[FieldChange, ...]:
    """Every difference between two pod templates that a rule or a person may care about."""
    found: list[FieldChange] = []
    names = [container.name for container in (*before.containers, *before.init_containers)]
    names += [
        container.name for container in (*after.containers, *after.init_containers) if container.name not in names
    ]
    for name in names:
        found += _container(name, before.container(name), after.container(name))
    found += _texts("label", before.labels, after.labels)
    found += _texts("nodeSelector", before.node_selector, after.node_selector)
    found += _one("imagePullSecrets", " ".join(before.pull_secrets), " ".join(after.pull_secrets))
    found += _one("serviceAccount", before.service_account, after.service_account)
    return tuple(found)


def _container(name: str, before: Container | None, after: Container | None) -> Iterator[FieldChange]:
    if before is None or after is None:
        yield FieldChange(
            field=f"container {name}",
            before=before.image if before else ABSENT,
            after=after.image if after else ABSENT,
        )
        return
    yield from _one(f"{name} image", before.image, after.image)
    yield from _env(name, before.env, after.env)
    yield from _one(f"{name} envFrom", ", ".join(before.env_from), ", ".join(after.env_from))
    yield from _texts(f"{name} request", before.requests, after.requests)
    yield from _texts(f"{name} limit", before.limits, after.limits)
    for kind in ("liveness", "readiness", "startup"):
        yield from _one(f"{name} {kind} probe", _probe(getattr(before, kind)), _probe(getattr(after, kind)))
    yield from _one(f"{name} ports", _ports(before), _ports(after))
    yield from _one(f"{name} command", before.command, after.command)


def _env(name: str, before: tuple[EnvEntry, ...], after: tuple[EnvEntry, ...]) -> Iterator[FieldChange]:
    """Variables that came, went, or got another value: the sources are named, the values never."""
    old, new = {entry.name: entry for entry in before}, {entry.name: entry for entry in after}
    for variable in sorted(old.keys() | new.keys()):
        was, now = old.get(variable), new.get(variable)
        if was and now and was.fingerprint != now.fingerprint and was.source == now.source:
            yield FieldChange(field=f"{name} env {variable}", before=was.source, after="another value")
        else:
            yield from _one(f"{name} env {variable}", was.source if was else "", now.source if now else "")


def _texts(field: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[FieldChange]:
    for key in sorted(before.keys() | after.keys()):
        yield from _one(f"{field} {key}", before.get(key, ""), after.get(key, ""))


def _one(field: str, before: str, after: str) -> Iterator[FieldChange]:
    if before != after:
        yield FieldChange(field=field, before=redact(before) or ABSENT, after=redact(after) or ABSENT)


def _ports(container: Container) -> str:
    return ", ".join(f"{port.name or ''}:{port.number}".lstrip(":") for port in container.ports)


def _probe(probe: Probe | None) -> str:
    if probe is None:
        return ""
    timing = f"delay {probe.initial_delay}s period {probe.period}s timeout {probe.timeout}s x{probe.failure_threshold}"
    return f"{probe.handler} {probe.path or ''} port {probe.port or '-'} ({timing})"
