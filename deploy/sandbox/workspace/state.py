"""Everything the workspace remembers, in one place, and the ids and stamps it hands out.

Nothing is kept across restarts. All of it is touched from the server's event loop only. The clock is passed in.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from deploy.sandbox.workspace.directory import TEAM_ID, Directory
from deploy.sandbox.workspace.faults import Faults, Pace, Switches
from deploy.sandbox.workspace.journal import Feed, Journal
from deploy.sandbox.workspace.messages import Conversations
from deploy.sandbox.workspace.modals import Views
from deploy.sandbox.workspace.wire import JsonObject, SlackError

RESPONSE_URL_USES, RESPONSE_URL_LIFETIME = 5, 1800.0


@dataclass
class Upload:
    """A file on its way in or arrived."""

    id: str
    name: str
    size: int
    title: str
    alt_text: str = ""
    data: bytes = b""
    ready_at: float | None = None


@dataclass
class ResponseUrl:
    """Where a click or a command may be answered, five times within half an hour."""

    channel: str
    user: str
    message_ts: str
    expires_at: float
    uses_left: int = RESPONSE_URL_USES


@dataclass
class AgentSession:
    """What the app says it is doing in a thread."""

    status: str = ""
    title: str = ""
    note: str = ""
    prompts: list[JsonObject] = field(default_factory=list)


class WorkspaceState:
    """The people, the talk, the open views, the files, and what was handed out to the app."""

    def __init__(self, switches: Switches, clock: Callable[[], float]) -> None:
        self.switches = switches
        self.clock = clock
        self.base_url = ""
        self.feed = Feed()
        self._sequence = itertools.count(1)
        self._last_second = 0
        self.forget()

    def forget(self) -> None:
        """Go back to the seeds and an empty journal; connections and switches stay."""
        self.journal = Journal()
        self.directory = Directory()
        self.conversations = Conversations()
        self.views = Views()
        self.uploads: dict[str, Upload] = {}
        self.sessions: dict[tuple[str, str], AgentSession] = {}
        self.faults = Faults()
        self.pace = Pace()
        self._triggers: dict[str, tuple[str, float]] = {}
        self._used_triggers: set[str] = set()
        self._response_urls: dict[str, ResponseUrl] = {}

    def stamp(self) -> str:
        """A new message id: seconds, and a number that makes it unique and later than every other."""
        self._last_second = max(self._last_second, int(self.clock()))
        return f"{self._last_second}.{next(self._sequence):06d}"

    def new_id(self, prefix: str) -> str:
        """A new id of the kind its prefix names."""
        return f"{prefix}{uuid.uuid4().hex[:10].upper()}"

    def new_trigger(self, user: str) -> str:
        """A trigger id: this person did something just now, so a view may be opened before them, once."""
        trigger = f"{next(self._sequence)}.{int(self.clock())}.{uuid.uuid4().hex}"
        self._triggers[trigger] = (user, self.clock() + self.switches.trigger_lifetime)
        return trigger

    def use_trigger(self, trigger: str) -> str:
        """Whose trigger it is; refused when made up, used before, or too old."""
        if trigger in self._used_triggers:
            raise SlackError("exchanged_trigger_id")
        if trigger not in self._triggers:
            raise SlackError("invalid_trigger_id")
        self._used_triggers.add(trigger)
        user, expires_at = self._triggers.pop(trigger)
        if self.clock() > expires_at:
            raise SlackError("expired_trigger_id")
        return user

    def new_response_url(self, channel: str, user: str, message_ts: str = "") -> str:
        """An address at which the app may answer this click or command."""
        key = uuid.uuid4().hex
        expires_at = self.clock() + RESPONSE_URL_LIFETIME
        self._response_urls[key] = ResponseUrl(channel, user, message_ts, expires_at)
        return f"{self.base_url}/actions/{TEAM_ID}/{key}"

    def use_response_url(self, key: str) -> ResponseUrl:
        """What an answer at this address answers; `expired_url` when it may not be used (any more)."""
        found = self._response_urls.get(key)
        if found is None or found.uses_left <= 0 or self.clock() > found.expires_at:
            raise SlackError("expired_url")
        found.uses_left -= 1
        return found
