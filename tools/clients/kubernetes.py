"""Talking to a Kubernetes API server: two identities, raw JSON, deadlines, and errors that say whether to try again.

What is asked belongs to `tools.reads` and `tools.writes`; this module knows only how to ask and how asking fails.
Answers are read raw: the official client's typed lists fail as a whole when one object has an unexpected null.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, Self, TypedDict, cast
from urllib.parse import quote, urlencode, urlsplit

from tools.errors import Forbidden, PermanentError, TemporaryError, Uncertain, Unreachable
from tools.values import JsonObject, JsonValue

if TYPE_CHECKING:
    from kubernetes.client import ApiClient
    from urllib3 import Retry

FIELD_MANAGER = "sayso"
"""Whom the API server names as the owner of the fields we set."""

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 10.0
POOL_SIZE = 32
"""Connections kept per identity; the client's own default grows with the number of cores."""

JSON_PATCH = "application/json-patch+json"

ApiGroup = Literal[
    "v1",
    "apps/v1",
    "batch/v1",
    "autoscaling/v2",
    "policy/v1",
    "discovery.k8s.io/v1",
    "networking.k8s.io/v1",
    "storage.k8s.io/v1",
    "metrics.k8s.io/v1beta1",
    "admissionregistration.k8s.io/v1",
    "authorization.k8s.io/v1",
    "gateway.networking.k8s.io/v1",
    "argoproj.io/v1alpha1",
    "kustomize.toolkit.fluxcd.io/v1",
    "helm.toolkit.fluxcd.io/v2",
]
"""The group and version of every kind sayso asks for."""


class Operation(TypedDict, total=False):
    """One JSON patch operation (RFC 6902)."""

    op: Literal["test", "add", "remove", "replace"]
    path: str
    value: JsonValue


class NotFound(PermanentError):
    """The object does not exist."""


class Conflict(PermanentError):
    """The server refused the change because the object has moved on (409)."""


class Invalid(PermanentError):
    """The server refused the change as it stands (422): a failed JSON patch test, or a value that is not valid."""


class KubernetesSource(Protocol):
    """What can be asked about a cluster: an API server, or a dump of one (`tools.clients.dump`)."""

    @property
    def server(self) -> str:
        """The address of the API server, or where the dump lies."""

    def get(self, path: str, query: Mapping[str, str] | None = None, accept: str = "application/json") -> JsonObject:
        """A JSON object. Raises NotFound, Forbidden, Unreachable or PermanentError."""

    def text(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """Plain text (logs). Raises as `get` does."""


def path_to(
    group: ApiGroup,
    resource: str,
    namespace: str | None = None,
    name: str | None = None,
    subresource: str | None = None,
) -> str:
    """The API path of a collection, an object or a subresource: `path_to("apps/v1", "deployments", "shop", "web")`."""
    parts = ["api" if group == "v1" else "apis", *group.split("/")]
    if namespace is not None:
        parts += ["namespaces", namespace]
    parts += [part for part in (resource, name, subresource) if part is not None]
    return "/" + "/".join(quote(part, safe=".") for part in parts)


class _Identity:
    """One set of credentials towards one API server. Threads may share it; its connections are bounded."""

    retries: int
    """How often a request without an answer is sent again."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    @classmethod
    def from_kubeconfig(cls, path: Path | None = None, context: str | None = None) -> Self:
        """The identity of a kubeconfig's context; without a path, the pod's own, else the user's default kubeconfig.

        Raises PermanentError when there is no usable configuration.
        """
        from kubernetes import client, config

        configuration = client.Configuration()
        try:
            if path is not None:
                config.load_kube_config(str(path), context, configuration, persist_config=False)  # type: ignore[no-untyped-call]
            else:
                _load_default(configuration, context)
        except (config.ConfigException, OSError) as error:
            raise PermanentError(f"No usable Kubernetes configuration: {error}") from error
        configuration.connection_pool_maxsize = POOL_SIZE
        configuration.retries = _retries(cls.retries)
        if _is_loopback(configuration.host):
            configuration.proxy = None  # a proxy of the environment cannot reach our loopback
        return cls(client.ApiClient(configuration))

    @property
    def server(self) -> str:
        """The address of the API server."""
        return str(self._client.configuration.host)

    def get(self, path: str, query: Mapping[str, str] | None = None, accept: str = "application/json") -> JsonObject:
        """A JSON object, as the server sent it. Raises NotFound, Forbidden, Unreachable or PermanentError."""
        return _parsed(self._read(path, query or {}, accept))

    def text(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """Plain text (logs). Raises as `get` does; a container that waits answers PermanentError with the reason."""
        return self._read(path, query or {}, "*/*").decode("utf-8", errors="replace")

    def permitted(
        self, verb: str, resource: str, *, namespace: str = "", group: str = "", subresource: str = ""
    ) -> bool:
        """Whether this identity may do that, by SelfSubjectAccessReview, which any identity may ask."""
        attributes = {"verb": verb, "resource": resource, "group": group, "namespace": namespace}
        if subresource:
            attributes["subresource"] = subresource
        review: JsonValue = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
        }
        path = path_to("authorization.k8s.io/v1", "selfsubjectaccessreviews")
        answer = _parsed(self._send("POST", path, {}, {"Content-Type": "application/json"}, review))
        status = answer.get("status")
        return isinstance(status, dict) and status.get("allowed") is True

    def close(self) -> None:
        """Drop the kept connections."""
        self._client.rest_client.close()

    def _read(self, path: str, query: Mapping[str, str], accept: str) -> bytes:
        return self._send("GET", path, query, {"Accept": accept}, None)

    def _send(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: JsonValue
    ) -> bytes:
        """Send one request and map what can go wrong. Nothing here persists: a lost answer is only Unreachable."""
        import urllib3

        try:
            status, answer = self._exchange(method, path, query, headers, body)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(f"The Kubernetes API server at {self.server} did not answer: {_short(error)}") from error
        _raise_for(status, answer)
        return answer

    def _exchange(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: JsonValue
    ) -> tuple[int, bytes]:
        target = f"{path}?{urlencode(query)}" if query else path
        request = self._client.param_serialize(
            method, target, query_params=[], header_params=dict(headers), body=body, auth_settings=["BearerToken"]
        )
        response = self._client.call_api(*request, _request_timeout=(CONNECT_SECONDS, ANSWER_SECONDS))
        return int(response.status), bytes(response.read())  # type: ignore[no-untyped-call]


class KubernetesReader(_Identity):
    """The identity that can only look. Reads are sent twice more when no answer comes."""

    retries = 2


class KubernetesWriter(_Identity):
    """The identity that may change things. Nothing is ever sent twice by itself."""

    retries = 0

    def patch(self, path: str, operations: Sequence[Operation], *, dry_run: bool) -> JsonObject:
        """Apply a JSON patch under strict validation and return the object as it then is (or would be).

        Raises Invalid (422), Conflict (409), NotFound, Forbidden; Unreachable when nothing can have been persisted;
        Uncertain when the patch was sent and its answer is lost.
        """
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        headers = {"Content-Type": JSON_PATCH, "Accept": "application/json"}
        body = cast(JsonValue, [dict(operation) for operation in operations])
        if dry_run:
            return _parsed(self._send("PATCH", path, query | {"dryRun": "All"}, headers, body))
        return _parsed(self._send_for_good("PATCH", path, query, headers, body))

    def _send_for_good(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: JsonValue
    ) -> bytes:
        """Send one request that persists: once it may have arrived, no answer means Uncertain."""
        import urllib3

        try:
            status, answer = self._exchange(method, path, query, headers, body)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            if _never_arrived(error):
                raise Unreachable(f"The Kubernetes API server at {self.server} cannot be reached") from error
            raise Uncertain(f"The answer to a change was lost: {_short(error)}") from error
        # A proxy or a webhook may answer 5xx after the server has persisted, so a 5xx proves nothing.
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Uncertain(f"The API server answered {status} to a change: {_message(answer)}")
        _raise_for(status, answer)
        return answer


def _load_default(configuration: object, context: str | None) -> None:
    """A pod's own service account where there is one, else the user's kubeconfig."""
    from kubernetes import config

    try:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except config.ConfigException:
        config.load_kube_config(None, context, configuration, persist_config=False)  # type: ignore[no-untyped-call]


def _retries(times: int) -> Retry:
    """urllib3 would retry three times by itself, writes too; say what is wanted, and never follow a redirect."""
    from urllib3 import Retry as Times

    return Times(total=times, connect=times, read=times, redirect=0, status=0, other=0, backoff_factor=0.1)


def _never_arrived(error: BaseException) -> bool:
    """Whether the connection itself failed, so that the server cannot have seen the request."""
    from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NameResolutionError, NewConnectionError

    reason = error.reason if isinstance(error, MaxRetryError) else error
    return isinstance(reason, ConnectTimeoutError | NewConnectionError | NameResolutionError)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _raise_for(status: int, answer: bytes) -> None:
    """Turn a refusal into its exception. Matched on the status alone: the wording differs between servers."""
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return
    message = _message(answer)
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            raise Forbidden(message)
        case HTTPStatus.NOT_FOUND:
            raise NotFound(message)
        case HTTPStatus.CONFLICT:
            raise Conflict(message)
        case HTTPStatus.UNPROCESSABLE_ENTITY:
            raise Invalid(message)
        case HTTPStatus.TOO_MANY_REQUESTS:
            raise TemporaryError(message, delay=5.0)
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unreachable(f"The API server answered {status}: {message}")
        case _:
            raise PermanentError(message)


def _message(answer: bytes) -> str:
    """What a Status body says, else the beginning of the text."""
    try:
        body = json.loads(answer)
    except ValueError:
        body = None
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        return str(body["message"])[:2000]
    return answer[:300].decode("utf-8", errors="replace").strip() or "no explanation given"


def _parsed(answer: bytes) -> JsonObject:
    try:
        body = json.loads(answer)
    except ValueError as error:
        raise Unreachable("The API server's answer is not JSON") from error
    if not isinstance(body, dict):
        raise Unreachable("The API server's answer is not a JSON object")
    return body


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:200]
