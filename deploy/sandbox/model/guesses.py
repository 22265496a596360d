"""Symptoms and what they usually mean: the engineer's experience, as a table of small functions over what was read.

Each looks for its own symptom and for the change that explains it, and answers with the narrowest way back.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from deploy.sandbox.model.reading import Block, Reading
from deploy.sandbox.model.wire import Json

TARGET_CPU = 60.0


@dataclass(frozen=True)
class Guess:
    """A cause, the action that would end it, and the words that say so."""

    code: str
    title: str
    statement: str
    resource: Json
    action: Json
    evidence_id: str
    quote: str


@dataclass(frozen=True)
class Change:
    """One line about what a rollout changed: `app image: web:1 -> web:2`, since revision `revision`."""

    container: str
    field: str
    before: str
    after: str
    revision: int
    line: str
    block: Block


def guess(reading: Reading) -> Guess | None:
    """The first symptom that has an explanation."""
    return next((found for look in _EXPERIENCE if (found := look(reading))), None)


def changes(reading: Reading) -> Iterator[Change]:
    """What the latest rollout changed, wherever it was shown."""
    for block in reading.evidence:
        between = re.search(r" revision (\d+) to \d+$", block.query)
        before = int(between[1]) if between else None
        lines = block.excerpt.splitlines() if between else _latest_lines(block.excerpt)
        before = before or _revision_before(block.excerpt)
        for line in lines:
            found = re.fullmatch(
                r"\s*(\S+) ((?:env|image|limit|request|liveness|readiness|startup)[^:]*): (.*) -> (.*)", line
            )
            if found and before:
                yield Change(found[1], found[2], found[3], found[4], before, line.strip(), block)


def _latest_lines(excerpt: str) -> list[str]:
    """The lines under `revision 3 (current): …`, up to the revision before it."""
    section = re.search(r"^revision \d+ \(current\)[^\n]*\n((?:  [^\n]*\n?)*)", excerpt, re.MULTILINE)
    return section[1].splitlines() if section else []


def _revision_before(excerpt: str) -> int | None:
    numbers = re.findall(r"^revision (\d+)", excerpt, re.MULTILINE)
    return int(numbers[1]) if len(numbers) > 1 else None


def _missing_variable(reading: Reading) -> Guess | None:
    for change in changes(reading):
        variable = change.field.removeprefix("env ")
        others = (block.body for block in reading.evidence if block is not change.block)
        if change.field.startswith("env ") and change.after == "absent" and any(variable in text for text in others):
            action = {"kind": "k8s.set_env", "variable": variable, "revision": change.revision}
            return _undone(reading, change, "missing_env", f"lost the variable {variable} it needs", action)
    return None


def _too_little_memory(reading: Reading) -> Guess | None:
    change = _changed(reading, "limit memory", r"OOMKilled")
    if change is None:
        return None
    action = {"kind": "k8s.set_resources", "memory_limit": change.before}
    return _undone(reading, change, "oom_killed", "is killed for want of memory", action)


def _unpullable_image(reading: Reading) -> Guess | None:
    change = _changed(reading, "image", r"ImagePullBackOff|ErrImagePull|InvalidImageName")
    if change is None:
        return None
    action = {"kind": "k8s.set_image", "image": change.before}
    return _undone(reading, change, "image_not_pulled", "cannot pull its image", action)


def _wrong_probe(reading: Reading) -> Guess | None:
    for probe in ("liveness", "readiness", "startup"):
        change = _changed(reading, f"{probe} probe", r"(?i)unhealthy|probe failed|not ready")
        if change and (was := _where(change.before)) and (now := _where(change.after)):
            back = {part: value for part, value in was.items() if value != now[part]}
            action = {"kind": "k8s.set_probe", "probe": probe, **back}
            return _undone(
                reading, change, f"{probe}_probe_failing", f"fails its {probe} probe since it changed", action
            )
    return None


def _where(probe: str) -> dict[str, str | None] | None:
    """The path and port of a probe in words: `httpGet /healthz port 8080 (…)`."""
    found = re.match(r"\S+ (/\S*)? ?port (\S+)", probe)
    return {"path": found[1], "port": found[2]} if found else None


def _too_large_request(reading: Reading) -> Guess | None:
    for kind in ("memory", "cpu"):
        change = _changed(reading, f"request {kind}", r"(?i)insufficient|unschedulable")
        if change:
            action = {"kind": "k8s.set_resources", f"{kind}_request": change.before}
            return _undone(reading, change, "unschedulable", f"asks for more {kind} than any node has", action)
    return None


def _wrong_selector(reading: Reading) -> Guess | None:
    """A Service with no endpoints, and the labels of the Deployment that bears its name."""
    known = reading.known
    service, labels = known.get("service"), re.search(r"^labels (\S+)$", reading.text, re.MULTILINE)
    for block in reading.evidence:
        line = re.search(
            rf"^service {re.escape(str(service))} .*(?:no endpoints|0 ready, 0 other).*$", block.excerpt, re.MULTILINE
        )
        if line and labels and "namespace" in known:
            selector = dict(label.split("=", 1) for label in labels[1].split(",") if "=" in label)
            action = {"kind": "k8s.set_service_selector", "service": service, "selector": selector}
            return Guess(
                code="selector_matches_nothing",
                title=f"{service} selects no pods",
                statement=f"Service {service} selects labels that no pod has.",
                resource=_kubernetes(known["namespace"], "Service", str(service)),
                action={"namespace": known["namespace"], **action},
                evidence_id=block.id,
                quote=line[0],
            )
    return None


def _busy_group(reading: Reading) -> Guess | None:
    known = reading.known
    size = re.search(r"min \d+, desired (\d+), max (\d+), in service \d+", reading.text)
    load = _latest(reading, "CPUUtilization")
    if size is None or load is None or not {"group", "region"} <= known.keys():
        return None
    desired, most = int(size[1]), int(size[2])
    wanted = min(max(math.ceil(desired * load / TARGET_CPU), desired + 1), 2 * desired, most)
    if load <= TARGET_CPU or wanted <= desired:
        return None
    action = {"kind": "aws.set_desired_capacity", "group": known["group"], "desired": wanted}
    return _on_aws(
        reading, "asg_cpu_high", "AutoScalingGroup", known["group"], f"{load:.0f} % CPU on {desired}", action, size[0]
    )


def _exhausted_connections(reading: Reading) -> Guess | None:
    known = reading.known
    line = re.search(
        r"^.*(?:connection slots|too many (?:clients|connections)|connection pool|QueuePool).*$",
        reading.text,
        re.MULTILINE,
    )
    if line is None or not {"cluster", "service", "region"} <= known.keys():
        return None
    action = {"kind": "aws.force_new_deployment", "cluster": known["cluster"], "service": known["service"]}
    name = f"{known['cluster']}/{known['service']}"
    return _on_aws(
        reading, "ecs_db_connection_errors", "EcsService", name, "holds every database connection", action, line[0]
    )


def _full_disk(reading: Reading) -> Guess | None:
    known, used = reading.known, _latest(reading, "disk_used_percent")
    if used is None or used < 85 or not {"instance_id", "region"} <= known.keys():
        return None
    action = {"kind": "aws.clean_up_logs", "instance_id": known["instance_id"]}
    said = f"{used:.1f}"
    return _on_aws(reading, "disk_full", "Instance", known["instance_id"], f"disk {said} % full", action, said)


_EXPERIENCE: tuple[Callable[[Reading], Guess | None], ...] = (
    _missing_variable,
    _too_little_memory,
    _unpullable_image,
    _wrong_probe,
    _too_large_request,
    _wrong_selector,
    _busy_group,
    _exhausted_connections,
    _full_disk,
)


def _changed(reading: Reading, field: str, symptom: str) -> Change | None:
    """The change of a field, if the symptom it would cause is there too."""
    if not re.search(symptom, reading.text):
        return None
    return next((change for change in changes(reading) if change.field == field), None)


def _undone(reading: Reading, change: Change, code: str, trouble: str, action: Json) -> Guess | None:
    """The guess that a rollout's change made the trouble, and the action that takes it back."""
    place = {name: reading.known.get(name) for name in ("namespace", "deployment")}
    if None in place.values():
        return None
    return Guess(
        code=code,
        title=f"{place['deployment']} {trouble}"[:80],
        statement=f"{place['deployment']} {trouble}: the last rollout changed {change.container} {change.field}.",
        resource=_kubernetes(str(place["namespace"]), "Deployment", str(place["deployment"])),
        action={**place, "container": change.container, **action},
        evidence_id=change.block.id,
        quote=change.line,
    )


def _on_aws(reading: Reading, code: str, kind: str, name: str, trouble: str, action: Json, quote: str) -> Guess | None:
    block = next((block for block in reading.evidence if quote in block.excerpt), None)
    if block is None:
        return None
    region = reading.known["region"]
    return Guess(
        code=code,
        title=f"{name}: {trouble}"[:80],
        statement=f"{name}: {trouble}.",
        resource={"provider": "aws", "scope": region, "kind": kind, "name": name},
        action={"region": region, **action},
        evidence_id=block.id,
        quote=quote,
    )


def _kubernetes(namespace: str, kind: str, name: str) -> Json:
    return {"provider": "kubernetes", "scope": namespace, "kind": kind, "name": name}


def _latest(reading: Reading, metric: str) -> float | None:
    """The last datapoint shown of a metric."""
    points = [
        float(value)
        for block in reading.evidence
        if metric in block.query
        for value in re.findall(r"^\d\d:\d\d ([\d.]+)$", block.excerpt, re.MULTILINE)
    ]
    return points[-1] if points else None
