"""Pure rules: what was observed -> Findings, each with its evidence. No I/O; reading lives in `tools.reads`."""

from __future__ import annotations

from tools.evidence import Evidence, Finding
from tools.values import Value


class Diagnosis(Value):
    """What the rules made of one picture of the world.

    `findings` are ranked, cause first. `gaps` say in plain words what could not be seen.
    """

    findings: tuple[Finding, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    gaps: tuple[str, ...] = ()
