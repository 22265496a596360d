"""Reading a request: which object of which kind is meant, with which verb, and what the answer will look like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from deploy.sandbox.cluster.objects.refusals import Cause, Refusal, bad_request, no_such_path
from deploy.sandbox.cluster.objects.shapes import Object

_PATH = re.compile(
    r"^(?:/api/v1|/apis/(?P<group>[^/]+)/(?P<version>[^/]+))"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/[^/]))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<subresource>[^/]+))?/?$"
)
_NAMESPACE_PATH = re.compile(r"^/api/v1/namespaces/(?P<name>[^/]+)/(?P<subresource>status|finalize)$")
_VERBS = {"PUT": "update", "PATCH": "patch"}


@dataclass(frozen=True)
class Request:
    """An HTTP request, read from the socket."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = b""

    def header(self, name: str) -> str:
        """A header's value, or nothing."""
        return self.headers.get(name, "")

    def asks(self, parameter: str) -> bool:
        """Whether a boolean parameter of the query is on."""
        return self.query.get(parameter, "").lower() in ("true", "1")


@dataclass(frozen=True)
class Target:
    """What a path under /api or /apis points at."""

    group: str
    version: str
    namespace: str
    plural: str
    name: str
    subresource: str

    @property
    def full_resource(self) -> str:
        """`pods` or `pods/log`, as RBAC rules write it."""
        return f"{self.plural}/{self.subresource}" if self.subresource else self.plural


@dataclass(frozen=True)
class Answer:
    """What is sent back at once."""

    code: int
    body: Object | bytes
    warnings: tuple[str, ...] = ()
    media_type: str = "application/json"


@dataclass(frozen=True)
class Write:
    """How a mutating request wants to be carried out."""

    manager: str
    dry_run: bool
    force: bool
    validation: str
    """Strict, Warn or Ignore."""
    warnings: list[str] = field(default_factory=list)


def target_of(path: str) -> Target:
    """Parse a path; anything that is not a resource's is a 404."""
    found = _NAMESPACE_PATH.match(path)
    if found:
        return Target("", "v1", "", "namespaces", unquote(found["name"]), found["subresource"])
    found = _PATH.match(path)
    if not found:
        raise no_such_path()
    parts = {name: unquote(value or "") for name, value in found.groupdict().items()}
    return Target(
        parts["group"],
        parts["version"] or "v1",
        parts["namespace"],
        parts["plural"],
        parts["name"],
        parts["subresource"],
    )


def verb_of(request: Request, target: Target) -> str:
    """The RBAC verb of a request."""
    match request.method:
        case "GET" | "HEAD":
            if request.asks("watch"):
                return "watch"
            return "get" if target.name else "list"
        case "DELETE":
            return "delete" if target.name else "deletecollection"
        case "POST":
            return "create"
        case method:
            return _VERBS[method]


def write_of(request: Request) -> Write:
    """The write options in a query."""
    manager = request.query.get("fieldManager") or request.header("user-agent").split("/")[0] or "unknown"
    validation = request.query.get("fieldValidation") or "Warn"
    if validation not in ("Strict", "Warn", "Ignore"):
        raise bad_request(f'invalid fieldValidation: "{validation}"')
    return Write(manager, is_dry_run(request.query.get("dryRun")), request.asks("force"), validation)


def is_dry_run(value: str | None) -> bool:
    """Whether a dryRun parameter asks for one; only `All` is a value."""
    if not value:
        return False
    if value != "All":
        cause = Cause("dryRun", f'Unsupported value: "{value}": supported values: "All"', "FieldValueNotSupported")
        listed = [{"reason": cause.reason, "message": cause.message, "field": cause.field}]
        raise Refusal(422, "Invalid", f" is invalid: {cause}", {"causes": listed})
    return True
