"""PersistentVolumeClaims and ResourceQuotas: what gets bound, what stays pending and why, and what is used."""

from __future__ import annotations

from collections.abc import Iterable

from deploy.sandbox.cluster.objects.quotas import amount_text, namespace_usage
from deploy.sandbox.cluster.objects.resources import (
    CLAIMS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    PODS,
    QUOTAS,
    SECRETS,
    SERVICES,
    STORAGE_CLASSES,
)
from deploy.sandbox.cluster.objects.shapes import Key, Object, annotations_of, key_of, status_of
from deploy.sandbox.cluster.objects.store import Change
from deploy.sandbox.cluster.plane import Plane

_DEFAULT = "storageclass.kubernetes.io/is-default-class"
_COMPONENT = "persistentvolume-controller"


class Claims:
    """Binds claims whose storage class exists; there are no volumes behind them."""

    interests = (CLAIMS, STORAGE_CLASSES)

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def concerns(self, change: Change) -> Iterable[Key]:
        """A claim itself; every pending one when a storage class changes."""
        if change.resource is CLAIMS:
            return (key_of(change.item),)
        return [key_of(claim) for claim in self._plane.store.all(CLAIMS) if status_of(claim).get("phase") == "Pending"]

    def reconcile(self, key: Key) -> float | None:
        """Bind one claim, or say why not."""
        claim = self._plane.store.get(CLAIMS, *key)
        if claim is None or status_of(claim).get("phase") == "Bound":
            return None
        name = claim["spec"].get("storageClassName") or self._default()
        if not name:
            text = "no persistent volumes available for this claim and no storage class is set"
            self._plane.recorder.normal(claim, "FailedBinding", text, _COMPONENT)
        elif self._plane.store.get(STORAGE_CLASSES, "", name) is None:
            text = f'storageclass.storage.k8s.io "{name}" not found'
            self._plane.recorder.warning(claim, "ProvisioningFailed", text, _COMPONENT)
        else:
            self._bind(claim, name)
        return None

    def _default(self) -> str:
        classes = self._plane.store.all(STORAGE_CLASSES)
        return next((item["metadata"]["name"] for item in classes if annotations_of(item).get(_DEFAULT) == "true"), "")

    def _bind(self, claim: Object, storage_class: str) -> None:
        meta, spec = claim["metadata"], claim["spec"]
        status = {
            "phase": "Bound",
            "accessModes": spec.get("accessModes") or ["ReadWriteOnce"],
            "capacity": dict((spec.get("resources") or {}).get("requests") or {"storage": "1Gi"}),
        }
        chosen = {**spec, "storageClassName": storage_class, "volumeName": f"pvc-{meta['uid']}"}
        self._plane.store.put(CLAIMS, {**claim, "metadata": dict(meta), "spec": chosen, "status": status}, claim)


class Quotas:
    """Keeps ResourceQuotas' status: what is allowed and what is used."""

    interests = (QUOTAS, PODS, SERVICES, CONFIG_MAPS, SECRETS, CLAIMS, DEPLOYMENTS)

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def concerns(self, change: Change) -> Iterable[Key]:
        """A quota itself, or those of a namespace in which something came or went."""
        if change.resource is QUOTAS:
            return (key_of(change.item),)
        if change.kind == "MODIFIED" and change.resource is not PODS:
            return ()
        return [key_of(quota) for quota in self._plane.store.all(QUOTAS, change.item["metadata"]["namespace"])]

    def reconcile(self, key: Key) -> float | None:
        """Write one quota's status."""
        quota = self._plane.store.get(QUOTAS, *key)
        if quota is not None:
            hard = quota["spec"].get("hard") or {}
            used = namespace_usage(self._plane.store, key.namespace, hard)
            shown = {name: amount_text(name, amount) for name, amount in used.items()}
            self._plane.registry.write_status(QUOTAS, quota, {"hard": dict(hard), "used": shown})
        return None
