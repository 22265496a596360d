"""The one door through which objects change: defaults, validation, generations, ownership, deletion, dry run.

Both the API and the cluster's own controllers write through here. Reading a request's body against the schema is the
API's work; deciding what should change is the controllers'.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from deploy.sandbox.cluster.clock import Clock, stamp
from deploy.sandbox.cluster.objects import defaults, ownership
from deploy.sandbox.cluster.objects.names import Names
from deploy.sandbox.cluster.objects.ownership import Manager
from deploy.sandbox.cluster.objects.quotas import apply_limit_range, check_quota
from deploy.sandbox.cluster.objects.refusals import already_exists, bad_request, conflict, forbidden, not_found
from deploy.sandbox.cluster.objects.resources import DEPLOYMENTS, JOBS, NAMESPACES, PODS, SERVICES, Resource
from deploy.sandbox.cluster.objects.shapes import Object, clone, is_finished, is_leaving
from deploy.sandbox.cluster.objects.store import Store
from deploy.sandbox.cluster.objects.validation import validate

_SERVER_OWNED = ("uid", "creationTimestamp", "name", "namespace", "resourceVersion", "generation")
_DELETION = ("deletionTimestamp", "deletionGracePeriodSeconds")
FOREGROUND = "foregroundDeletion"


@dataclass(frozen=True)
class Deletion:
    """How to delete: what must hold, how long a pod may take, what becomes of dependents."""

    uid: str = ""
    resource_version: str = ""
    grace_seconds: int | None = None
    propagation: str = "Background"


class Registry:
    """Creates, updates and deletes objects the way the API server does."""

    def __init__(self, store: Store, clock: Clock, names: Names) -> None:
        self.store = store
        self._clock = clock
        self._names = names

    def create(
        self,
        resource: Resource,
        namespace: str,
        body: Object,
        manager: Manager | None = None,
        dry_run: bool = False,
    ) -> Object:
        """Keep a new object and return it; with `dry_run`, return what it would be."""
        item = self._fresh(resource, namespace, body)
        validate(resource, item)
        check_quota(self.store, resource, namespace, item)
        if manager is not None and manager.operation != "Apply":
            ownership.record_update(None, item, manager, resource, self._clock.stamp())
        return item if dry_run else self.store.put(resource, item, None)

    def update(
        self,
        resource: Resource,
        old: Object,
        new: Object,
        manager: Manager | None = None,
        dry_run: bool = False,
    ) -> Object:
        """Replace an object's wanted state. No resourceVersion moves when nothing changes."""
        self._check_identity(resource, old, new)
        item: Object = clone(new)
        applied = manager is not None and manager.operation == "Apply"  # which has just computed managedFields
        self._keep_server_fields(resource, old, item, applied)
        defaults.fill(resource, item)
        validate(resource, item, old)
        if resource.counts_generations and self._moves_generation(resource, old, item):
            item["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
        return self._keep(resource, old, item, manager, dry_run)

    def update_status(
        self,
        resource: Resource,
        old: Object,
        new: Object,
        manager: Manager | None = None,
        dry_run: bool = False,
    ) -> Object:
        """Replace an object's status only; a Deployment's annotations may come with it, as on the real server."""
        self._check_identity(resource, old, new)
        item = {**old, "metadata": dict(old["metadata"]), "status": new.get("status")}
        if resource is DEPLOYMENTS and (annotations := new["metadata"].get("annotations")):
            item["metadata"]["annotations"] = annotations
        return self._keep(resource, old, item, None, dry_run)

    def write_status(self, resource: Resource, old: Object, status: Object) -> Object:
        """A controller's own status write, without the checks a client's needs."""
        if old.get("status") == status:
            return old
        return self.store.put(resource, {**old, "metadata": dict(old["metadata"]), "status": status}, old)

    def delete(self, resource: Resource, old: Object, how: Deletion | None = None, dry_run: bool = False) -> Object:
        """Begin or finish the deletion of an object; returns its state as the answer shows it."""
        how = how or Deletion()
        self._check_preconditions(resource, old, how)
        if dry_run:
            return old
        if how.propagation == "Orphan":
            self._orphan(old)
        grace = self._grace(resource, old, how)
        waits = old["metadata"].get("finalizers") or (how.propagation == "Foreground" and self._blocking(old))
        if resource is NAMESPACES or grace > 0 or waits:
            return self._mark(resource, old, grace, how)
        return self.store.remove(resource, old)

    def finish(self, resource: Resource, old: Object) -> None:
        """Remove an object whose deletion has run its course."""
        self.store.remove(resource, old)

    def _fresh(self, resource: Resource, namespace: str, body: Object) -> Object:
        """A new object with its place, identity and defaults; not yet checked."""
        item: Object = clone(body)
        meta = item["metadata"] = item.get("metadata") or {}
        item |= {"apiVersion": resource.api_version, "kind": resource.kind}
        self._place(resource, namespace, meta)
        if self.store.get(resource, namespace, meta.get("name", "")) is not None:
            raise already_exists(resource, meta["name"])
        if resource is PODS:
            apply_limit_range(self.store, namespace, item.get("spec") or {})
        for name in (*_DELETION, "resourceVersion", "generation"):
            meta.pop(name, None)
        meta |= {"uid": self._names.uid(), "creationTimestamp": self._clock.stamp()}
        if resource.counts_generations:
            meta["generation"] = 1
        defaults.fill(resource, item)
        self._allocate(resource, item)
        return item

    def _place(self, resource: Resource, namespace: str, meta: Object) -> None:
        if resource.namespaced:
            if meta.get("namespace", namespace) != namespace:
                raise bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request"
                )
            meta["namespace"] = namespace
            self._check_namespace(resource, namespace, meta.get("name") or meta.get("generateName", ""))
        else:
            meta.pop("namespace", None)
        if meta.get("generateName") and not meta.get("name"):
            meta["name"] = meta["generateName"] + self._names.suffix()

    def _check_namespace(self, resource: Resource, namespace: str, name: str) -> None:
        found = self.store.get(NAMESPACES, "", namespace)
        if found is None:
            raise not_found(NAMESPACES, namespace)
        if is_leaving(found):
            text = f"unable to create new content in namespace {namespace} because it is being terminated"
            cause = {"reason": "NamespaceTerminating", "message": f"namespace {namespace} is being terminated"}
            raise forbidden(resource.plural, resource.group, name, text, [cause | {"field": "metadata.namespace"}])

    def _allocate(self, resource: Resource, item: Object) -> None:
        spec = item.get("spec") or {}
        if resource is JOBS and not spec.get("selector"):
            _select_own_pods(item)
        if resource is SERVICES and spec.get("type") != "ExternalName":
            spec.setdefault("clusterIP", self._names.service_address())
            spec.setdefault("clusterIPs", [spec["clusterIP"]])

    def _check_identity(self, resource: Resource, old: Object, new: Object) -> None:
        before, after = old["metadata"], new.get("metadata") or {}
        wanted = after.get("resourceVersion")
        if wanted and wanted != before["resourceVersion"]:
            text = "the object has been modified; please apply your changes to the latest version and try again"
            raise conflict(resource, before["name"], text)
        if after.get("uid") and after["uid"] != before["uid"]:
            text = f"Precondition failed: UID in precondition: {after['uid']}, UID in object meta: {before['uid']}"
            raise conflict(resource, before["name"], text)
        if after.get("name", before["name"]) != before["name"]:
            raise bad_request("the name of the object does not match the name on the URL")

    def _keep_server_fields(self, resource: Resource, old: Object, item: Object, applied: bool) -> None:
        item |= {"apiVersion": resource.api_version, "kind": resource.kind}
        meta = item["metadata"] = item.get("metadata") or {}
        owned = (*_SERVER_OWNED, *_DELETION, *(() if applied else ("managedFields",)))
        for name in owned:
            meta.pop(name, None)
            if name in old["metadata"]:
                meta[name] = old["metadata"][name]
        if "status" in resource.subresources:
            item.pop("status", None)
            if "status" in old:
                item["status"] = old["status"]
        if resource is SERVICES and "clusterIP" not in (item.get("spec") or {}):
            kept = {name: old["spec"][name] for name in ("clusterIP", "clusterIPs") if name in old["spec"]}
            item["spec"] = {**(item.get("spec") or {}), **kept}

    def _moves_generation(self, resource: Resource, old: Object, new: Object) -> bool:
        if resource is DEPLOYMENTS and old["metadata"].get("annotations") != new["metadata"].get("annotations"):
            return True
        body = {name for name in {*old, *new} if name not in ("metadata", "status", "apiVersion", "kind")}
        return any(old.get(name) != new.get(name) for name in body)

    def _keep(self, resource: Resource, old: Object, item: Object, manager: Manager | None, dry_run: bool) -> Object:
        if _visible(item) == _visible(old):
            return old
        if manager is not None and manager.operation != "Apply":
            ownership.record_update(old, item, manager, resource, self._clock.stamp())
        if dry_run:
            return item
        meta = item["metadata"]
        held = meta.get("finalizers") or meta.get("deletionGracePeriodSeconds") or resource is NAMESPACES
        if is_leaving(item) and not held:
            return self.store.remove(resource, item)
        return self.store.put(resource, item, old)

    def _check_preconditions(self, resource: Resource, old: Object, how: Deletion) -> None:
        meta = old["metadata"]
        for label, wanted, found in (
            ("UID", how.uid, meta["uid"]),
            ("ResourceVersion", how.resource_version, meta["resourceVersion"]),
        ):
            if wanted and wanted != found:
                text = f"{label} in precondition: {wanted}, {label} in object meta: {found}"
                raise conflict(resource, meta["name"], f"Precondition failed: {text}")

    def _grace(self, resource: Resource, old: Object, how: Deletion) -> int:
        if resource is not PODS or is_finished(old) or not old["spec"].get("nodeName"):
            return 0
        if how.grace_seconds is not None:
            return how.grace_seconds
        return int(old["spec"].get("terminationGracePeriodSeconds", 30))

    def _blocking(self, old: Object) -> bool:
        return bool(self.store.owned(old["metadata"]["uid"]))

    def _mark(self, resource: Resource, old: Object, grace: int, how: Deletion) -> Object:
        meta = dict(old["metadata"])
        if is_leaving(old) and grace >= meta.get("deletionGracePeriodSeconds", 0):
            return old
        meta["deletionTimestamp"] = stamp(self._clock.moment() + timedelta(seconds=grace))
        meta["deletionGracePeriodSeconds"] = grace
        if how.propagation == "Foreground" and self._blocking(old):
            meta["finalizers"] = list(dict.fromkeys([*(meta.get("finalizers") or []), FOREGROUND]))
        if "generation" in meta:
            meta["generation"] += 1
        marked = {**old, "metadata": meta}
        if resource is NAMESPACES:
            marked["status"] = {**(old.get("status") or {}), "phase": "Terminating"}
        return self.store.put(resource, marked, old)

    def _orphan(self, owner: Object) -> None:
        uid = owner["metadata"]["uid"]
        for resource, item in self.store.owned(uid):
            kept = [other for other in item["metadata"]["ownerReferences"] if other["uid"] != uid]
            meta = {**item["metadata"], "ownerReferences": kept}
            self.store.put(resource, {**item, "metadata": meta}, item)


def _select_own_pods(job: Object) -> None:
    """A Job selects its pods by its uid, and labels them so; nobody has to invent a selector."""
    owner = {"batch.kubernetes.io/controller-uid": job["metadata"]["uid"]}
    template = job["spec"]["template"] = dict(job["spec"].get("template") or {})
    meta = template["metadata"] = dict(template.get("metadata") or {})
    named = {**owner, "batch.kubernetes.io/job-name": job["metadata"]["name"], "job-name": job["metadata"]["name"]}
    meta["labels"] = {**(meta.get("labels") or {}), **named}
    job["spec"]["selector"] = {"matchLabels": owner}


def _visible(item: Object) -> Object:
    """What counts as a change: everything but the bookkeeping."""
    meta = {name: value for name, value in item["metadata"].items() if name not in ("managedFields", "resourceVersion")}
    return {**item, "metadata": meta}
