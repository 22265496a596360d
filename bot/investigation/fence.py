"""Showing untrusted text to a model: capped, redacted, and inside delimiters it cannot know and so cannot close.

A fence adds friction; it is not what keeps an obedient model harmless. That is the compiling of its answer
(`compiling`), and everything that happens after it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from bot.investigation.values import Question
from tools.evidence import Evidence, Finding, Role, Trust
from tools.redaction import redact

HEAD, TAIL = 1_300, 2_700
"""Characters shown of a long excerpt. The end gets more: the latest log lines are there."""
SHORT = 300
MOST_ALERT, MOST_CHANGES = 2_400, 12
MANY_LINES = 30
"""A text of at least so many is told by its different messages."""
LEAST_DIGEST = 1_200
LEAST_PREVIEW = 240
"""Characters: where less room than this is left for a piece of evidence, only its summary is told."""


@dataclass(frozen=True)
class Fence:
    """The delimiters of one investigation. `mark` is drawn by lot, and removed from any text that holds it."""

    mark: str = field(default_factory=lambda: secrets.token_hex(8))

    def around(self, kind: str, text: str, **about: str) -> str:
        """`text` as an element nobody else can close: `<evidence-4b1d… id="ev-1">…</evidence-4b1d…>`."""
        attributes = "".join(f" {name}={json.dumps(self._line(value))}" for name, value in about.items())
        return f"<{kind}-{self.mark}{attributes}>\n{self._harmless(text)}\n</{kind}-{self.mark}>"

    def evidence(self, piece: Evidence, most: int = HEAD + TAIL) -> str:
        """One piece of evidence: its id to cite, its summary, and a preview of its excerpt, from which alone quotes may
        come. Of a long log the different messages are told first, and its end is shown as it is.
        """
        text = redact(piece.excerpt)
        many_lines = piece.trust is Trust.TEXT and text.count("\n") >= MANY_LINES
        if len(text) <= most or most < LEAST_DIGEST or not many_lines:
            return self.part(piece, shortened(text, most), piece.summary)
        digest, end = _digest(text, most * 2 // 3), text[-(most // 3) :].partition("\n")[2]
        return self.part(
            piece, end, piece.summary, f"\nIn short (not to be quoted; read_evidence shows lines):\n{digest}"
        )

    def part(self, piece: Evidence, part: str, which: str, digest: str = "") -> str:
        """A part of a piece of evidence, and in words which part it is."""
        about = {"id": piece.id, "read": piece.tool, "query": piece.query, "trust": piece.trust.value}
        return self.around("evidence", f"{self._line(which)}{redact(digest)}\n---\n{redact(part)}", **about)

    def question(self, question: Question, room: int = 12_000) -> str:
        """The alert, where it points, and what the rules have seen and concluded, in about `room` characters: only
        evidence is shortened, what leads first.
        """
        told = "\n".join(self._told(question))
        pieces = sorted(question.evidence, key=_importance(question.findings))
        shown = "\n".join(self._in_room(pieces, room - len(told)))
        return f"{told}\nWhat they saw:\n{shown}" if shown else told

    def _told(self, question: Question) -> Iterator[str]:
        subject = question.subject.model_dump_json(exclude_none=True) if question.subject else "the alert names nothing"
        yield "An alert fired:"
        yield self.around("alert", shortened(redact(question.alert), MOST_ALERT), **_heard(question))
        yield "It points at:"
        yield self.around("subject", redact(subject))
        yield "The built-in rules found so far, causes first:"
        yield self.around("findings", redact("\n".join(_findings(question.findings)) or "none"))
        if question.changes:
            changes = (str(change) for change in question.changes[-MOST_CHANGES:])
            yield "What changed around the onset, oldest first:"
            yield self.around("changes", redact("\n".join(changes)))
        if question.around:
            yield "What hangs on what, and how far it reaches:"
            yield self.around("around", redact("\n".join(question.around)))
        if question.gaps:
            yield "They could not see:"
            yield self.around("gaps", redact("\n".join(question.gaps)))

    def _in_room(self, pieces: Sequence[Evidence], room: int) -> Iterator[str]:
        """Every piece: as much of it as there is room, in the end its summary alone."""
        for piece in pieces:
            header = len(self.evidence(piece, 0))
            preview = max(0, min(HEAD + TAIL, room - header))
            shown = self.evidence(piece, preview if preview >= LEAST_PREVIEW else 0)
            room -= len(shown)
            yield shown

    def _harmless(self, text: str) -> str:
        return text.replace(self.mark, "·")

    def _line(self, text: str) -> str:
        return self._harmless(" ".join(redact(text).split()))[:SHORT]


def _heard(question: Question) -> dict[str, str]:
    """By which id the alert's own words can be quoted."""
    return {"id": question.heard.id, "trust": question.heard.trust.value} if question.heard else {}


def shortened(text: str, most: int = HEAD + TAIL) -> str:
    """The beginning and the end of a long text, and how much is missing between them."""
    left_out = len(text) - most
    if left_out <= 0:
        return text
    head = most * HEAD // (HEAD + TAIL)
    tail = text[len(text) - (most - head) :]
    return f"{text[:head]}\n[… {left_out:,} characters left out; read_evidence shows them …]\n{tail}"


def _digest(text: str, most: int) -> str:
    """What the lines of a long text say, each message once with how often, errors first."""
    from tools.detection.reducing import BYTES_A_TOKEN, reduce

    # Where quotes may begin is told by a line of three hyphens, so none may stand above it.
    return reduce(text.split("\n"), most // BYTES_A_TOKEN).replace("\n---", "\n- - -")[: 2 * most]


def _importance(findings: Sequence[Finding]) -> Callable[[Evidence], int]:
    """Sorts evidence by the finding that cites it; what none cites comes last, in the order it was seen."""
    cited = list(dict.fromkeys(piece for finding in findings for piece in finding.evidence_ids))
    return lambda piece: cited.index(piece.id) if piece.id in cited else len(cited)


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    """One line of JSON a finding, with the finding that explains it where one does."""
    for number, finding in enumerate(findings):
        about = {
            "code": finding.code,
            "role": finding.role.value,
            "resource": finding.resource.model_dump(mode="json"),
            "statement": finding.statement,
            "confidence": finding.confidence,
            "evidence": list(finding.evidence_ids),
        }
        cause = next((one for one in findings[:number] if _explains(one, finding)), None)
        yield json.dumps(about | ({"explained_by": cause.code} if cause else {}), ensure_ascii=False)


def _explains(cause: Finding, finding: Finding) -> bool:
    """Nearer the cause, and about the same thing: the same object, or the same evidence."""
    order = list(Role)
    shared = cause.resource == finding.resource or set(cause.evidence_ids) & set(finding.evidence_ids)
    return order.index(cause.role) < order.index(finding.role) and bool(shared)
