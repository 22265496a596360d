"""Pure rules: what was observed -> Findings, each with its evidence. No I/O; reading lives in `tools.reads`."""

from __future__ import annotations

from tools.diagnosis.ranking import Cause
from tools.evidence import Evidence, Finding
from tools.values import Value


class Diagnosis(Value):
    """What the rules made of one picture of the world.

    `findings` are ranked: every cause, then what the causes explain. `gaps` say in plain words what could not be seen.
    """

    findings: tuple[Finding, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    gaps: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    """The findings again, grouped: each cause with what it explains."""
    well: tuple[str, ...] = ()
    """What was looked at and is well, in words."""
    next_look: str = ""
    """Where a person should look next when nothing of this explains the alert."""
    remarks: tuple[str, ...] = ()
    """What whoever acts on this should know."""

    @property
    def about_it(self) -> Diagnosis:
        """The part that concerns what the alert names, with the evidence of that part alone."""
        causes = tuple(cause for cause in self.causes if cause.concerns)
        findings = in_order(causes)
        cited = {piece for finding in findings for piece in finding.evidence_ids}
        kept = tuple(piece for piece in self.evidence if piece.id in cited)
        return self.model_copy(update={"causes": causes, "findings": findings, "evidence": kept})

    @property
    def elsewhere(self) -> tuple[Finding, ...]:
        """Causes of other trouble, which the alert is not about."""
        return tuple(cause.finding for cause in self.causes if not cause.concerns)


def in_order(causes: tuple[Cause, ...]) -> tuple[Finding, ...]:
    """The findings of these groups: the causes, then what they explain."""
    return (*(cause.finding for cause in causes), *(one for cause in causes for one in cause.explains))
