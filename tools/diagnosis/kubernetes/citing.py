"""Turning what a rule saw into a Finding with its Evidence. No rule lives here; no text passes unredacted."""

from __future__ import annotations

from dataclasses import dataclass

from tools.diagnosis.kubernetes.changes import latest_change
from tools.diagnosis.kubernetes.suspects import Suspect
from tools.evidence import Evidence, Finding, Severity, Trust, evidence
from tools.reads.kubernetes.picture import Event, Log, Picture, Workload
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
) -> Found:
    """A finding resting on whatever of the evidence exists."""
    kept = tuple(piece for piece in evidence if piece is not None)
    finding = Finding(
        code=code,
        title=title,
        statement=redact(statement),
        severity=severity,
        confidence=max(1, min(10, confidence)),
        resource=resource,
        evidence_ids=tuple(dict.fromkeys(piece.id for piece in kept)),
    )
    return Found(finding, kept)


def severity_of(workload: Workload | None) -> Severity:
    """An outage when nothing of the workload serves, a nuisance while everything does."""
    if workload is None or workload.kind != "Deployment":
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


def log(picture: Picture, written: Log | None) -> Evidence | None:
    """The end of a log."""
    if written is None:
        return None
    run = "previous" if written.previous else "current"
    return evidence(
        tool="kubernetes.logs",
        query=f"{picture.namespace}/pods/{written.pod} log of {written.container}, {run} run",
        summary=f"last lines of the {run} run",
        excerpt="\n".join(written.lines[-EXCERPT_LINES:]),
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
