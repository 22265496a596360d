"""Which reads a request shows with their arguments, and which by name alone until the model asks for them.

Every request carries the schemas of what it offers, so reads of another provider than the alert's wait outside.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bot.investigation.schemas import Schema, of_read
from tools.reads.read import Read
from tools.subjects import AwsSubject, KubernetesSubject, Subject

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

MOST_CHARACTERS = 8_400
"""Of the schemas shown at first; about thirty reads."""
SHOW_READS = "show_reads"
_ASKED: Schema = {
    "type": "object",
    "properties": {"names": {"type": "array", "items": {"type": "string"}}},
    "required": ["names"],
}
ELSEWHERE: dict[type[Subject], str] = {KubernetesSubject: "aws_", AwsSubject: "k8s_"}
"""How the names of reads begin that a subject of this kind is not looked at with."""


class Offer:
    """The reads of one investigation: those shown, and those told by name. A model asks in threads, so it locks."""

    def __init__(self, reads: Sequence[Read[Any]], subject: Subject | None) -> None:
        self._lock = threading.Lock()
        self._all = tuple(read.name for read in reads)
        self._shown = _shown_first(reads, subject)
        self.over = False
        """Whether reading has ended: nothing is offered any more but to answer."""

    @property
    def shown(self) -> frozenset[str]:
        """The names of the reads whose arguments a request shows."""
        return frozenset() if self.over else frozenset(self._shown)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The names of the others."""
        return tuple(name for name in self._all if name not in self._shown)

    def knows(self, name: str) -> bool:
        """Whether there is such a read at all."""
        return name in self._all

    def show(self, names: object) -> str:
        """Show these reads from the next request on."""
        asked = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
        known = [name for name in asked if self.knows(name)]
        with self._lock:
            self._shown.update(known)
        return f"From your next turn on you can call {', '.join(known)}." if known else "There is no read of that name."

    def tool(self) -> BaseTool:
        """How a model asks for a read that waits."""
        from langchain_core.tools import StructuredTool

        def show(**asked: object) -> str:
            return self.show(asked.get("names"))

        about = "Shows you the arguments of reads that you were told by name only."
        return StructuredTool.from_function(
            show, name=SHOW_READS, description=about, args_schema=_ASKED, infer_schema=False
        )


def size(read: Read[Any]) -> int:
    """Characters one read takes in a request."""
    function = {"name": read.name, "description": read.description, "parameters": of_read(read)}
    return len(json.dumps({"type": "function", "function": function}))


def _shown_first(reads: Sequence[Read[Any]], subject: Subject | None) -> set[str]:
    """The reads of the subject's own provider, in the order of their table, as far as there is room."""
    elsewhere = ELSEWHERE.get(type(subject)) if subject is not None else None
    shown, room = set[str](), MOST_CHARACTERS
    for read in reads:
        if elsewhere is not None and read.name.startswith(elsewhere):
            continue
        room -= size(read)
        if room < 0:
            break
        shown.add(read.name)
    return shown
