"""Getting events and interactions to the app: by socket or signed HTTP, again when not acked, with faults let in.

One rule for both transports: an event is sent up to four times until the app acks within three seconds; an
interaction is sent once, and whoever clicked sees that nobody answered.
"""

from __future__ import annotations

import asyncio

from deploy.sandbox.workspace.acks import Ack
from deploy.sandbox.workspace.faults import DeliveryFault, DeliveryKind
from deploy.sandbox.workspace.requests import SignedRequests
from deploy.sandbox.workspace.sockets import Sockets
from deploy.sandbox.workspace.state import WorkspaceState
from deploy.sandbox.workspace.wire import JsonObject, nested, words


class Deliveries:
    """What is on its way to the app."""

    def __init__(self, state: WorkspaceState, sockets: Sockets) -> None:
        self._state = state
        self._sockets = sockets
        self._requests = SignedRequests(state)
        self._under_way: set[asyncio.Task[None]] = set()
        self._held = asyncio.Event()
        self._overtaken: list[asyncio.Event] = []

    def announce(self, payload: JsonObject) -> None:
        """Deliver an event in the background, in turn with the others already announced."""
        if words(nested(payload, "event"), "type") not in self._state.switches.subscriptions:
            return
        task = asyncio.get_running_loop().create_task(self._until_acked(payload))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def ask(self, kind: DeliveryKind, payload: JsonObject) -> Ack:
        """Deliver an interaction or a command, once."""
        return await self._attempt(kind, payload, 0, "")

    def release(self) -> None:
        """Let go of every delivery a `hold` fault keeps."""
        self._held.set()
        self._held = asyncio.Event()

    async def verify_url(self) -> Ack:
        """Ask the request URL to echo a challenge, as Slack does when it is set."""
        challenge = {"type": "url_verification", "token": "verif", "challenge": self._state.new_id("C")}
        return await self._requests.send("events_api", challenge, 0, "")

    def abandon(self) -> None:
        """Forget every event still to be delivered, or delivered again."""
        for task in self._under_way:
            task.cancel()

    async def close(self) -> None:
        """Stop delivering."""
        self.abandon()
        await self._requests.close()

    async def _until_acked(self, payload: JsonObject) -> None:
        ack = await self._attempt("events_api", payload, 0, "")
        for number, seconds in enumerate(self._state.switches.redelivery_after, start=1):
            if ack.acked or ack.final:
                return
            await asyncio.sleep(seconds * self._state.switches.redelivery_scale)
            ack = await self._attempt("events_api", payload, number, ack.reason)

    async def _attempt(self, kind: DeliveryKind, payload: JsonObject, number: int, why_again: str) -> Ack:
        """One attempt, through whatever fault waits for it, written into the journal."""
        fault = self._state.faults.for_delivery(kind)
        if fault:
            await self._delay(fault)
        started = self._state.clock()
        if fault and fault.mishap == "lose":
            ack = Ack(acked=False, payload={}, reason="timeout")
        else:
            ack = await self._send(kind, payload, number, why_again)
        if fault and fault.mishap == "drop_ack":
            ack = Ack(acked=False, payload={}, reason="timeout")
        self._let_pass(fault)
        self._note(kind, payload, number, why_again, ack, self._state.clock() - started)
        if fault and fault.mishap == "duplicate":
            again = await self._send(kind, payload, number + 1, "timeout")
            self._note(kind, payload, number + 1, "timeout", again, 0.0)
        return ack

    async def _send(self, kind: DeliveryKind, payload: JsonObject, number: int, why_again: str) -> Ack:
        if self._state.switches.request_url:
            return await self._requests.send(kind, payload, number, why_again)
        envelope: dict[str, object] = {
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": number, "retry_reason": "timeout" if number else ""}
        try:
            answered = await self._sockets.send(envelope, self._state.switches.ack_timeout)
        except ConnectionError:
            return Ack(acked=False, payload={}, reason="no_connection")
        if answered is None:
            return Ack(acked=False, payload={}, reason="timeout")
        return Ack(acked=True, payload=answered)

    async def _delay(self, fault: DeliveryFault) -> None:
        if fault.mishap == "hold":
            await self._held.wait()
        if fault.mishap == "reorder":
            overtaken = asyncio.Event()
            self._overtaken.append(overtaken)
            await overtaken.wait()

    def _let_pass(self, fault: DeliveryFault | None) -> None:
        if not fault or fault.mishap != "reorder":
            for overtaken in self._overtaken:
                overtaken.set()
            self._overtaken.clear()

    def _note(
        self, kind: DeliveryKind, payload: JsonObject, number: int, why_again: str, ack: Ack, seconds: float
    ) -> None:
        event = nested(payload, "event")
        self._state.journal.write(
            self._state.clock(),
            "delivery",
            type=kind,
            what=words(event, "type") or words(payload, "type") or words(payload, "command"),
            attempt=number,
            retry_reason=why_again,
            acked=ack.acked,
            reason=ack.reason,
            seconds=round(seconds, 3),
            ack=ack.payload,
            payload=payload,
        )
        self._state.feed.tell("delivery")
