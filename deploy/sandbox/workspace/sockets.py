"""Socket Mode: tickets, the hello, one connection in turn for each envelope, and the acks that come back.

Knows nothing of what an envelope carries, nor of redelivery; `deliveries` decides when to send again.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Literal

from starlette.websockets import WebSocket, WebSocketDisconnect

from deploy.sandbox.workspace.directory import APP_ID
from deploy.sandbox.workspace.state import WorkspaceState
from deploy.sandbox.workspace.wire import JsonObject, as_object

MOST_CONNECTIONS = 10
DisconnectReason = Literal["warning", "refresh_requested", "link_disabled"]


class Sockets:
    """The app's open connections."""

    def __init__(self, state: WorkspaceState) -> None:
        self._state = state
        self._tickets: set[str] = set()
        self._open: list[WebSocket] = []
        self._turn = 0
        self._awaited: dict[str, asyncio.Future[JsonObject]] = {}

    @property
    def connected(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def new_address(self) -> str:
        """A websocket address whose ticket opens one connection, once."""
        ticket = uuid.uuid4().hex
        self._tickets.add(ticket)
        return f"{self._state.base_url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={APP_ID}"

    async def serve(self, socket: WebSocket) -> None:
        """Hold one connection: hello first, then acks, until either side closes it."""
        ticket = socket.query_params.get("ticket", "")
        refused = self._state.switches.refuse_sockets or self.connected >= MOST_CONNECTIONS
        if ticket not in self._tickets or refused:
            await socket.close()
            return
        self._tickets.discard(ticket)
        await socket.accept()
        await socket.send_text(json.dumps(_hello(self.connected + 1)))
        self._open.append(socket)
        self._tell("connected")
        try:
            while True:
                self._take_ack(await socket.receive_text())
        except WebSocketDisconnect:
            pass
        finally:
            self._forget(socket)

    async def send(self, envelope: JsonObject, timeout_seconds: float) -> JsonObject | None:
        """Send an envelope to the next connection in turn; its ack, or None without one in time.

        Raises ConnectionError when there is no connection to send it on.
        """
        if not self._open:
            raise ConnectionError("no open connection")
        self._turn += 1
        socket = self._open[self._turn % len(self._open)]
        envelope_id = str(uuid.uuid4())
        acked: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self._awaited[envelope_id] = acked
        try:
            await self._put(socket, {"envelope_id": envelope_id, **envelope})
            return await asyncio.wait_for(acked, timeout_seconds)
        except TimeoutError:
            return None
        finally:
            self._awaited.pop(envelope_id, None)

    async def disconnect(self, reason: DisconnectReason) -> None:
        """Ask the app to open new connections, as Slack does every few hours."""
        for socket in list(self._open):
            await self._put(socket, {"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})

    async def drop(self) -> None:
        """Cut every connection without a word."""
        for socket in list(self._open):
            self._forget(socket)
            await socket.close(code=1012)

    async def _put(self, socket: WebSocket, message: JsonObject) -> None:
        try:
            await socket.send_text(json.dumps(message))
        except (WebSocketDisconnect, RuntimeError) as error:
            # Starlette raises RuntimeError for a socket that closed between the turn and the send.
            self._forget(socket)
            raise ConnectionError("the connection closed") from error

    def _take_ack(self, text: str) -> None:
        try:
            ack = as_object(json.loads(text))
        except ValueError:
            return  # Slack ignores what is not JSON; so do we.
        awaited = self._awaited.get(str(ack.get("envelope_id")))
        if awaited and not awaited.done():
            awaited.set_result(as_object(ack.get("payload")))

    def _forget(self, socket: WebSocket) -> None:
        if socket in self._open:
            self._open.remove(socket)
            self._tell("closed")

    def _tell(self, what: str) -> None:
        self._state.journal.write(self._state.clock(), "socket", event=what, connected=self.connected)
        self._state.feed.tell("socket")


def _hello(number: int) -> JsonObject:
    return {
        "type": "hello",
        "num_connections": number,
        "connection_info": {"app_id": APP_ID},
        "debug_info": {"host": "applink-sandbox", "build_number": 1, "approximate_connection_time": 18060},
    }
