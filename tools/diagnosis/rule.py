"""A rule as a value: what it says, where it comes from, and when it stays silent. The catalogue is made of these."""

from __future__ import annotations

from tools.evidence import Role
from tools.values import Value

ANYTHING = "*"
"""In `explained_by`: whatever is wrong with what it rests on is the reason."""


class Rule(Value):
    """One entry of the catalogue. The condition itself is code; this is what people and the ranking know of it."""

    code: str
    role: Role
    source: str
    """Where the condition comes from: the field of the API, the document, the measurement."""
    evidence: str
    """What its findings cite."""
    remedy: str
    """What helps, in words."""
    silent_on: tuple[str, ...]
    """What looks alike and is not it."""
    needs: tuple[str, ...] | None = None
    """Kinds it cannot do without (`events`): each unread one makes it less sure. None: any gap does."""
    explained_by: tuple[str, ...] = ()
    """Codes which, found on what this one's resource rests on, are its reason; ANYTHING for a mere consequence."""
