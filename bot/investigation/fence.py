"""Showing untrusted text to a model: capped, redacted, and inside delimiters it cannot know and so cannot close.

A fence adds friction; it is not what keeps an obedient model harmless. That is the compiling of its answer
(`compiling`), and everything that happens after it.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field

from bot.investigation.values import Question
from tools.evidence import Evidence, Finding
from tools.redaction import redact

HEAD, TAIL = 2_000, 4_000
"""Characters shown of a long excerpt. The end gets more: the latest log lines are there."""
SHORT = 300


@dataclass(frozen=True)
class Fence:
    """The delimiters of one investigation. `mark` is drawn by lot, and removed from any text that holds it."""

    mark: str = field(default_factory=lambda: secrets.token_hex(8))

    def around(self, kind: str, text: str, **about: str) -> str:
        """`text` as an element nobody else can close: `<evidence-4b1d… id="ev-1">…</evidence-4b1d…>`."""
        attributes = "".join(f" {name}={json.dumps(self._line(value))}" for name, value in about.items())
        return f"<{kind}-{self.mark}{attributes}>\n{self._harmless(text)}\n</{kind}-{self.mark}>"

    def evidence(self, piece: Evidence) -> str:
        """One piece of evidence: its id to cite, its summary, and its excerpt, from which alone quotes may come."""
        about = {"id": piece.id, "read": piece.tool, "query": piece.query, "trust": piece.trust.value}
        shown = f"{self._line(piece.summary)}\n---\n{shortened(redact(piece.excerpt))}"
        return self.around("evidence", shown, **about)

    def question(self, question: Question) -> str:
        """The alert, where it points, and everything the rules have seen and concluded."""
        subject = question.subject.model_dump_json(exclude_none=True) if question.subject else "the alert names nothing"
        findings = "\n".join(_finding(finding) for finding in question.findings) or "none"
        parts = [
            "An alert fired:",
            self.around("alert", shortened(redact(question.alert)), **_heard(question)),
            "It points at:",
            self.around("subject", redact(subject)),
            "The built-in rules found so far:",
            self.around("findings", redact(findings)),
            *(["They could not see:", self.around("gaps", redact("\n".join(question.gaps)))] if question.gaps else []),
            *(["What they saw:", *map(self.evidence, question.evidence)] if question.evidence else []),
        ]
        return "\n".join(parts)

    def _harmless(self, text: str) -> str:
        return text.replace(self.mark, "·")

    def _line(self, text: str) -> str:
        return self._harmless(" ".join(redact(text).split()))[:SHORT]


def _heard(question: Question) -> dict[str, str]:
    """By which id the alert's own words can be quoted."""
    return {"id": question.heard.id, "trust": question.heard.trust.value} if question.heard else {}


def shortened(text: str) -> str:
    """The beginning and the end of a long text, and how much is missing between them."""
    left_out = len(text) - HEAD - TAIL
    if left_out <= 0:
        return text
    return f"{text[:HEAD]}\n[… {left_out:,} characters left out …]\n{text[-TAIL:]}"


def _finding(finding: Finding) -> str:
    about = {
        "code": finding.code,
        "resource": finding.resource.model_dump(mode="json"),
        "statement": finding.statement,
        "confidence": finding.confidence,
        "evidence": list(finding.evidence_ids),
    }
    return json.dumps(about, ensure_ascii=False)
