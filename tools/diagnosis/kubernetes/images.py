"""Rules about images that cannot be pulled. Registries' wording varies: it is matched loosely and kept as evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.diagnosis.confidence import Strength, confidence
from tools.diagnosis.kubernetes import citing
from tools.diagnosis.kubernetes.citing import Found
from tools.diagnosis.kubernetes.suspects import Suspect, suspects
from tools.evidence import Evidence
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Event
from tools.resources import Resource

PULL_FAILURES = frozenset({"ErrImagePull", "ImagePullBackOff"})

_REASONS = (
    # Order matters: a registry that hides private repositories says "not found or requires authorization".
    ("k8s.image_rate_limited", re.compile(r"toomanyrequests|rate limit", re.I), "the registry limits our pulls"),
    ("k8s.image_auth", re.compile(r"unauthorized|denied|authentication required|no basic auth|403 Forbidden", re.I),
     "the registry refuses our credentials"),
    ("k8s.image_not_found", re.compile(r"not found|manifest unknown|notfound|does not exist|404", re.I),
     "the registry has no such image"),
    ("k8s.image_unreachable", re.compile(r"no such host|timeout|timed out|refused|unreachable|EOF", re.I),
     "the registry cannot be reached"),
)  # fmt: skip


def image_not_pulled(suspect: Suspect) -> Found | None:
    """k8s.image_not_found, _auth, _rate_limited, _unreachable: waiting ErrImagePull or ImagePullBackOff, and why."""
    if suspect.state.waiting not in PULL_FAILURES:
        return None
    failed = _pull_event(suspect)
    said = failed.message if failed else suspect.state.message
    for code, pattern, why in _REASONS:
        if pattern.search(said):
            return _cannot_pull(suspect, code, why, failed)
    return None


def findings(picture: Picture) -> Iterator[Found]:
    """Pull secrets that are not there, of workloads whose images do not come."""
    told: set[Resource] = set()
    for suspect in suspects(picture):
        if suspect.state.waiting in PULL_FAILURES and suspect.resource not in told:
            missing = pull_secret_missing(suspect)
            if missing is not None:
                told.add(suspect.resource)
                yield missing


def pull_secret_missing(suspect: Suspect) -> Found | None:
    """k8s.pull_secret_missing: imagePullSecrets names no Secret, by the list of names or the kubelet's own event."""
    retrieved = suspect.event("FailedToRetrieveImagePullSecret")
    known, named = suspect.picture.secrets, suspect.pod.asked.pull_secrets
    absent = [name for name in named if (known is not None and name not in known) or _names(retrieved, name)]
    if not absent:
        return None
    listed = known is not None and absent[0] not in known
    return citing.found(
        "k8s.pull_secret_missing",
        f"{suspect.resource.name} lacks its pull secret {absent[0]}",
        f"{suspect.resource.name} pulls its images with Secret {absent[0]}, which does not exist in "
        f"{suspect.picture.namespace}.",
        resource=suspect.resource,
        severity=citing.severity_of(suspect.workload),
        confidence=confidence(Strength.STATED if listed else Strength.MATCHED),
        since=suspect.since,
        evidence=(
            citing.status(
                suspect, ", ".join(named), path="spec.imagePullSecrets", summary=f"it pulls with {', '.join(named)}"
            ),
            citing.event(suspect.picture, retrieved),
            citing.change(suspect),
        ),
    )


def _names(event: Event | None, secret: str) -> bool:
    return event is not None and re.search(rf"(?<![\w.-]){re.escape(secret)}(?![\w.-])", event.message) is not None


def image_invalid(suspect: Suspect) -> Found | None:
    """k8s.image_invalid: waiting InvalidImageName."""
    if suspect.state.waiting != "InvalidImageName":
        return None
    return _cannot_pull(suspect, "k8s.image_invalid", "its name is not a valid image reference", None)


def image_never_pull(suspect: Suspect) -> Found | None:
    """k8s.image_never_pull: waiting ErrImageNeverPull; the image is not on the node and may not be fetched."""
    if suspect.state.waiting != "ErrImageNeverPull":
        return None
    return _cannot_pull(suspect, "k8s.image_never_pull", "it is not on the node and may not be pulled", None)


def _pull_event(suspect: Suspect) -> Event | None:
    return suspect.event("Failed", "Failed to pull image")


def _cannot_pull(suspect: Suspect, code: str, why: str, failed: Event | None) -> Found:
    image = suspect.asked.image
    before = suspect.before.image if suspect.before else None
    was = (
        f"; revision {suspect.previous.number} ran {before}" if before and before != image and suspect.previous else ""
    )
    return citing.found(
        code,
        f"{suspect.resource.name} cannot pull {image}",
        f"Image {image} of container {suspect.asked.name} cannot be pulled: {why}{was}.",
        resource=suspect.resource,
        severity=citing.severity_of(suspect.workload),
        confidence=_sureness(suspect, failed),
        since=suspect.since,
        evidence=(
            citing.event(suspect.picture, failed),
            citing.status(
                suspect,
                f"{suspect.state.waiting} {suspect.state.message}",
                path=f"status.containerStatuses[{suspect.state.name}].state.waiting",
                summary=f"{suspect.state.name} waits: {suspect.state.waiting}",
            ),
            citing.status(
                suspect,
                image,
                path=f"spec.containers[{suspect.asked.name}].image",
                summary=f"the image asked for, {image}",
            ),
            _pulls_with(suspect) if code == "k8s.image_auth" else None,
            citing.change(suspect),
        ),
    )


def _pulls_with(suspect: Suspect) -> Evidence:
    """The pull secrets it names: by name, which is all that anybody needs."""
    names = ", ".join(suspect.pod.asked.pull_secrets) or "none"
    return citing.status(suspect, names, path="spec.imagePullSecrets", summary=f"it pulls with {names}")


def _sureness(suspect: Suspect, failed: Event | None) -> int:
    """The waiting reason is the kubelet's; why a pull failed needs the event, or is only the message's word."""
    by_message = suspect.state.waiting in PULL_FAILURES and failed is None
    return confidence(Strength.MATCHED) if by_message else confidence(Strength.STATED, confirmed=True)
