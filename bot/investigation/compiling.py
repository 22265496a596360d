"""What a model answered -> a Proposal, by code. The model's words choose among known actions; they never become one.

Each part is judged alone: an unknown action, a quote that is not in the evidence, a target nobody saw is dropped and
named in `dropped`, and the rest stands. Confidence can only fall. How success is measured is not the model's to say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from bot.investigation.quotes import Quote, ceiling, fault
from bot.investigation.success import criteria_for
from bot.investigation.values import Question
from tools.actions import Action
from tools.evidence import MAXIMUM_ACTIONS, Confidence, Evidence, EvidenceId, Finding, Proposal, Severity, Trust
from tools.redaction import redact
from tools.resources import Resource
from tools.values import JsonObject, Value

HYPOTHESIS, TITLE, STATEMENT, REASON = 600, 80, 400, 160
"""Most characters kept of the model's own words, and of a reason why something was dropped."""

Part = TypeVar("Part")


class ModelFinding(Value):
    """A cause, with the words of the evidence that show it."""

    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]{2,60}$", description="A rule's code, or a short new one")]
    title: str
    statement: Annotated[str, Field(description="One sentence a tired person understands")]
    severity: Severity
    confidence: Confidence
    resource: Resource
    quotes: Annotated[tuple[Quote, ...], Field(min_length=1)]


class ModelAction(Value):
    """One thing to do, with the words of the evidence that call for it."""

    action: Action
    quotes: Annotated[tuple[Quote, ...], Field(min_length=1)]


class ModelProposal(Value):
    """Your answer. Call this once, when you know the cause or are sure that you cannot find it."""

    hypothesis: Annotated[str, Field(description="What is wrong and why, in two or three sentences")]
    findings: tuple[ModelFinding, ...] = ()
    actions: Annotated[tuple[ModelAction, ...], Field(description="Empty when a person has to look")] = ()
    confidence: Confidence


class NotAnAnswer(Exception):
    """What came back is not an answer at all: it has no hypothesis, or no confidence."""


class _Frame(Value):
    """The parts of an answer, of which each is still to be judged."""

    hypothesis: Annotated[str, Field(min_length=1)]
    findings: tuple[object, ...] = ()
    actions: tuple[object, ...] = ()
    confidence: Confidence


@dataclass
class _Dropped:
    """What was refused so far, in words."""

    reasons: list[str] = field(default_factory=list)

    def note(self, what: str, why: str) -> None:
        """Remember one refusal. The words may quote the model, so they are redacted and short."""
        self.reasons.append(f"{what}: {' '.join(redact(why).split())[:REASON]}")


@dataclass(frozen=True)
class _Case:
    """Everything an answer is judged against."""

    question: Question
    evidence: dict[EvidenceId, Evidence]

    def cited(self, quotes: Sequence[Quote], what: str, dropped: _Dropped) -> tuple[Evidence, ...]:
        """The evidence behind the quotes that stand, each piece once."""
        pieces: dict[EvidenceId, Evidence] = {}
        for quote in quotes:
            if why := fault(quote, self.evidence):
                dropped.note(f"a quote of {what}", why)
            else:
                pieces[EvidenceId(quote.evidence_id)] = self.evidence[EvidenceId(quote.evidence_id)]
        return tuple(pieces.values())

    def saw(self, target: Resource) -> bool:
        """Whether a provider's API, the rules or the alert's own labels named a target.

        One that only stands in text (a log line that says what to restart) is nobody's to change.
        """
        names = [part for part in (target.scope, *target.name.split("/")) if part]
        return all(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", self._named()) for name in names)

    def _named(self) -> str:
        status = (piece for piece in self.evidence.values() if piece.trust is Trust.STATUS)
        read = (f"{piece.query}\n{piece.summary}\n{piece.excerpt}" for piece in status)
        known = (str(finding.resource) for finding in self.question.findings)
        subject = self.question.subject.model_dump_json() if self.question.subject else ""
        return "\n".join((*read, *known, subject))


def compile_proposal(
    answered: JsonObject, question: Question, evidence: Sequence[Evidence]
) -> tuple[Proposal, tuple[str, ...]]:
    """The proposal in an answer, and what of it was dropped. Raises NotAnAnswer when there is nothing to judge."""
    try:
        frame = _Frame.model_validate_json(json.dumps(dict(answered)), strict=True)
    except ValidationError as error:
        raise NotAnAnswer(_first_fault(error)) from error
    case, dropped = _Case(question, {piece.id: piece for piece in evidence}), _Dropped()
    findings, shown = _findings(frame, case, dropped)
    actions, carried = _actions(frame, case, dropped)
    proposal = Proposal(
        hypothesis=_words(frame.hypothesis, HYPOTHESIS),
        findings=findings,
        actions=actions,
        success_criteria=criteria_for(actions, question),
        # An action is as sure as what calls for it: findings that are well shown do not carry it.
        confidence=min(frame.confidence, *(carried or [ceiling(shown)])),
    )
    return proposal, tuple(dropped.reasons)


def _findings(frame: _Frame, case: _Case, dropped: _Dropped) -> tuple[tuple[Finding, ...], tuple[Evidence, ...]]:
    """The findings that quote something, and what they quote. A rule's code on another resource is not that rule's."""
    kept: list[Finding] = []
    shown: list[Evidence] = []
    rules = {(finding.code, finding.resource) for finding in case.question.findings}
    for said in _each(frame.findings, TypeAdapter(ModelFinding), "a finding", dropped):
        cited = case.cited(said.quotes, f"finding {said.code}", dropped)
        if not cited:
            dropped.note(f"finding {said.code}", "nothing it quotes was read")
            continue
        known = (said.code, said.resource) in rules
        kept.append(
            Finding(
                code=said.code if known else f"model.{said.code.removeprefix('model.')}",
                title=_words(said.title, TITLE),
                statement=_words(said.statement, STATEMENT),
                severity=said.severity,
                confidence=min(said.confidence, ceiling(cited)),
                resource=said.resource,
                evidence_ids=tuple(piece.id for piece in cited),
            )
        )
        shown += cited
    return tuple(kept), tuple(shown)


def _actions(frame: _Frame, case: _Case, dropped: _Dropped) -> tuple[tuple[Action, ...], list[int]]:
    """The actions that are known, quoted for, aimed at something that was seen, one a target; what each may claim."""
    kept: dict[str, Action] = {}
    carried: list[int] = []
    for said in _each(frame.actions, TypeAdapter(ModelAction), "an action", dropped):
        action, what = said.action, f"action {said.action.kind}"
        cited = case.cited(said.quotes, what, dropped)
        if not cited:
            dropped.note(what, "nothing it quotes was read")
        elif not case.saw(action.target):
            dropped.note(what, f"nobody saw {action.target}")
        elif action.target.key in kept:
            dropped.note(what, f"one action a target; {action.target} has one")
        elif len(kept) == MAXIMUM_ACTIONS:
            dropped.note(what, f"a proposal holds at most {MAXIMUM_ACTIONS} actions")
        else:
            kept[action.target.key] = action
            carried.append(ceiling(cited))
    return tuple(kept.values()), carried


def _each(items: Sequence[object], shape: TypeAdapter[Part], what: str, dropped: _Dropped) -> Iterator[Part]:
    for item in items:
        try:
            # Strictly, and as JSON: no text passes for a number, no `true` for 1.
            yield shape.validate_json(json.dumps(item), strict=True)
        except ValidationError as error:
            dropped.note(what, _first_fault(error))


def _first_fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]


def _words(text: str, most: int) -> str:
    """A model's own prose: redacted, on one line, cut."""
    return " ".join(redact(text).split())[:most] or "(no words)"
