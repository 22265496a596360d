"""PATCH: the five formats, what each guards against, and server-side apply."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.sandbox.cluster.api.bodies import PATCH_TYPES, decode, media_type, read_new, read_patched
from deploy.sandbox.cluster.api.calls import Request, Write
from deploy.sandbox.cluster.clock import Clock
from deploy.sandbox.cluster.objects import ownership
from deploy.sandbox.cluster.objects.ownership import Manager
from deploy.sandbox.cluster.objects.patches import json_patch, merge_patch, strategic_patch
from deploy.sandbox.cluster.objects.refusals import Cause, bad_request, conflict, invalid, not_found
from deploy.sandbox.cluster.objects.registry import Registry
from deploy.sandbox.cluster.objects.resources import Resource
from deploy.sandbox.cluster.objects.shapes import Object, clone

APPLY = "application/apply-patch+yaml"


def patched(request: Request, current: Object, schema: str) -> Object:
    """The object as the patch in the body leaves it; any of the three formats without memory."""
    body = decode(request, PATCH_TYPES)
    match media_type(request):
        case "application/json-patch+json":
            if not isinstance(body, Sequence) or isinstance(body, str):
                raise bad_request("error decoding patch: a JSON patch is a list")
            return json_patch(current, body)
        case "application/merge-patch+json":
            result: Object = merge_patch(current, body)
        case _:
            result = strategic_patch(current, body, schema)
    if not isinstance(result, dict):
        raise bad_request("error decoding patch: not an object")
    whole: Object = clone(result)
    return whole


def patch(
    registry: Registry, request: Request, resource: Resource, current: Object, subresource: str, write: Write
) -> Object:
    """Patch an object, or its status."""
    name = current["metadata"]["name"]
    result = patched(request, current, resource.schema)
    meta = result.get("metadata") or {}
    for field in ("uid", "name", "namespace"):
        if meta.get(field, current["metadata"].get(field)) != current["metadata"].get(field):
            text = f'Invalid value: "{meta[field]}": field is immutable'
            raise invalid(resource, name, [Cause(f"metadata.{field}", text)])
    cleaned = read_patched(resource, name, result, write)
    manager = Manager(write.manager, "Update", subresource)
    if subresource == "status":
        return registry.update_status(resource, current, cleaned, manager, write.dry_run)
    return registry.update(resource, current, cleaned, manager, write.dry_run)


def apply(
    registry: Registry,
    clock: Clock,
    request: Request,
    resource: Resource,
    namespace: str,
    name: str,
    write: Write,
) -> tuple[Object, bool]:
    """Server-side apply; returns the object and whether it is new."""
    if not request.query.get("fieldManager"):
        raise bad_request("fieldManager is required for apply patch")
    body = decode(request, PATCH_TYPES)
    if not isinstance(body, dict) or not body.get("apiVersion") or not body.get("kind"):
        raise bad_request("apply patch must name its apiVersion and kind")
    current = registry.store.get(resource, namespace, name)
    wanted = _wanted(resource, body, name, namespace, current, write)
    manager = Manager(write.manager, "Apply")
    merged = ownership.apply(current, wanted, manager, write.force, resource, clock.stamp())
    if current is None:
        return registry.create(resource, namespace, merged, manager, write.dry_run), True
    return registry.update(resource, current, merged, manager, write.dry_run), False


def _wanted(
    resource: Resource, body: Object, name: str, namespace: str, current: Object | None, write: Write
) -> Object:
    meta = body.get("metadata") or {}
    if meta.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    if meta.get("uid") and current is None:
        raise conflict(
            resource, name, f"uid mismatch: the provided object specified uid {meta['uid']}, and no existing"
        )
    if meta.get("name", name) != name:
        raise bad_request("name must be provided and match the name in the request")
    cleaned = read_new(resource, {field: value for field, value in body.items() if field != "status"}, write)
    placed = {"namespace": namespace} if resource.namespaced else {}
    return {**cleaned, "metadata": {**(cleaned.get("metadata") or {}), "name": name, **placed}}


def require(registry: Registry, resource: Resource, namespace: str, name: str) -> Object:
    """The stored object, or 404."""
    found = registry.store.get(resource, namespace, name)
    if found is None:
        raise not_found(resource, name)
    return found
