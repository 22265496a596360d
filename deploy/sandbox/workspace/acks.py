"""How a delivery ended: the one value both transports answer with."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.sandbox.workspace.wire import JsonObject


@dataclass(frozen=True)
class Ack:
    """How one attempt ended: acked with a payload (often empty), or not, and why."""

    acked: bool
    payload: JsonObject
    reason: str = ""
    final: bool = False
