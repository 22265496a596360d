"""What one answer to a case is worth: right or wrong, silent or not, quoted or not. Pure: values in, values out."""

from __future__ import annotations

import re

from bot.evaluation.cases import Ban, Case, short
from bot.evaluation.claims import unfounded
from bot.investigation.rules import Conclusion
from storage.tables import Mind
from tools.actions import Action
from tools.evidence import Finding, Proposal, Role
from tools.values import Value

NOTHING = "none"
"""How a case spells that proposing nothing is right."""


class Score(Value):
    """How one mind did on one case. A member is None where the case does not ask."""

    case: str
    mind: str
    """`rules`, or the model's name."""
    negative: bool
    two_faults: bool
    right: bool
    """Named every expected cause, the first of them first; on a negative: claimed nothing."""
    wrong: bool
    """Named a cause, and not an expected one first; on a negative: claimed something."""
    both: bool | None = None
    claims: tuple[str, ...] = ()
    """What was claimed about a negative."""
    banned: tuple[str, ...] = ()
    """What was claimed although the case says that it must not be."""
    unfounded: tuple[str, ...] = ()
    """Claims whose evidence does not hold them."""
    remedy: bool | None = None
    untold: tuple[str, ...] = ()
    """Gaps that should have been told and were not."""
    confidence: int | None = None
    """Of the first cause named."""
    expected: str
    got: str
    failure: str | None = None
    """Why the model did not answer, so that the rules did."""
    tokens: int = 0
    dollars: float | None = None
    seconds: float = 0.0
    processor: float = 0.0
    """CPU seconds."""

    @property
    def passed(self) -> bool:
        """Whether nothing at all is wrong with the answer."""
        flawed = self.banned or self.unfounded or self.untold or self.failure
        return self.right and self.remedy is not False and not flawed


def score(case: Case, mind: Mind, answer: Conclusion, *, seconds: float, processor: float) -> Score:
    """One answer, judged."""
    proposal = answer.proposal
    causes = named(proposal)
    claims = (*(_claim(one) for one in proposal.findings), *(one.kind for one in proposal.actions))
    right = _silent(proposal) if case.negative else _names_all(case, causes)
    return Score(
        case=case.name,
        mind=mind.model or "rules",
        negative=case.negative,
        two_faults=len(case.expected) > 1,
        right=right,
        wrong=not right and bool(claims),
        both=_names_all(case, causes) if len(case.expected) > 1 else None,
        claims=claims if case.negative else (),
        banned=tuple(str(ban) for ban in case.must_not if _breaks(ban, proposal)),
        unfounded=unfounded(proposal, answer.evidence),
        remedy=_remedied(case, proposal.actions),
        untold=tuple(words for words in case.gaps if not _told(words, answer)),
        confidence=causes[0].confidence if causes else None,
        expected=_expected(case),
        got=_got(causes, proposal.actions),
        failure=mind.failure,
        tokens=mind.tokens,
        dollars=mind.dollars,
        seconds=seconds,
        processor=processor,
    )


def named(proposal: Proposal) -> tuple[Finding, ...]:
    """The causes an answer names: the first finding, and each that its hypothesis repeats or calls by its resource.

    A resource is called once for the finding that comes first: two faults of one resource need two sentences.
    """
    spoken, causes = proposal.hypothesis, list(proposal.findings[:1])
    for one in proposal.findings[1:]:
        new = all(one.resource != other.resource for other in causes)
        if one.statement in spoken or (new and _called(one.resource.name, spoken)):
            causes.append(one)
    return tuple(causes)


def _called(name: str, spoken: str) -> bool:
    """Whether a text holds a name as a whole word."""
    return re.search(rf"(?<![\w./-]){re.escape(name)}(?![\w/-])", spoken) is not None


def _names_all(case: Case, causes: tuple[Finding, ...]) -> bool:
    """Whether the first cause named is an expected one, and every other expected one is named too."""
    first = bool(causes) and any(cause.matches(causes[0]) for cause in case.expected)
    return first and all(any(cause.matches(one) for one in causes) for cause in case.expected)


def _silent(proposal: Proposal) -> bool:
    return not proposal.findings and not proposal.actions


def _breaks(ban: Ban, proposal: Proposal) -> bool:
    if ban.action is not None:
        aimed = (one for one in proposal.actions if one.kind == ban.action)
        return any(ban.resource in (None, short(one.target)) for one in aimed)
    causes = named(proposal)
    # A symptom told after its cause is explained by it, and claims nothing about the cause.
    claimed = (one for one in proposal.findings if one.role is not Role.SYMPTOM or one in causes)
    return any(ban.code in (None, one.code) and ban.resource in (None, short(one.resource)) for one in claimed)


def _remedied(case: Case, actions: tuple[Action, ...]) -> bool | None:
    """Whether what is proposed is of a right kind, every action of it; None where the case does not say."""
    if not case.remedy:
        return None
    return all(one.kind in case.remedy for one in actions) if actions else NOTHING in case.remedy


def _told(words: str, answer: Conclusion) -> bool:
    return any(words.lower() in line.lower() for line in (*answer.gaps, *answer.remarks))


def _claim(finding: Finding) -> str:
    return f"{finding.code} on {short(finding.resource)}"


def _expected(case: Case) -> str:
    causes = " and ".join(str(cause) for cause in case.expected) or "silence"
    return f"{causes}; {' or '.join(case.remedy)}" if case.remedy else causes


def _got(causes: tuple[Finding, ...], actions: tuple[Action, ...]) -> str:
    what = " and ".join(_claim(one) for one in causes) or "silence"
    return f"{what}; {', '.join(one.kind for one in actions) or NOTHING}"
