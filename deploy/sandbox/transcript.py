"""What happens in the workspace, told in the terminal: one line a message, and one when a card says something new."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable

from deploy.sandbox.workspace.directory import PEOPLE
from deploy.sandbox.workspace.seen import Seen

INCIDENT = re.compile(r"\bINC-\d+\b")
NAMES = {person.id: person.name for person in PEOPLE}
MENTION = re.compile(r"<@(\w+)>")


class Transcript:
    """Prints with seconds since it began. Remembers what every message said, so that only news is told."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._said: dict[tuple[str, str], str] = {}
        self._incidents: dict[str, str] = {}

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def tell(self, line: str) -> None:
        """One line."""
        print(f"{self.seconds:6.1f}s  {line}", flush=True)

    def follow(self, messages: Iterable[Seen]) -> None:
        """Tell what is new among these messages, each with the incident whose thread it is in."""
        for message in messages:
            place, reply = (message.channel, message.ts), message.thread_ts not in ("", message.ts)
            if not reply and (found := INCIDENT.search(message.everything)):
                self._incidents[message.ts] = found[0]
            if message.text and self._said.get(place) != message.text:
                verb = "now says" if place in self._said else "says"
                self._said[place] = message.text
                text = MENTION.sub(lambda mention: f"@{_name(mention[1])}", message.text)
                incident = self._incidents.get(message.thread_ts or message.ts, "")
                self.tell(f"{incident:6} {'    ' if reply else ''}{_name(message.user)} {verb}: {text}")


def _name(user: str) -> str:
    return NAMES.get(user, user)
