"""What the API server says no with: HTTP status, reason, and the Status object that carries them.

Clients match on status and reason, never on the text; the texts follow the real server's closely all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.sandbox.cluster.objects.resources import Resource
from deploy.sandbox.cluster.objects.shapes import Object


@dataclass(frozen=True)
class Cause:
    """One field the server objects to."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class Refusal(Exception):
    """The request was understood and is not carried out."""

    def __init__(self, code: int, reason: str, message: str, details: Object | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details or {}

    def status(self) -> Object:
        """The Status object sent as the body."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": self.details,
            "code": self.code,
        }


def bad_request(message: str) -> Refusal:
    """The request cannot be read."""
    return Refusal(400, "BadRequest", message)


def malformed(resource: Resource, problem: str) -> Refusal:
    """A body that does not decode as the kind."""
    return bad_request(
        f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {problem}'
    )


def no_such_path() -> Refusal:
    """Nothing is served at that address."""
    return Refusal(404, "NotFound", "the server could not find the requested resource")


def not_found(resource: Resource, name: str) -> Refusal:
    """No object of that name."""
    return Refusal(404, "NotFound", f'{resource.qualified} "{name}" not found', _about(resource, name))


def already_exists(resource: Resource, name: str) -> Refusal:
    """The name is taken."""
    return Refusal(409, "AlreadyExists", f'{resource.qualified} "{name}" already exists', _about(resource, name))


def conflict(resource: Resource, name: str, problem: str) -> Refusal:
    """The object is not the one, or not at the version, that the request was written for."""
    text = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {problem}'
    return Refusal(409, "Conflict", text, _about(resource, name))


def invalid(resource: Resource, name: str, causes: Sequence[Cause]) -> Refusal:
    """The object would break a rule of its kind."""
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    problems = str(causes[0]) if len(causes) == 1 else f"[{', '.join(map(str, causes))}]"
    listed = [{"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes]
    details = {"name": name, "group": resource.group, "kind": resource.kind, "causes": listed}
    return Refusal(422, "Invalid", f'{kind} "{name}" is invalid: {problems}', details)


def rejected_patch(problem: str = "") -> Refusal:
    """A patch that cannot be applied; the server does not say which part of it."""
    text = "the server rejected our request due to an error in our request"
    return Refusal(422, "Invalid", f"{text}: {problem}" if problem else text)


def unauthorized() -> Refusal:
    """Nobody the server knows."""
    return Refusal(401, "Unauthorized", "Unauthorized")


def forbidden(resource: str, group: str, name: str, problem: str, causes: Sequence[Object] = ()) -> Refusal:
    """Somebody the server knows, who may not."""
    subject = f"{resource}.{group}" if group else resource
    subject = f'{subject} "{name}"' if name else subject
    details: Object = {"name": name, "group": group, "kind": resource}
    if causes:
        details["causes"] = list(causes)
    return Refusal(403, "Forbidden", f"{subject} is forbidden: {problem}", details)


def unsupported_media_type(accepted: Sequence[str]) -> Refusal:
    """The body's encoding is not one the server reads."""
    return Refusal(
        415,
        "UnsupportedMediaType",
        f"the body of the request was in an unknown format - accepted media types include: {', '.join(accepted)}",
    )


def expired(position: int, oldest: int) -> Refusal:
    """A watch from before the kept log."""
    return Refusal(410, "Expired", f"too old resource version: {position} ({oldest})")


def blocked_by_budget(budget: str, needed: int, healthy: int) -> Refusal:
    """An eviction that a disruption budget does not allow now."""
    message = f"The disruption budget {budget} needs {needed} healthy pods and has {healthy} currently"
    return Refusal(
        429,
        "TooManyRequests",
        "Cannot evict pod as it would violate the pod's disruption budget.",
        {"causes": [{"reason": "DisruptionBudget", "message": message}]},
    )


def _about(resource: Resource, name: str) -> Object:
    return {"name": name, "group": resource.group, "kind": resource.plural}
