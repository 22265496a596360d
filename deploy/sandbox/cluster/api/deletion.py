"""DELETE: one object or a selection. Where the options come from decides whether it is a dry run, so read with care.

A request with a body takes all its options from the body: the query's dryRun is then ignored and the object is really
deleted. That is what the real server does, and a client that gets it wrong must find out here.
"""

from __future__ import annotations

from deploy.sandbox.cluster.api.bodies import decode_object
from deploy.sandbox.cluster.api.calls import Request, is_dry_run
from deploy.sandbox.cluster.objects.registry import Deletion, Registry
from deploy.sandbox.cluster.objects.resources import NAMESPACES, PODS, Resource
from deploy.sandbox.cluster.objects.shapes import Object


def options_of(request: Request) -> tuple[Deletion, bool]:
    """How to delete, and whether only to pretend."""
    if request.body:
        return options_in(decode_object(request))
    query = request.query
    grace = query.get("gracePeriodSeconds")
    how = Deletion(
        grace_seconds=int(grace) if grace else None,
        propagation=query.get("propagationPolicy") or "Background",
    )
    return how, is_dry_run(query.get("dryRun"))


def options_in(body: Object) -> tuple[Deletion, bool]:
    """The same from a DeleteOptions object."""
    preconditions = body.get("preconditions") or {}
    propagation = body.get("propagationPolicy") or ("Orphan" if body.get("orphanDependents") else "Background")
    how = Deletion(
        uid=preconditions.get("uid") or "",
        resource_version=preconditions.get("resourceVersion") or "",
        grace_seconds=body.get("gracePeriodSeconds"),
        propagation=propagation,
    )
    return how, any(is_dry_run(value) for value in body.get("dryRun") or [])


def delete(registry: Registry, resource: Resource, current: Object, how: Deletion, dry_run: bool) -> Object:
    """Delete one object; returns what the answer shows: the object while it lingers, else a Status."""
    left = registry.delete(resource, current, how, dry_run)
    lingers = bool(left["metadata"].get("deletionTimestamp")) and not dry_run
    if lingers or resource in (PODS, NAMESPACES):
        return left
    details = {
        "name": current["metadata"]["name"],
        "group": resource.group,
        "kind": resource.plural,
        "uid": current["metadata"]["uid"],
    }
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
