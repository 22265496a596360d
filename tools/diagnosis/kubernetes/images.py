"""Rules about images that cannot be pulled. Registries' wording varies: it is matched loosely and kept as evidence."""

from __future__ import annotations

import re

from tools.diagnosis.kubernetes import citing
from tools.diagnosis.kubernetes.citing import Found
from tools.diagnosis.kubernetes.suspects import Suspect
from tools.reads.kubernetes.picture import Event

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
            return _cannot_pull(suspect, code, why, failed, confidence=10 if failed else 8)
    return None


def image_invalid(suspect: Suspect) -> Found | None:
    """k8s.image_invalid: waiting InvalidImageName."""
    if suspect.state.waiting != "InvalidImageName":
        return None
    return _cannot_pull(suspect, "k8s.image_invalid", "its name is not a valid image reference", None, confidence=10)


def image_never_pull(suspect: Suspect) -> Found | None:
    """k8s.image_never_pull: waiting ErrImageNeverPull; the image is not on the node and may not be fetched."""
    if suspect.state.waiting != "ErrImageNeverPull":
        return None
    return _cannot_pull(
        suspect, "k8s.image_never_pull", "it is not on the node and may not be pulled", None, confidence=10
    )


def _pull_event(suspect: Suspect) -> Event | None:
    return suspect.event("Failed", "Failed to pull image")


def _cannot_pull(suspect: Suspect, code: str, why: str, failed: Event | None, *, confidence: int) -> Found:
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
        confidence=confidence,
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
            citing.change(suspect),
        ),
    )
