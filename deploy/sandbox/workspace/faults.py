"""What can be made to go wrong, and which of Slack's habits are kept: switches, and faults that wear off.

A `CallFault` hits the app's Web API calls, a `DeliveryFault` what the workspace sends to the app. Pace holds the
posting and history rates Slack sets. Nothing here knows HTTP or sockets; their owners ask.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict

DeliveryKind = Literal["events_api", "interactive", "slash_commands"]
BURST = 3
RESTRICTED_PAGE = 15
SUBSCRIPTIONS = (
    "app_mention",
    "message",
    "app_home_opened",
    "app_context_changed",
    "agent_session_stopped",
    "subteam_members_changed",
    "member_joined_channel",
    "tokens_revoked",
    "app_uninstalled",
)


class Switches(BaseModel):
    """How faithful, and how fast, the workspace is. Times are seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ack_timeout: float = 3.0
    trigger_lifetime: float = 3.0
    redelivery_after: tuple[float, ...] = (0.0, 60.0, 300.0)
    redelivery_scale: float = 1.0
    block_limits: bool = True
    posting_rate: bool = False
    restricted_history: bool = False
    file_processing: float = 0.0
    refuse_sockets: bool = False
    request_url: str = ""
    subscriptions: tuple[str, ...] = SUBSCRIPTIONS


class CallFault(BaseModel):
    """The next `times` calls of a method (`*`: any) fail this way, or only wait `delay` when there is no error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    times: int = 1
    status: int = 200
    error: str = ""
    retry_after: int = 1
    delay: float = 0.0


class DeliveryFault(BaseModel):
    """What happens to the next `times` deliveries of a kind.

    duplicate: sent again after its ack. drop_ack: the ack is lost on its way. lose: never sent. hold: kept until
    released. reorder: overtaken by the delivery after it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mishap: Literal["duplicate", "drop_ack", "lose", "hold", "reorder"]
    kind: DeliveryKind | Literal["any"] = "any"
    times: int = 1


class Faults:
    """The faults still to happen."""

    def __init__(self) -> None:
        self._calls: list[CallFault] = []
        self._deliveries: list[DeliveryFault] = []

    def add(self, fault: CallFault | DeliveryFault) -> None:
        """Let a fault happen from now on, after those already waiting."""
        if isinstance(fault, CallFault):
            self._calls.append(fault)
        else:
            self._deliveries.append(fault)

    def for_call(self, method: str) -> CallFault | None:
        """The fault that hits this call, used up by one."""
        found = next((fault for fault in self._calls if fault.method in (method, "*")), None)
        if found:
            self._calls = list(_worn(self._calls, found))
        return found

    def for_delivery(self, kind: DeliveryKind) -> DeliveryFault | None:
        """The fault that hits this delivery, used up by one."""
        found = next((fault for fault in self._deliveries if fault.kind in (kind, "any")), None)
        if found:
            self._deliveries = list(_worn(self._deliveries, found))
        return found


class Pace:
    """When calls were made, to say how long the next one must wait."""

    def __init__(self) -> None:
        self._posts: dict[str, list[float]] = {}
        self._histories: dict[str, float] = {}

    def wait_to_post(self, channel: str, now: float) -> int:
        """Whole seconds until this channel takes another message: one a second, in bursts of three; 0 posts it."""
        recent = [at for at in self._posts.get(channel, []) if at > now - BURST]
        allowed = len(recent) < BURST
        self._posts[channel] = [*recent, now] if allowed else recent
        return 0 if allowed else max(1, int(recent[0] + BURST - now))

    def wait_to_read(self, method: str, now: float) -> int:
        """Whole seconds until history may be read again under the limit for distributed apps: once a minute."""
        last = self._histories.get(method)
        if last is not None and now - last < 60:
            return max(1, int(60 - (now - last)))
        self._histories[method] = now
        return 0


Fault = TypeVar("Fault", CallFault, DeliveryFault)


def _worn(faults: Iterable[Fault], used: Fault) -> Iterable[Fault]:
    for fault in faults:
        if fault is not used:
            yield fault
        elif fault.times > 1:
            yield fault.model_copy(update={"times": fault.times - 1})
