"""What `sayso investigate` answers: one look at one target, for whoever asked and the colleague they forward it to."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import AwareDatetime

from bot.investigation.rules import NOTHING_KNOWN, Conclusion
from bot.views.incident import confidence_words
from tools.diagnosis.aws import judged
from tools.evidence import Evidence, Finding
from tools.reads.aws.views import Picture as AwsPicture
from tools.values import Value

EVIDENCE_EACH = 3
"""Pieces of evidence shown for one finding."""
CHANGES_MOST = 12
"""Changes shown, those nearest to the moment of the look."""


class Shown(Value):
    """A finding with the evidence it rests on."""

    finding: Finding
    evidence: tuple[Evidence, ...]

    @property
    def sure(self) -> str:
        """How sure it is, as a number and a word."""
        return confidence_words(self.finding.confidence)


class Inquiry(Value):
    """One look: what was asked, where, and what came of it. Nothing was changed by it."""

    about: str
    """`deployment/web in shop`."""
    place: str
    """Where was looked: an API server, an account, a dump."""
    at: AwareDatetime
    seconds: float
    mind: str
    conclusion: Conclusion

    @property
    def headline(self) -> str:
        """The answer in one line."""
        if self.conclusion.proposal.findings:
            return self.conclusion.proposal.findings[0].title
        picture = self.conclusion.picture
        if isinstance(picture, AwsPicture) and not judged(picture):
            return "no fault was found, but too little is known of it to call it well"
        reach = self.conclusion.radius
        elsewhere = ", but something near it is ill" if reach is not None and reach.affected else ""
        return f"nothing wrong was found{elsewhere}"

    @property
    def sure(self) -> str:
        """How sure the conclusion is."""
        return confidence_words(self.conclusion.proposal.confidence)

    @property
    def explained(self) -> bool:
        """Whether a cause was found."""
        return bool(self.conclusion.proposal.findings)

    @property
    def findings(self) -> tuple[Shown, ...]:
        """The findings, causes first, each with its evidence."""
        return shown(self.conclusion.proposal.findings, self.conclusion.evidence)

    @property
    def changes(self) -> tuple[str, ...]:
        """What changed around it, oldest first."""
        return tuple(str(change) for change in self.conclusion.changes[-CHANGES_MOST:])

    @property
    def calm(self) -> str:
        """What there is to say without a finding: what was ruled out, in words that fit somebody who just asked."""
        checked = self.conclusion.proposal.hypothesis.removeprefix(NOTHING_KNOWN).strip()
        return f"No rule I know finds a fault here. {checked}".strip()

    @property
    def advice(self) -> str | None:
        """What a person should do; silent where nothing is wrong."""
        told = self.conclusion.advice
        return None if told == NOTHING_KNOWN else told


def shown(findings: Sequence[Finding], evidence: Sequence[Evidence]) -> tuple[Shown, ...]:
    """Each finding with what it rests on, as far as that is known."""
    known = {piece.id: piece for piece in evidence}
    return tuple(
        Shown(
            finding=finding,
            evidence=tuple(known[key] for key in finding.evidence_ids if key in known)[:EVIDENCE_EACH],
        )
        for finding in findings
    )
