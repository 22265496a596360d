"""The reads as a model may call them: what it asks for becomes evidence on our side, and fenced text on its side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.investigation.budget import Meter
from bot.investigation.fence import Fence
from tools.clients import Readers
from tools.errors import PermanentError, TemporaryError
from tools.evidence import Evidence, EvidenceId
from tools.reads.read import Read
from tools.redaction import redact
from tools.values import Value

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

PIECES = 12
"""Most pieces of evidence shown of one read; all of them are kept."""
NO_MORE = "No more reads are allowed in this investigation. Answer now with what you have."
NOTHING = "There is nothing there. That is an answer too: it was looked for and is absent."


class Looking:
    """Reads on a model's behalf. Keeps everything that was seen; a model calls several reads at once, so it locks."""

    def __init__(
        self, readers: Readers, fence: Fence, meter: Meter, now: Callable[[], datetime], known: Sequence[Evidence]
    ) -> None:
        self._readers = readers
        self._fence = fence
        self._meter = meter
        self._now = now
        self._lock = threading.Lock()
        self._seen: dict[EvidenceId, Evidence] = {piece.id: piece for piece in known}

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Everything known and read, in the order it was seen, each piece once."""
        return tuple(self._seen.values())

    def tool(self, read: Read[Any]) -> BaseTool:
        """One read as LangChain calls it. The schema is the read's own, so arguments arrive checked."""
        from langchain_core.tools import StructuredTool

        def look(**arguments: object) -> str:
            return self.look(read, read.arguments.model_validate(arguments))

        return StructuredTool.from_function(
            look, name=read.name, description=read.description, args_schema=read.arguments, infer_schema=False
        )

    def look(self, read: Read[Any], arguments: Value) -> str:
        """Look once, and say what was seen. What could not be read is said too: a gap is no reason to stop."""
        if not self._meter.may_read():
            return NO_MORE
        try:
            pieces = read.run(arguments, self._now(), self._readers)
        except (TemporaryError, PermanentError) as error:
            return self._fence.around("error", f"{read.name} could not be read: {redact(str(error))}")
        with self._lock:
            self._seen.update((piece.id, piece) for piece in pieces)
        shown = [self._fence.evidence(piece) for piece in pieces[:PIECES]]
        if len(pieces) > PIECES:
            shown.append(f"{len(pieces) - PIECES} more pieces are not shown; ask more narrowly.")
        return "\n".join(shown) or NOTHING
