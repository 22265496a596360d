"""What changed in the world, in order: the first thing an engineer asks. Values and their order only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from tools.evidence import EvidenceId
from tools.resources import Resource
from tools.values import Value

BEFORE = timedelta(hours=6)
AFTER = timedelta(minutes=15)
"""How far around the onset of an incident a change is worth telling."""


class Change(Value):
    """One thing that was changed: what, when, by whom as far as the provider says, and where that was read."""

    at: AwareDatetime
    resource: Resource
    what: str
    """One line: `image web:3.0.0 -> web:3.1.0`; never an environment variable's value."""
    by: str | None = None
    source: str
    """`rollout`, `scaling`, `config`, `CloudTrail`, ..."""
    evidence_id: EvidenceId | None = None

    def __str__(self) -> str:
        by = f" by {self.by}" if self.by else ""
        return f"{self.at:%Y-%m-%d %H:%M:%S} UTC {self.resource}: {self.what}{by}"


def around(changes: Iterable[Change], onset: datetime) -> tuple[Change, ...]:
    """The changes from six hours before the onset until a quarter of an hour after it, oldest first, each once."""
    near = {change for change in changes if onset - BEFORE <= change.at <= onset + AFTER}
    return tuple(sorted(near, key=lambda change: (change.at, change.resource.key, change.what)))
