"""Rules about volume claims that are not served: pending, lost, or waiting for a volume that went wrong.

Pods that cannot mount what exists are in `mounts`; pods the scheduler holds back for a claim are in `scheduling`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from tools import resources
from tools.diagnosis.kubernetes import citing, owners
from tools.diagnosis.kubernetes.citing import Found
from tools.evidence import Evidence
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Claim, Event, Pod, Volume

PROVISIONER_TIME = timedelta(minutes=5)
"""How long an external provisioner may take before its silence is a fault."""

NO_PROVISIONER = "kubernetes.io/no-provisioner"

REFUSED = ("ProvisioningFailed", "FailedBinding")
"""FailedBinding is of type Normal: measured against a real server."""


def findings(picture: Picture) -> Iterator[Found]:
    """What is wrong with the namespace's claims."""
    for claim in picture.claims:
        found = claim_lost(claim, picture) or volume_failed(claim, picture) or claim_pending(claim, picture)
        if found is not None:
            yield found


def claim_lost(claim: Claim, picture: Picture) -> Found | None:
    """k8s.claim_lost: phase Lost; the volume the claim was bound to is gone, and its data with it."""
    if claim.phase != "Lost":
        return None
    volume = f"volume {claim.volume}" if claim.volume else "the one it was bound to"
    return _found(
        "k8s.claim_lost",
        claim,
        picture,
        title=f"Claim {claim.name} has lost its volume",
        why=f"Claim {claim.name} has lost its volume: {volume} no longer exists",
        confidence=10,
    )


def volume_failed(claim: Claim, picture: Picture) -> Found | None:
    """k8s.volume_failed: the claim's volume is Failed, or still Released from an earlier claim of the same name."""
    volume = _volume_of(claim, picture)
    if volume is None or (volume.phase == "Released" and claim.phase != "Pending"):
        return None
    if not owners.is_older(claim.created, owners.MOMENT, picture):
        return None
    said = f": {volume.message[:160]}" if volume.message else ""
    state = "still belongs to a claim that was deleted" if volume.phase == "Released" else f"has failed{said}"
    return _found(
        "k8s.volume_failed",
        claim,
        picture,
        title=f"Volume {volume.name} of claim {claim.name} cannot be used",
        why=f"Claim {claim.name} waits for volume {volume.name}, which {state}",
        confidence=9 if volume.phase == "Failed" else 8,
        more=(
            citing.quote(
                picture,
                f"persistentvolumes/{volume.name}",
                "status.phase",
                f"{volume.phase} {volume.message}".strip(),
                f"the volume is {volume.phase}",
            ),
        ),
    )


def claim_pending(claim: Claim, picture: Picture) -> Found | None:
    """k8s.claim_pending: phase Pending and somebody said why: no class, no such class, the provisioner's refusal.

    Silent while a WaitForFirstConsumer claim has no consumer, and for the first minute.
    """
    if claim.phase != "Pending" or not owners.is_older(claim.created, owners.MOMENT, picture):
        return None
    refused = owners.newest(picture.events_of("PersistentVolumeClaim", claim.name), *REFUSED)
    why, confidence = _reason(claim, refused, picture)
    if not why or _waits_for_nobody(claim, picture):
        return None
    return _found(
        "k8s.claim_pending",
        claim,
        picture,
        title=f"Claim {claim.name} gets no volume",
        why=f"Claim {claim.name} is Pending: {why}",
        confidence=confidence,
        more=(citing.event(picture, refused), _classes(claim, picture)),
    )


def consumers(claim: Claim, picture: Picture) -> tuple[Pod, ...]:
    """The living pods that mount the claim."""
    return tuple(
        pod
        for pod in picture.pods
        if owners.is_alive(pod)
        and any((one.kind, one.name) == ("PersistentVolumeClaim", claim.name) for one in pod.asked.volumes)
    )


def _reason(claim: Claim, refused: Event | None, picture: Picture) -> tuple[str, int]:
    """Why the claim waits and how sure that is; nothing where nobody says."""
    absent = _absent_class(claim, picture)
    if absent:
        return absent, 9
    if refused is not None and "no storage class is set" in refused.message:
        return "it names no storage class, none is the default, and no free volume fits", 9
    if refused is not None:
        return refused.message[:240], 8
    if _has_no_class(claim, picture) and consumers(claim, picture):
        return "it names no storage class and none is the default", 7
    waiting = owners.newest(picture.events_of("PersistentVolumeClaim", claim.name), "ExternalProvisioning")
    if waiting is not None and claim.created and owners.is_older(claim.created, PROVISIONER_TIME, picture):
        return "the provisioner of its storage class does not answer", 6
    return "", 0


def _waits_for_nobody(claim: Claim, picture: Picture) -> bool:
    """Whether its class binds at the first consumer and there is none."""
    bound_late = any(
        found.name == claim.storage_class and found.binding == "WaitForFirstConsumer"
        for found in picture.storage_classes
    )
    return bound_late and not consumers(claim, picture)


def _absent_class(claim: Claim, picture: Picture) -> str:
    known = [found.name for found in picture.storage_classes]
    # Without any class in the picture nobody may have asked for them; the event says it then.
    if not claim.storage_class or not known or claim.storage_class in known or not picture.has_read("storageclasses"):
        return ""
    are = "is" if len(known) == 1 else "are"
    return f"its storage class {claim.storage_class} does not exist; there {are} {', '.join(known)}"


def _has_no_class(claim: Claim, picture: Picture) -> bool:
    known = picture.storage_classes
    return not claim.storage_class and bool(known) and not any(found.default for found in known)


def _volume_of(claim: Claim, picture: Picture) -> Volume | None:
    """The claim's volume, where that one is Failed or Released.

    A volume that merely was a former claim's of that name counts only where no provisioner would make another one.
    """
    ill = [found for found in picture.volumes if found.phase in ("Failed", "Released")]
    named = next((found for found in ill if found.name == claim.volume), None)
    if named is not None or _is_provisioned(claim, picture):
        return named
    return next((found for found in ill if found.claim == f"{picture.namespace}/{claim.name}"), None)


def _is_provisioned(claim: Claim, picture: Picture) -> bool:
    by_hand = [found.name for found in picture.storage_classes if found.provisioner == NO_PROVISIONER]
    return claim.storage_class not in ("", *by_hand)


def _found(
    code: str,
    claim: Claim,
    picture: Picture,
    *,
    title: str,
    why: str,
    confidence: int,
    more: tuple[Evidence | None, ...] = (),
) -> Found:
    pods = consumers(claim, picture)
    waiting = f"; {owners.told(pods)} cannot do without it" if pods else ""
    return citing.found(
        code,
        title,
        f"{why}{waiting}.",
        resource=resources.kubernetes(picture.namespace, "PersistentVolumeClaim", claim.name),
        severity=owners.worst(pods, picture),
        confidence=confidence,
        since=claim.created if claim.phase == "Pending" else None,
        evidence=(
            citing.quote(
                picture,
                f"persistentvolumeclaims/{claim.name}",
                "status.phase",
                claim.phase,
                f"claim {claim.name} is {claim.phase}",
            ),
            _mounted(claim, pods, picture),
            *more,
        ),
    )


def _mounted(claim: Claim, pods: tuple[Pod, ...], picture: Picture) -> Evidence | None:
    if not pods:
        return None
    names = ", ".join(pod.name for pod in pods)
    summary = f"mounted by {owners.told(pods)}"
    return citing.quote(picture, "pods", f"spec.volumes[*].persistentVolumeClaim {claim.name}", names, summary)


def _classes(claim: Claim, picture: Picture) -> Evidence | None:
    if not picture.storage_classes:
        return None
    known = ", ".join(f"{one.name}{' (default)' if one.default else ''}" for one in picture.storage_classes)
    return citing.quote(
        picture,
        f"persistentvolumeclaims/{claim.name}",
        "spec.storageClassName",
        f"{claim.storage_class or 'absent'}; classes that exist: {known}",
        f"asks for class {claim.storage_class or '(none)'}",
    )
