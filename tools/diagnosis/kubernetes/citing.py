"""Turning what a rule saw into a Finding with its Evidence. No rule lives here; no text passes unredacted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tools.diagnosis.kubernetes.catalogue import role_of
from tools.diagnosis.kubernetes.changes import latest_change
from tools.diagnosis.kubernetes.suspects import Suspect
from tools.evidence import Evidence, Finding, Role, Severity, Trust, evidence
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Condition, Event, Log, Terminated, Workload
from tools.redaction import redact
from tools.resources import Resource

EXCERPT_LINES = 12


@dataclass(frozen=True)
class Found:
    """A finding and the evidence its ids name."""

    finding: Finding
    evidence: tuple[Evidence, ...]


def found(
    code: str,
    title: str,
    statement: str,
    *,
    resource: Resource,
    severity: Severity,
    confidence: int,
    evidence: tuple[Evidence | None, ...],
    since: datetime | None = None,
    role: Role | None = None,
) -> Found:
    """A finding resting on whatever of the evidence exists; `since` is when it began, where that is known.

    Its role is the catalogue's, unless the evidence tells more of it: a crash whose log names a database that refuses.
    """
    kept = tuple(piece for piece in evidence if piece is not None)
    finding = Finding(
        code=code,
        title=title,
        statement=redact(statement),
        severity=severity,
        confidence=max(1, min(10, confidence)),
        resource=resource,
        evidence_ids=tuple(dict.fromkeys(piece.id for piece in kept)),
        role=role or role_of(code),
        since=since,
    )
    return Found(finding, kept)


def severity_of(workload: Workload | None) -> Severity:
    """An outage when nothing of the workload serves, a nuisance while everything does."""
    if workload is None or workload.wanted == 0:
        return Severity.SEV3
    if workload.available == 0:
        return Severity.SEV1
    return Severity.SEV2 if workload.available < workload.wanted else Severity.SEV3


def status(suspect: Suspect, text: str, *, path: str, summary: str) -> Evidence:
    """A field of a pod, quoted as `path: value`."""
    return quote(suspect.picture, f"pods/{suspect.pod.name}", path, text, summary)


def quote(picture: Picture, subject: str, path: str, text: str, summary: str) -> Evidence:
    """A field of any object of the namespace, written by the API server or a controller."""
    return evidence(
        tool="kubernetes.status",
        query=f"{picture.namespace}/{subject} {path}",
        summary=summary,
        excerpt=redact(f"{path}: {text}"),
        at=picture.at,
        trust=Trust.STATUS,
    )


def event(picture: Picture, seen: Event | None) -> Evidence | None:
    """An event. Anyone who may create events may write one, so it is text."""
    if seen is None:
        return None
    return evidence(
        tool="kubernetes.events",
        query=f"{picture.namespace}/{seen.kind.lower()}s/{seen.name} events",
        summary=f"{seen.reason}, {seen.count} times",
        excerpt=redact(f"{seen.type} {seen.reason}: {seen.message}"),
        at=picture.at,
        trust=Trust.TEXT,
    )


def log(picture: Picture, written: Log | None, line: str = "") -> Evidence | None:
    """The end of a log, led by the line that matters where it stands further up."""
    if written is None:
        return None
    run = "previous" if written.previous else "current"
    last = "\n".join(written.lines[-EXCERPT_LINES:])
    return evidence(
        tool="kubernetes.logs",
        query=f"{picture.namespace}/pods/{written.pod} log of {written.container}, {run} run",
        summary=f"last lines of the {run} run",
        excerpt=last if line in last else f"{line}\n[...]\n{last}",
        at=picture.at,
        trust=Trust.TEXT,
    )


def change(suspect: Suspect) -> Evidence | None:
    """What the rollout before the trouble changed."""
    return what_changed(suspect.picture, suspect.workload) if suspect.workload else None


def what_changed(picture: Picture, workload: Workload) -> Evidence | None:
    """The difference of the current revision against the one before it; None when there is none to compare."""
    current, previous = workload.current, workload.previous
    if current is None or previous is None:
        return None
    lines = [str(one) for one in latest_change(workload)] or ["nothing that concerns its containers"]
    return evidence(
        tool="kubernetes.revisions",
        query=f"{picture.namespace}/deployments/{workload.name} revision {previous.number} to {current.number}",
        summary=f"what revision {current.number} changed",
        excerpt=redact("\n".join(lines)),
        at=picture.at,
        trust=Trust.STATUS,
    )


def condition(picture: Picture, subject: str, said: Condition) -> Evidence:
    """A condition a controller set on an object."""
    text = f"{said.status} {said.reason}: {said.message}".strip(": ")
    path = f"status.conditions[{said.type}]"
    return quote(picture, subject, path, text, f"{said.type} is {said.status}: {said.reason or 'no reason given'}")


def counts(picture: Picture, workload: Workload) -> Evidence:
    """How many replicas a workload wants and has."""
    return quote(picture, path_of(workload), "status", counted(workload), counted(workload))


def counted(workload: Workload) -> str:
    """The same in words."""
    return (
        f"{workload.available} of {workload.wanted} available, {workload.ready} ready, "
        f"{workload.updated} of the current template"
    )


def path_of(workload: Workload) -> str:
    """A workload as it stands in queries: `deployments/web`."""
    return f"{workload.kind.lower()}s/{workload.name}"


def asked(suspect: Suspect, field: str, text: str, summary: str) -> Evidence:
    """What the pod's spec asks for this container."""
    return status(suspect, text, path=f"spec.containers[{suspect.asked.name}].{field}", summary=summary)


def waiting(suspect: Suspect) -> Evidence:
    return status(
        suspect,
        f"{suspect.state.waiting} {suspect.state.message}",
        path=f"status.containerStatuses[{suspect.state.name}].state.waiting",
        summary=f"{suspect.state.name} waits: {suspect.state.waiting}",
    )


def ending(suspect: Suspect) -> Evidence | None:
    end = suspect.last_end
    if end is None:
        return None
    current = suspect.state.terminated is not None
    return status(
        suspect,
        f"{end.reason} exit code {end.exit_code}{_at(end)}, {suspect.state.restarts} restarts",
        path=f"status.containerStatuses[{suspect.state.name}].{'state' if current else 'lastState'}.terminated",
        summary=f"{suspect.state.name} ended: {end.reason}, exit code {end.exit_code}",
    )


def _at(end: Terminated) -> str:
    return f" at {end.finished:%Y-%m-%d %H:%M} UTC" if end.finished else ""
