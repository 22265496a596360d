"""Causes and their remedies -> one proposal: every independent fault is named, and each that has a known fix gets it.

Pure, and the same for every provider. A finding that another explains is told and not treated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tools.actions import Action
from tools.diagnosis import Diagnosis
from tools.diagnosis.catalogue import RULES
from tools.diagnosis.confidence import confidence, missing
from tools.diagnosis.ranking import Cause
from tools.evidence import MAXIMUM_ACTIONS, Finding, Proposal
from tools.remedies import Remedy
from tools.values import Value

MOST_NAMED = 3
"""Faults a hypothesis spells out; of more it gives the number."""

_COUNTS = {2: "Two", 3: "Three", 4: "Four", 5: "Five"}


class Proposed(Value):
    """A proposal, what a person has to do beside it or instead, and what else they should know."""

    proposal: Proposal
    advice: str | None = None
    remarks: tuple[str, ...] = ()


def propose(diagnosis: Diagnosis, remedies: Iterable[Remedy]) -> Proposed:
    """What to do about a diagnosis that found something: its leading causes' remedies, one action a target."""
    known = {_name(remedy.finding): remedy for remedy in remedies}
    causes = named(diagnosis)
    treatments = [known[_name(cause.finding)] for cause in causes if _name(cause.finding) in known]
    actions, postponed = _chosen(treatments)
    left = [_left(remedy, several=len(treatments) > 1) for remedy in treatments if not remedy.actions]
    used = [remedy for remedy in treatments if any(action in actions for action in remedy.actions)]
    proposal = Proposal(
        hypothesis=hypothesis(causes),
        findings=diagnosis.findings,
        actions=actions,
        success_criteria=tuple(dict.fromkeys(one for remedy in used for one in remedy.success_criteria)),
        confidence=min(_confidence(cause.finding, diagnosis) for cause in causes),
    )
    remarks = (*_beside(left, actions), *postponed, *_explained(causes), *(diagnosis.remarks if actions else ()))
    return Proposed(proposal=proposal, advice=None if actions else _advice(left, causes, diagnosis), remarks=remarks)


def named(diagnosis: Diagnosis) -> tuple[Cause, ...]:
    """The causes a hypothesis names: all that were shown, or the best guess where none was."""
    causes = diagnosis.causes or (Cause(finding=diagnosis.findings[0], explains=diagnosis.findings[1:]),)
    return tuple(cause for cause in causes if not cause.minor) or causes[:1]


def hypothesis(causes: Sequence[Cause]) -> str:
    """One fault in its own words; several, each in its own."""
    if len(causes) == 1:
        return causes[0].finding.statement
    statements = [_whose(cause.finding) for cause in causes[:MOST_NAMED]]
    more = len(causes) - len(statements)
    rest = f" {more} more {'is' if more == 1 else 'are'} among the findings." if more else ""
    count = _COUNTS.get(len(causes), str(len(causes)))
    return f"{count} faults, independent of each other: {' '.join(statements)}{rest}"


def _chosen(treatments: Sequence[Remedy]) -> tuple[tuple[Action, ...], tuple[str, ...]]:
    """The actions, one a target and as many as a card may hold, and what has to wait for another turn."""
    chosen: dict[str, Action] = {}
    postponed: list[str] = []
    for action in (action for remedy in treatments for action in remedy.actions):
        if action.target.key in chosen or len(chosen) == MAXIMUM_ACTIONS:
            postponed.append(f"Afterwards, if it is still needed: {action.title}")
        else:
            chosen[action.target.key] = action
    return tuple(chosen.values()), tuple(postponed)


def _left(remedy: Remedy, *, several: bool) -> str:
    """What a person has to do about a fault without a known action; of several faults, said for which."""
    return f"{remedy.finding.title}: {remedy.advice}" if several else remedy.advice


def _beside(left: Sequence[str], actions: Sequence[Action]) -> tuple[str, ...]:
    """What a person has to do about the faults these actions do not treat."""
    return tuple(f"For a person to do: {advice}" for advice in left) if actions else ()


def _advice(left: Sequence[str], causes: Sequence[Cause], diagnosis: Diagnosis) -> str:
    """What a person should do; after a mere guess also where to look next."""
    guessed = all(cause.minor for cause in causes)
    parts = [*dict.fromkeys(left), *([diagnosis.next_look] if guessed and diagnosis.next_look else [])]
    return " ".join(parts)


def _explained(causes: Sequence[Cause]) -> tuple[str, ...]:
    return tuple(
        f"Explained by {cause.finding.title}: {'; '.join(one.title for one in cause.explains)}"
        for cause in causes
        if cause.explains
    )


def _confidence(finding: Finding, diagnosis: Diagnosis) -> int:
    """The finding's own. Where its rule does not say what it needs, any gap may have hidden something that matters."""
    rule = RULES.get(finding.code)
    needs = rule.needs if rule else None
    unsaid = missing(None, (), gaps=len(diagnosis.gaps)) if needs is None else 0
    return confidence(finding.confidence, missing=unsaid)


def _whose(finding: Finding) -> str:
    """A statement as a sentence among others, with the name it would do without when it stood alone."""
    said = finding.statement if finding.statement.endswith((".", "!", "?")) else f"{finding.statement}."
    name = finding.resource.name
    return said if name in said else f"{name}: {said}"


def _name(finding: Finding) -> tuple[str, str]:
    return finding.code, finding.resource.key
