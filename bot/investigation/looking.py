"""The reads as a model may call them: what it asks for becomes evidence on our side, and a fenced preview on its side.

It also notices when reading leads nowhere: the same read again and again, or one failure after another.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from bot.investigation import keeping
from bot.investigation.budget import Meter
from bot.investigation.compiling import first_fault
from bot.investigation.fence import Fence
from bot.investigation.keeping import Page
from bot.investigation.offering import Offer
from bot.investigation.schemas import Schema, of_read
from bot.investigation.values import Reading, Tell
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
AT_MOST_ALIKE, AT_MOST_FAILING = 3, 4
"""The same read so many times, or so many that fail with none between that does not, end the reading."""
NO_MORE = "No more reads are allowed in this investigation. Answer now with what you have."
NOTHING = "There is nothing there. That is an answer too: it was looked for and is absent."
READ_EVIDENCE = "read_evidence"
_PAGE: Schema = {
    "type": "object",
    "properties": {"evidence_id": {"type": "string"}, "offset": {"type": "integer"}, "grep": {"type": "string"}},
    "required": ["evidence_id"],
}


class Looking:
    """Reads on a model's behalf. Keeps everything that was seen; a model calls several reads at once, so it locks."""

    def __init__(
        self,
        readers: Readers,
        fence: Fence,
        meter: Meter,
        now: Callable[[], datetime],
        known: Sequence[Evidence],
        offer: Offer,
        tell: Tell,
    ) -> None:
        self._readers = readers
        self._fence = fence
        self._meter = meter
        self._now = now
        self._offer = offer
        self._tell = tell
        self._lock = threading.Lock()
        self._seen: dict[EvidenceId, Evidence] = {piece.id: piece for piece in known}
        self._answers: dict[str, tuple[EvidenceId, ...]] = {}
        self._asked: list[str] = []
        self._times: Counter[str] = Counter()
        self._failing = self._failed_now = 0
        self._saw_now = False

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Everything known and read, in the order it was seen, each piece once."""
        return tuple(self._seen.values())

    @property
    def reads(self) -> tuple[str, ...]:
        """What was asked to be seen, in order."""
        return tuple(self._asked)

    def tool(self, read: Read[Any]) -> BaseTool:
        """One read as LangChain calls it. Arguments are judged by the read's own type, here."""
        return _tool(read.name, read.description, of_read(read), lambda asked: self.look(read, asked))

    def paging(self) -> BaseTool:
        """The way to see more of evidence that was shown in part."""
        about = "More of a piece of evidence: from a character on (offset), or only lines that hold some words (grep)."
        return _tool(READ_EVIDENCE, about, _PAGE, self.page)

    def look(self, read: Read[Any], asked: Mapping[str, object]) -> str:
        """Look once, and say what was seen. What could not be read is said too: a gap is no reason to stop."""
        try:
            arguments = read.arguments.model_validate(
                {name: value for name, value in asked.items() if value is not None}
            )
        except ValidationError as error:
            return self.failed(f"{read.name} was not read: {first_fault(error)}")
        key = f"{read.name} {arguments.model_dump_json()}"
        if (before := self._before(key)) is not None:
            return f"You have read this already, and it is kept as {', '.join(before) or 'an empty answer'}. Go on."
        if not self._may_read(_in_words(read.name, arguments)):
            return NO_MORE
        try:
            pieces = read.run(arguments, self._now(), self._readers)
        except (TemporaryError, PermanentError) as error:
            return self.failed(f"{read.name} could not be read: {redact(str(error))}")
        return self._shown(self._keep(key, [keeping.capped(piece) for piece in pieces]))

    def page(self, asked: Mapping[str, object]) -> str:
        """Show another part of a piece that is kept."""
        try:
            wanted = Page.model_validate({name: value for name, value in asked.items() if value is not None})
        except ValidationError as error:
            return self.failed(f"{READ_EVIDENCE}: {first_fault(error)}")
        piece = self._seen.get(EvidenceId(wanted.evidence_id))
        if piece is None:
            return self.failed(f"{wanted.evidence_id} is no evidence of this investigation")
        key = f"{READ_EVIDENCE} {wanted.model_dump_json()}"
        if self._before(key) is not None:
            return "You have read this part already. Go on."
        if not self._may_read(_in_words(READ_EVIDENCE, wanted)):
            return NO_MORE
        self._keep(key, [piece])
        part, which = keeping.page(piece, wanted)
        return self._fence.part(piece, part, which)

    def failed(self, why: str) -> str:
        """Say that a read failed."""
        with self._lock:
            self._failed_now += 1
        return self._fence.around("error", redact(why))

    def next_turn(self) -> None:
        """The reads of a turn are done. They ran side by side, so only now can it be said that all of them failed."""
        self._failing = 0 if self._saw_now else self._failing + self._failed_now
        self._failed_now, self._saw_now = 0, False
        if self._failing >= AT_MOST_FAILING:
            self._offer.over = True

    def _before(self, key: str) -> tuple[EvidenceId, ...] | None:
        """What this very read gave before, if it was made; asked again and again, it ends the reading."""
        with self._lock:
            self._times[key] += 1
            if self._times[key] >= AT_MOST_ALIKE:
                self._offer.over = True
            return self._answers.get(key)

    def _may_read(self, what: str) -> bool:
        if self._offer.over or not self._meter.may_read():
            self._offer.over = True
            return False
        with self._lock:
            self._asked.append(what)
            number = len(self._asked)
        self._tell(Reading(what=what, number=number))
        return True

    def _keep(self, key: str, pieces: Sequence[Evidence]) -> Sequence[Evidence]:
        with self._lock:
            self._saw_now = True
            self._seen.update((piece.id, piece) for piece in pieces)
            self._answers[key] = tuple(piece.id for piece in pieces)
        return pieces

    def _shown(self, pieces: Sequence[Evidence]) -> str:
        """What a model is shown of what was seen."""
        shown = [self._fence.evidence(piece) for piece in pieces[:PIECES]]
        if len(pieces) > PIECES:
            shown.append(f"{len(pieces) - PIECES} more pieces are not shown; ask more narrowly.")
        return "\n".join(shown) or NOTHING


def _tool(name: str, about: str, schema: Schema, call: Callable[[Mapping[str, object]], str]) -> BaseTool:
    from langchain_core.tools import StructuredTool

    def asked(**arguments: object) -> str:
        return call(arguments)

    return StructuredTool.from_function(asked, name=name, description=about, args_schema=schema, infer_schema=False)


def _in_words(name: str, arguments: Value) -> str:
    """A read and what it was asked for, in a few words: `k8s_pod_logs shop/web-1 app, previous`."""
    names, others = list[str](), list[str]()
    for member, value in arguments.model_dump(mode="json", exclude_defaults=True).items():
        match value:
            case str():
                names.append(value)
            case True:
                others.append(member)
            case _:
                others.append(f"{member}={json.dumps(value)}")
    where = " ".join(("/".join(names[:2]), *names[2:]))
    return redact(", ".join(filter(None, (f"{name} {where}".strip(), *others))))[:200]
