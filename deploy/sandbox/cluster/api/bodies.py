"""Decoding request bodies, and reading them against the schema as strictly as the request asks for."""

from __future__ import annotations

import json
from typing import Any

from deploy.sandbox.cluster.api.calls import Request, Write
from deploy.sandbox.cluster.objects.defaults import pod_spec_of
from deploy.sandbox.cluster.objects.pod_rules import bad_quantity
from deploy.sandbox.cluster.objects.refusals import Cause, bad_request, invalid, malformed, unsupported_media_type
from deploy.sandbox.cluster.objects.resources import Resource
from deploy.sandbox.cluster.objects.schema import Reading
from deploy.sandbox.cluster.objects.shapes import Object

PATCH_TYPES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
_BODY_TYPES = ("application/json", "application/yaml")


def media_type(request: Request) -> str:
    """The body's type without parameters."""
    return request.header("content-type").split(";")[0].strip()


def decode(request: Request, accepted: tuple[str, ...] = _BODY_TYPES) -> Any:
    """The body as JSON values, whether it came as JSON or YAML."""
    kind = media_type(request)
    unnamed = accepted is _BODY_TYPES and not kind
    if kind not in accepted and not unnamed:
        raise unsupported_media_type(accepted)
    try:
        if "yaml" in kind:
            import yaml

            return json.loads(json.dumps(yaml.safe_load(request.body), default=str))
        return json.loads(request.body or b"{}")
    except ValueError as error:
        raise bad_request(f"error decoding the body of the request: {error}") from error


def decode_object(request: Request) -> Object:
    """The body of a create, update or delete: one object."""
    body = decode(request)
    if not isinstance(body, dict):
        raise bad_request("the body of the request is not an object")
    return body


def read_new(resource: Resource, body: Object, write: Write) -> Object:
    """A whole object as sent in a create or update. What cannot be decoded is a 400."""
    _check_kind(resource, body)
    reading = Reading()
    cleaned = reading.of(body, resource.schema)
    unknown = [f'unknown field "{name}"' for name in reading.unknown]
    if write.validation == "Strict" and unknown:
        raise malformed(resource, f"strict decoding error: {', '.join(unknown)}")
    if write.validation == "Warn":
        write.warnings.extend(unknown)
    problem = reading.mistyped or bad_quantity(pod_spec_of(resource, cleaned) or {})
    if problem:
        raise malformed(resource, problem)
    return cleaned


def read_patched(resource: Resource, name: str, patched: Object, write: Write) -> Object:
    """An object as a patch left it. What cannot be decoded is a 422 here."""
    reading = Reading()
    cleaned = reading.of(patched, resource.schema)
    unknown = [f'unknown field "{field}"' for field in reading.unknown]
    if write.validation == "Strict" and unknown:
        text = f'Invalid value: "...": strict decoding error: {", ".join(unknown)}'
        raise invalid(resource, name, [Cause("patch", text)])
    if write.validation == "Warn":
        write.warnings.extend(unknown)
    problem = reading.mistyped or bad_quantity(pod_spec_of(resource, cleaned) or {})
    if problem:
        raise invalid(resource, name, [Cause("patch", f'Invalid value: "...": {problem}')])
    return cleaned


def _check_kind(resource: Resource, body: Object) -> None:
    if body.get("kind", resource.kind) != resource.kind:
        raise bad_request(
            f"{body.get('kind')} in version {body.get('apiVersion')!r} cannot be handled as a {resource.kind}: "
            f"no kind {body.get('kind')!r} is registered here"
        )
    if body.get("apiVersion", resource.api_version) != resource.api_version:
        raise bad_request(
            f"the API version in the data ({body['apiVersion']}) does not match the expected API version "
            f"({resource.api_version})"
        )
