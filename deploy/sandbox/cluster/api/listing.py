"""Reading objects: one, a page of many, and how either is dressed (as itself, as a Table, as its metadata only)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime

from deploy.sandbox.cluster.api.calls import Request, Target
from deploy.sandbox.cluster.api.tables import table
from deploy.sandbox.cluster.objects.refusals import Refusal, bad_request
from deploy.sandbox.cluster.objects.resources import Resource
from deploy.sandbox.cluster.objects.selectors import Matches, field_selector, label_selector
from deploy.sandbox.cluster.objects.shapes import Object, key_of
from deploy.sandbox.cluster.objects.store import Store


def selection(request: Request, resource: Resource, target: Target) -> Matches:
    """What a request's namespace and selectors pick."""
    by_label = label_selector(request.query.get("labelSelector", ""))
    by_field = field_selector(request.query.get("fieldSelector", ""), resource)
    named, namespace = target.name, target.namespace

    def matches(item: Object) -> bool:
        meta = item["metadata"]
        placed = not namespace or not resource.namespaced or meta.get("namespace") == namespace
        return placed and (not named or meta["name"] == named) and by_label(item) and by_field(item)

    return matches


def page(store: Store, request: Request, resource: Resource, target: Target, now: datetime) -> Object:
    """A list, or one page of it, dressed as the request accepts it."""
    matches = selection(request, resource, target)
    found = [item for item in store.all(resource, target.namespace or None) if matches(item)]
    found.sort(key=key_of)
    meta: Object = {"resourceVersion": str(store.revision)}
    limit = int(request.query.get("limit") or 0)
    if token := request.query.get("continue"):
        after = _read_token(token)
        meta["resourceVersion"] = after["rv"]
        found = [item for item in found if list(key_of(item)) > after["after"]]
    if limit and len(found) > limit:
        meta["remainingItemCount"] = len(found) - limit
        found = found[:limit]
        meta["continue"] = _token(meta["resourceVersion"], found[-1])
    return dress_list(request, resource, found, meta, now)


def _token(revision: str, last: Object) -> str:
    return base64.urlsafe_b64encode(json.dumps({"rv": revision, "after": list(key_of(last))}).encode()).decode()


def _read_token(token: str) -> Object:
    try:
        found: Object = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, binascii.Error) as error:
        raise bad_request("continue key is not valid") from error
    return found


def form_of(request: Request) -> str:
    """How the answer is to be dressed: object, table or metadata. The first form in Accept that is known wins."""
    for wanted in request.header("accept").split(",") or ["*/*"]:
        kind, *parameters = (part.strip() for part in wanted.split(";"))
        shape = next((part.removeprefix("as=") for part in parameters if part.startswith("as=")), "")
        if kind not in ("application/json", "*/*", "application/*", ""):
            continue
        match shape:
            case "Table":
                return "table"
            case "PartialObjectMetadata" | "PartialObjectMetadataList":
                return "metadata"
            case "":
                return "object"
    if "protobuf" in request.header("accept") or "yaml" in request.header("accept"):
        return "object"  # JSON is always understood by whoever asks for these
    raise Refusal(406, "NotAcceptable", "only the following media types are accepted: application/json")


def dress_list(request: Request, resource: Resource, items: Sequence[Object], meta: Object, now: datetime) -> Object:
    """A list in the form the request accepts."""
    match form_of(request):
        case "table":
            return table(resource, items, meta, now)
        case "metadata":
            partial = [partial_metadata(item) for item in items]
            head = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
            return {**head, "metadata": meta, "items": partial}
        case _:
            head = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version}
            return {**head, "metadata": meta, "items": items}


def dress(request: Request, resource: Resource, item: Object, now: datetime) -> Object:
    """One object in the form the request accepts."""
    match form_of(request):
        case "table":
            return table(resource, [item], {"resourceVersion": item["metadata"].get("resourceVersion", "")}, now)
        case "metadata":
            return partial_metadata(item)
        case _:
            return item


def partial_metadata(item: Object) -> Object:
    """An object's metadata alone."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}
