"""Talking to Prometheus and Alertmanager: read-only GETs with deadlines, and errors that say whether to try again.

What is asked belongs to `tools.reads.prometheus` and `tools.reads.alertmanager`. Anything that answers like
Prometheus (Thanos, Mimir, VictoriaMetrics, a managed service) will do. Redirects are never followed: the token and
the query go to the address that was configured, and nowhere else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tools.errors import Forbidden, PermanentError, TemporaryError, Unreachable
from tools.values import JsonObject, JsonValue

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 8.0
"""For a whole answer, however slowly it drips."""
MOST_BYTES = 8 * 1024 * 1024
CHUNK = 64 * 1024


class _Api:
    """One HTTP API at one address. Threads may share it; its connections are bounded."""

    name: str
    """What people call it, in errors."""
    setting: str
    """Where its address is configured, in errors."""

    def __init__(self, url: str, token: str | None = None, seconds: float = ANSWER_SECONDS) -> None:
        self.url = url.rstrip("/") + "/"
        self._token, self._seconds = token, seconds
        self._pool: PoolManager | None = None

    def close(self) -> None:
        """Drop the kept connections."""
        if self._pool is not None:
            self._pool.clear()

    def _get(self, path: str, query: Mapping[str, str]) -> JsonValue:
        """What an endpoint answers. Raises Unreachable, TemporaryError, Forbidden or PermanentError."""
        import urllib3

        target = f"{self.url}{path}?{urlencode(query)}" if query else f"{self.url}{path}"
        deadline = time.monotonic() + self._seconds
        try:
            response = self._connections().request("GET", target, preload_content=False, redirect=False)
            try:
                body = self._body(response, deadline)
            finally:
                response.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(f"{self.name} at {self.url} did not answer: {type(error).__name__}") from error
        self._refuse(response.status, body)
        try:
            return json.loads(body)  # type: ignore[no-any-return]
        except (ValueError, RecursionError) as error:
            raise PermanentError(f"what answers at {self.url} is no {self.name} ({self.setting})") from error

    def _body(self, response: BaseHTTPResponse, deadline: float) -> bytes:
        """The whole answer, within its size and its time."""
        body = bytearray()
        for chunk in response.stream(CHUNK):
            body += chunk
            if len(body) > MOST_BYTES:
                response.close()
                raise PermanentError(f"{self.name} answered more than {MOST_BYTES // 1024**2} MiB; ask more narrowly")
            if time.monotonic() > deadline:
                response.close()
                raise Unreachable(f"{self.name} at {self.url} did not finish its answer in {self._seconds:g} s")
        return bytes(body)

    def _refuse(self, status: int, body: bytes) -> None:
        """Turn a refusal into its exception."""
        if status == HTTPStatus.OK:
            return
        said = _message(body)
        match status:
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
                raise Forbidden(f"{self.name} does not let us read it: {said}")
            case HTTPStatus.TOO_MANY_REQUESTS:
                raise TemporaryError(f"{self.name} answers no more for now: {said}", delay=5.0)
            case HTTPStatus.NOT_FOUND:
                raise PermanentError(f"there is no {self.name} API at {self.url} ({self.setting})")
            case _ if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
                raise PermanentError(f"{self.url} redirects elsewhere: set {self.setting} to where {self.name} is")
            case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise Unreachable(f"{self.name} answered {status}: {said}")
            case _:
                raise PermanentError(f"{self.name} refused: {said}")

    def _connections(self) -> PoolManager:
        if self._pool is None:
            from urllib3 import PoolManager, Retry, Timeout

            headers = {"Accept": "application/json"}
            if self._token:
                headers["Authorization"] = f"Bearer {self._token}"
            self._pool = PoolManager(
                num_pools=2,
                maxsize=4,
                headers=headers,
                timeout=Timeout(connect=CONNECT_SECONDS, read=self._seconds),
                retries=Retry(total=1, connect=1, read=0, redirect=0, status=0, other=0, backoff_factor=0.1),
            )
        return self._pool


class PrometheusReader(_Api):
    """A Prometheus-compatible API at its base address (`https://prometheus.example`, with a path where it has one)."""

    name, setting = "Prometheus", "SAYSO_PROMETHEUS_URL"

    def data(self, endpoint: str, query: Mapping[str, str] | None = None) -> tuple[JsonObject, tuple[str, ...]]:
        """The `data` of an endpoint under `api/v1`, and the warnings that came with it."""
        answer = self._get(f"api/v1/{endpoint}", query or {})
        if not isinstance(answer, Mapping) or answer.get("status") not in ("success", "error"):
            raise PermanentError(f"what answers at {self.url} is no {self.name} ({self.setting})")
        if answer["status"] == "error":
            raise PermanentError(f"{self.name} refused: {str(answer.get('error'))[:500]}")
        data, warnings = answer.get("data"), answer.get("warnings")
        if not isinstance(data, Mapping):
            raise PermanentError(f"{self.name} answered something else than was asked for")
        return data, tuple(str(one)[:300] for one in warnings[:5]) if isinstance(warnings, list) else ()


class AlertmanagerReader(_Api):
    """An Alertmanager at its base address."""

    name, setting = "Alertmanager", "SAYSO_ALERTMANAGER_URL"

    def list(self, endpoint: str, query: Mapping[str, str] | None = None) -> tuple[JsonObject, ...]:
        """The list an endpoint under `api/v2` answers."""
        answer = self._get(f"api/v2/{endpoint}", query or {})
        if not isinstance(answer, list):
            raise PermanentError(f"what answers at {self.url} is no {self.name} ({self.setting})")
        return tuple(one for one in answer if isinstance(one, Mapping))


def _message(body: bytes) -> str:
    """What an error says of itself, else the beginning of the text."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict):
        said = answer.get("error") or answer.get("message")
        if said:
            return f"{answer.get('errorType') or ''} {said}".strip()[:500]
    return body[:200].decode("utf-8", errors="replace").strip() or "no explanation given"
