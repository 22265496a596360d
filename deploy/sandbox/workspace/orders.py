"""What may be asked of the control API: one frozen model an order, so that a misspelt field is refused."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from deploy.sandbox.workspace.directory import Standing
from deploy.sandbox.workspace.elements import Chosen
from deploy.sandbox.workspace.sockets import DisconnectReason


class Order(BaseModel):
    """A request body of the control API."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Say(Order):
    """Somebody (or another app's bot) posts."""

    user: str
    channel: str
    text: str = ""
    thread_ts: str = ""
    blocks: list[dict[str, object]] = Field(default_factory=list)
    attachments: list[dict[str, object]] = Field(default_factory=list)
    subtype: str = ""


class OnMessage(Order):
    """Somebody points at a message; `text` is what an edit leaves, `name` a reaction."""

    user: str
    channel: str
    ts: str
    text: str = ""
    name: str = ""
    remove: bool = False


class Click(Order):
    """Somebody uses an element of a message; `forced` replays what it showed before, or makes an element up."""

    user: str
    channel: str
    ts: str
    action_id: str
    block_id: str = ""
    value: str = ""
    chosen: Chosen = None
    forced: bool = False


class InView(Order):
    """Somebody uses, submits or closes a view, with what they entered by block id or action id."""

    user: str
    view_id: str
    action_id: str = ""
    block_id: str = ""
    value: str = ""
    typed: str = ""
    values: dict[str, Chosen] = Field(default_factory=dict)
    everything: bool = False


class Slash(Order):
    """Somebody runs a slash command."""

    user: str
    channel: str
    command: str
    text: str = ""


class Look(Order):
    """Somebody opens the app's tab, or presses Stop in a thread."""

    user: str
    tab: str = "home"
    channel: str = ""
    thread_ts: str = ""


class Arrange(Order):
    """Change who belongs where: a channel's member, a usergroup's users, a person's standing."""

    user: str = ""
    channel: str = ""
    usergroup: str = ""
    users: tuple[str, ...] = ()
    standing: Standing = "member"


class Announce(Order):
    """Send the app an event no gesture makes: `tokens_revoked`, `app_context_changed`."""

    event: dict[str, object]
    channel: str = ""


class Disconnect(Order):
    """Ask the app's connections to be renewed."""

    reason: DisconnectReason = "refresh_requested"


class Nothing(Order):
    """An order that needs no details."""
