"""Whose conclusion people see first when the model and the rules differ. The other one is always told as well.

The rules go first unless what the model quotes carries as much as they are sure of: a rule is the same every night,
and a model that read one persuasive log line is not. A model's conclusion that goes first keeps the rules' fix behind
it, for when its own cannot be rehearsed, and every finding of the rules beside it.
"""

from __future__ import annotations

from bot.investigation import rules
from bot.investigation.compiling import UNVERIFIED
from bot.investigation.rules import Conclusion
from bot.investigation.values import Answer
from storage.tables import Mind
from tools.evidence import Finding, Proposal

NOTHING_PROPOSED = "it proposed nothing"
LESS_SURE = "it sees another cause, and is less sure"
"""Why the rules' conclusion stands though a model answered. Said of a model, so each begins with `it`."""


def side(by_rules: Conclusion, answer: Answer, mind: Mind) -> tuple[Mind, Conclusion]:
    """The conclusion that leads, and which mind it is from."""
    if by_rules.proposal.actions and not answer.proposal.actions:
        # A known cause has a known fix: a model that sees none must not leave people worse off than no model would.
        return _rules_first(by_rules, answer, mind, NOTHING_PROPOSED)
    if _differ(by_rules.proposal, answer.proposal) and answer.proposal.confidence < by_rules.proposal.confidence:
        return _rules_first(by_rules, answer, mind, LESS_SURE)
    return mind, _model_first(by_rules, answer)


def is_verdict(failure: str) -> bool:
    """Whether a `failure` is what we made of an answer; else no usable one came."""
    return failure in (NOTHING_PROPOSED, LESS_SURE)


def _differ(known: Proposal, said: Proposal) -> bool:
    """Whether a model would do something else than the rules or, where they would do nothing, sees another cause."""
    if known.actions:
        return any(action not in said.actions for action in known.actions)
    causes = {(one.code, one.resource) for one in known.findings}
    return bool(causes) and not causes & {(one.code, one.resource) for one in said.findings}


def _rules_first(by_rules: Conclusion, answer: Answer, mind: Mind, why: str) -> tuple[Mind, Conclusion]:
    """The rules' conclusion, and the model's view in code's own words: its prose is not shown unasked."""
    remarks = (*by_rules.remarks, *_view(answer.proposal), *_left_out(answer))
    told = by_rules.model_copy(update={"remarks": remarks, "reads": answer.reads})
    return mind.model_copy(update={"failure": why}), told


def _view(said: Proposal) -> tuple[str, ...]:
    """What a model would do, or where it sees the cause."""
    if said.actions:
        would = "; ".join(action.title for action in said.actions)
        return (f"The model would rather: {would} (confidence {said.confidence}/10, unverified)",)
    where = ", ".join(dict.fromkeys(str(finding.resource) for finding in said.findings[:3]))
    return (f"The model suspects {where} (confidence {said.confidence}/10, unverified)",) if where else ()


def _model_first(by_rules: Conclusion, answer: Answer) -> Conclusion:
    """The model's conclusion, with the rules' own behind it."""
    proposal = answer.proposal.model_copy(update={"findings": _together(answer.proposal, by_rules.proposal)})
    return by_rules.model_copy(
        update={
            "proposal": proposal,
            "evidence": answer.evidence,
            "advice": None if proposal.actions else (by_rules.advice or rules.NOTHING_KNOWN),
            "remarks": (*by_rules.remarks, *_left_out(answer)),
            "second": by_rules.proposal if by_rules.proposal.actions else None,
            "reads": answer.reads,
        }
    )


def _together(said: Proposal, known: Proposal) -> tuple[Finding, ...]:
    """What the model found, then what only the rules found, then what the model merely suspects."""
    named = {(one.code, one.resource) for one in said.findings}
    shown = tuple(one for one in said.findings if one.code != UNVERIFIED)
    only_rules = tuple(one for one in known.findings if (one.code, one.resource) not in named)
    return (*shown, *only_rules, *(one for one in said.findings if one.code == UNVERIFIED))


def _left_out(answer: Answer) -> tuple[str, ...]:
    return tuple(f"Left out of the model's answer: {one}" for one in answer.dropped)
