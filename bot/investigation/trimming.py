"""Keeping a conversation short: what was read long ago is told in a line, and can be read again by its id.

Every request carries the whole conversation, so without this a long investigation would cost its length squared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from langchain_core.messages import AnyMessage, ToolMessage

MOST_CHARACTERS = 36_000
"""Of all messages together; about ten thousand tokens."""
KEPT_OF_A_PIECE = 300
"""Characters left of the excerpt of a piece that is shortened."""
_EXCERPT = re.compile(r"(\n---\n)(.*?)(\n</evidence-)", re.DOTALL)


def trimmed(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """The conversation with its oldest results shortened until it fits; what was read last stays as it is."""
    kept = list(messages)
    newest = max((at for at, one in enumerate(kept) if not isinstance(one, ToolMessage)), default=0)
    excess = sum(_size(one) for one in kept) - MOST_CHARACTERS
    for at, one in enumerate(kept[:newest]):
        if excess <= 0:
            break
        if isinstance(one, ToolMessage):
            kept[at] = one.model_copy(update={"content": shortened(str(one.content))})
            excess -= _size(one) - _size(kept[at])
    return kept


def shortened(shown: str) -> str:
    """What a read gave, each piece of it cut to its beginning. Ids stay, so it can still be cited and read again."""
    return _EXCERPT.sub(_cut, shown)


def _cut(match: re.Match[str]) -> str:
    excerpt = match[2]
    if len(excerpt) <= KEPT_OF_A_PIECE:
        return match[0]
    return f"{match[1]}{excerpt[:KEPT_OF_A_PIECE]}\n[… shown before; read_evidence shows it again …]{match[3]}"


def _size(message: AnyMessage) -> int:
    return len(str(message.content))
