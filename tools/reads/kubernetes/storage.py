"""API server's JSON -> views of storage: claims, volumes, storage classes. Parsing only."""

from __future__ import annotations

from tools.reads.kubernetes.raw import moment, text
from tools.reads.kubernetes.views import Claim, StorageClass, Volume
from tools.redaction import redact
from tools.values import JsonObject

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def claim(raw: JsonObject) -> Claim:
    """A PersistentVolumeClaim."""
    return Claim(
        name=text(raw, "metadata", "name"),
        phase=text(raw, "status", "phase"),
        storage_class=text(raw, "spec", "storageClassName"),
        volume=text(raw, "spec", "volumeName"),
        requested=text(raw, "spec", "resources", "requests", "storage"),
        created=moment(raw, "metadata", "creationTimestamp"),
    )


def volume(raw: JsonObject) -> Volume:
    """A PersistentVolume."""
    namespace, name = (text(raw, "spec", "claimRef", field) for field in ("namespace", "name"))
    return Volume(
        name=text(raw, "metadata", "name"),
        phase=text(raw, "status", "phase"),
        claim=f"{namespace}/{name}" if name else "",
        storage_class=text(raw, "spec", "storageClassName"),
        capacity=text(raw, "spec", "capacity", "storage"),
        message=redact(text(raw, "status", "message")),
    )


def storage_class(raw: JsonObject) -> StorageClass:
    """A StorageClass."""
    return StorageClass(
        name=text(raw, "metadata", "name"),
        provisioner=text(raw, "provisioner"),
        default=text(raw, "metadata", "annotations", DEFAULT_CLASS) == "true",
        binding=text(raw, "volumeBindingMode") or "Immediate",
    )
