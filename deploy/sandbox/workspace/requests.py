"""Deliveries as signed HTTP requests to the app's one request URL, the way Slack sends them without Socket Mode."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from deploy.sandbox.workspace.acks import Ack
from deploy.sandbox.workspace.directory import SIGNING_SECRET
from deploy.sandbox.workspace.faults import DeliveryKind
from deploy.sandbox.workspace.state import WorkspaceState
from deploy.sandbox.workspace.wire import JsonObject, as_object

if TYPE_CHECKING:
    import httpx


class SignedRequests:
    """The HTTP side of delivery."""

    def __init__(self, state: WorkspaceState) -> None:
        self._state = state
        self._client: httpx.AsyncClient | None = None

    async def send(self, kind: DeliveryKind, payload: JsonObject, number: int, why_again: str) -> Ack:
        """One signed request; acked by a 200 within the ack timeout, whose body is the ack payload."""
        import httpx

        body, content_type = _body(kind, payload)
        headers = {"content-type": content_type, **self._signature(body), **_retry_headers(number, why_again)}
        self._client = self._client or httpx.AsyncClient(trust_env=False)
        try:
            async with asyncio.timeout(self._state.switches.ack_timeout):
                answer = await self._client.post(self._state.switches.request_url, content=body, headers=headers)
        except TimeoutError:
            return Ack(acked=False, payload={}, reason="timeout")
        except httpx.HTTPError:
            return Ack(acked=False, payload={}, reason="no_connection")
        final = answer.headers.get("x-slack-no-retry") == "1"
        if answer.status_code != 200:
            return Ack(acked=False, payload={}, reason=f"http_{answer.status_code}", final=final)
        return Ack(acked=True, payload=_answer(answer.text), final=final)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client:
            await self._client.aclose()

    def _signature(self, body: str) -> dict[str, str]:
        at = str(int(self._state.clock()))
        digest = hmac.new(SIGNING_SECRET.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
        return {"x-slack-request-timestamp": at, "x-slack-signature": f"v0={digest}"}


def _body(kind: DeliveryKind, payload: JsonObject) -> tuple[str, str]:
    form = "application/x-www-form-urlencoded"
    match kind:
        case "events_api":
            return json.dumps(payload), "application/json"
        case "interactive":
            return urlencode({"payload": json.dumps(payload)}), form
        case "slash_commands":
            return urlencode({key: str(value) for key, value in payload.items()}), form


def _retry_headers(number: int, why_again: str) -> dict[str, str]:
    if not number:
        return {}
    reason = "http_error" if why_again.startswith("http_") else "http_timeout"
    return {"x-slack-retry-num": str(number), "x-slack-retry-reason": reason}


def _answer(text: str) -> JsonObject:
    if not text.strip():
        return {}
    return as_object(json.loads(text)) if text.lstrip().startswith("{") else {"text": text}
