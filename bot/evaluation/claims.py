"""Whether every claim is quoted: each finding cites evidence that was kept, and what it names stands there. Pure.

A statement is prose; what code can check in it are the words no prose needs: numbers, quantities, image names, names in
quotes, variables in capitals. Each has to stand in the evidence the finding cites.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tools.evidence import Evidence, Finding, Proposal

_NAMED = re.compile(
    r"[A-Za-z0-9_./:@%-]*\d[A-Za-z0-9_./:@%-]*|\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b|(?<=[\"'`])[^\"'`\s]+(?=[\"'`])"
)
_EDGES = ".,:;-/%"


def unfounded(proposal: Proposal, evidence: Iterable[Evidence]) -> tuple[str, ...]:
    """What is claimed without evidence, one line each; empty when every claim stands."""
    kept = {piece.id: piece for piece in evidence}
    lines: list[str] = []
    for finding in proposal.findings:
        cited = [kept[one] for one in finding.evidence_ids if one in kept]
        if not finding.evidence_ids:
            lines.append(f"{finding.code} cites nothing")
        elif len(cited) < len(finding.evidence_ids):
            lines.append(f"{finding.code} cites evidence that was not kept")
        else:
            lines += [f"{finding.code} says {word!r}, its evidence does not" for word in _missing(finding, cited)]
    return tuple(lines)


def _missing(finding: Finding, cited: Iterable[Evidence]) -> list[str]:
    """The checkable words of a statement that its evidence, and the finding's own name and time, do not hold."""
    spoken = " ".join(f"{piece.excerpt} {piece.query} {piece.summary}" for piece in cited)
    since = f"{finding.since:%Y-%m-%d %H:%M:%S}" if finding.since else ""
    known = f"{spoken} {finding.resource} {since}".lower()
    return [word for word in names_in(finding.statement) if not _stands(word.lower(), known)]


def _stands(word: str, known: str) -> bool:
    """Whether evidence holds a word; of an address also as PostgreSQL's drivers write it, `"db", port 5432`."""
    host, _, port = word.rpartition(":")
    return word in known or (host != "" and f'"{host}", port {port}' in known)


def names_in(statement: str) -> tuple[str, ...]:
    """The words of a statement that code can look up, each once, in order."""
    found = (match[0].strip(_EDGES) for match in _NAMED.finditer(statement))
    return tuple(dict.fromkeys(word for word in found if word))
