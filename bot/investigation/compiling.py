"""What a model answered -> a Proposal, by code. The model's words choose among known actions; they never become one.

Each part is judged alone: an unknown action, a quote that is not in the evidence, a target nobody saw is dropped and
named in `dropped`, and the rest stands. A sentence with a name or number that its quotes do not hold is no finding any
more: where a rule found the same the rule's own words take its place, else it is a hypothesis of low confidence.
Confidence can only fall, and never above the rule's for the same finding. How success is measured is not the model's
to say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from bot.investigation.claims import Grounds, missing, sentences
from bot.investigation.quotes import NOTHING_QUOTED, Cited, Quote, ceiling, fault
from bot.investigation.success import criteria_for
from bot.investigation.values import HYPOTHESIS, Question
from tools.actions import Action
from tools.changes import Change
from tools.evidence import MAXIMUM_ACTIONS, Confidence, Evidence, EvidenceId, Finding, Proposal, Severity, Trust
from tools.redaction import redact
from tools.resources import Resource
from tools.values import JsonObject, Value

TITLE, STATEMENT, REASON = 80, 400, 160
"""Most characters kept of the model's own words, and of a reason why something was dropped."""
UNVERIFIED = "model.hypothesis"
"""The code of what a model believes and its quotes do not show."""
SILENT = "What the model wrote does not stand in what it quotes, so it is not shown."

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

    def cited(self, quotes: Sequence[Quote], what: str, dropped: _Dropped) -> tuple[Cited, ...]:
        """The quotes that stand, each with its evidence."""
        stand: list[Cited] = []
        for quote in quotes:
            if why := fault(quote, self.evidence):
                dropped.note(f"a quote of {what}", why)
            else:
                stand.append(Cited(self.evidence[EvidenceId(quote.evidence_id)], quote.quote))
        return tuple(stand)

    def rule(self, said: ModelFinding) -> Finding | None:
        """The rules' own finding that the model repeats. A rule's code on another resource is not that rule's."""
        same = (one for one in self.question.findings if (one.code, one.resource) == (said.code, said.resource))
        return next(same, None)

    def grounds(self, cited: Sequence[Cited], rules: Sequence[Finding] = (), changes: Sequence[Change] = ()) -> Grounds:
        """What a sentence may rest on: names on all that is cited, numbers on the very lines that are quoted."""
        told = [f"{rule.title}\n{rule.statement}\n{rule.resource}" for rule in rules]
        told += [str(change) for change in changes]
        subject = self.question.subject.model_dump_json() if self.question.subject else ""
        pieces = dict.fromkeys(one.evidence for one in cited)
        about = [f"{piece.query}\n{piece.summary}" for piece in pieces]
        return Grounds(
            numbers="\n".join((*told, *about, *(one.lines for one in cited))),
            names="\n".join((*told, *about, subject, *(piece.excerpt for piece in pieces))),
        )

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of things that were looked at or found: plain words that must not be used for another."""
        paths = (piece.query.split()[0].split("/") for piece in self.evidence.values() if "/" in piece.query)
        found = (one.resource.name for one in self.question.findings)
        return frozenset((*found, *(path[2] for path in paths if len(path) == 3 and path[2])))

    def saw(self, target: Resource) -> bool:
        """Whether a provider's API, the rules or the alert's own labels named a target.

        One that only stands in text (a log line that says what to restart) is nobody's to change.
        """
        names = [part for part in (target.scope, *target.name.split("/")) if part]
        return all(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", self._named) for name in names)

    @cached_property
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
        raise NotAnAnswer(first_fault(error)) from error
    case, dropped = _Case(question, {piece.id: piece for piece in evidence}), _Dropped()
    findings, shown = _findings(frame, case, dropped)
    actions, carried, called = _actions(frame, case, dropped)
    proposal = Proposal(
        hypothesis=_hypothesis(frame.hypothesis, case, (*shown, *called), dropped),
        findings=findings,
        actions=actions,
        success_criteria=criteria_for(actions, question),
        # An action is as sure as what calls for it: findings that are well shown do not carry it.
        confidence=min(frame.confidence, *(carried or [_carried(shown)]), *_as_sure_as_the_rule(findings, case)),
    )
    return proposal, tuple(dropped.reasons)


def _findings(frame: _Frame, case: _Case, dropped: _Dropped) -> tuple[tuple[Finding, ...], tuple[Cited, ...]]:
    """The findings that quote something, and what those quote that their quotes bear out."""
    kept: list[Finding] = []
    shown: list[Cited] = []
    for said in _each(frame.findings, TypeAdapter(ModelFinding), "a finding", dropped):
        what = f"finding {said.code}"
        cited = case.cited(said.quotes, what, dropped)
        rule = case.rule(said)
        if not cited:
            dropped.note(what, "nothing it quotes was read")
            continue
        if rule is None and not case.saw(said.resource):
            dropped.note(what, f"nobody saw {said.resource}")
            continue
        grounds = case.grounds(cited, (rule,) if rule else ())
        absent = missing(redact(f"{said.title}. {said.statement}"), grounds, case.names)
        if absent:
            dropped.note(f"the words of {what}", f"its quotes do not hold {_few(absent)}")
        else:
            shown += cited
        found = _finding(said, cited, rule, case) if not absent else _demoted(said, cited, rule, grounds, case)
        kept += [found] if found is not None else []
    return tuple(kept), tuple(shown)


def _finding(said: ModelFinding, cited: Sequence[Cited], rule: Finding | None, case: _Case) -> Finding:
    """A finding whose words stand in what it quotes."""
    finding = Finding(
        code=rule.code if rule else f"model.{said.code.removeprefix('model.')}",
        title=_words(said.title, TITLE),
        statement=_words(said.statement, STATEMENT),
        severity=said.severity,
        confidence=min(said.confidence, _carried(cited), rule.confidence if rule else said.confidence),
        resource=said.resource,
        evidence_ids=tuple(dict.fromkeys(one.evidence.id for one in cited)),
    )
    return finding.model_copy(update={"role": rule.role, "since": rule.since}) if rule else finding


def _demoted(
    said: ModelFinding, cited: Sequence[Cited], rule: Finding | None, grounds: Grounds, case: _Case
) -> Finding | None:
    """What is left of a finding that says more than it quotes: the rule's own words, or a hypothesis, or nothing."""
    plain = _finding(said, cited, rule, case)
    if rule is not None:
        return plain.model_copy(update={"title": rule.title, "statement": rule.statement})
    standing = [one for one in sentences(redact(said.statement)) if not missing(one, grounds, case.names)]
    if not standing:
        return None
    return plain.model_copy(
        update={
            "code": UNVERIFIED,
            "title": f"Unverified: the model suspects {said.resource.kind} {said.resource.name}"[:TITLE],
            "statement": _words(" ".join(standing), STATEMENT),
            "confidence": min(plain.confidence, NOTHING_QUOTED),
        }
    )


def _hypothesis(said: str, case: _Case, cited: Sequence[Cited], dropped: _Dropped) -> str:
    """The sentences of the hypothesis that stand in what the answer quotes or the rules found."""
    grounds = case.grounds(cited, case.question.findings, case.question.changes)
    standing = list[str]()
    for sentence in sentences(redact(said)):
        if absent := missing(sentence, grounds, case.names):
            dropped.note("a sentence of the hypothesis", f"nothing quoted holds {_few(absent)}")
        else:
            standing.append(sentence)
    return _words(" ".join(standing), HYPOTHESIS) if standing else SILENT


def _as_sure_as_the_rule(findings: Sequence[Finding], case: _Case) -> tuple[int, ...]:
    """A model that leads with a rule's finding is at most as sure as the rule."""
    rules = {(one.code, one.resource): one.confidence for one in case.question.findings}
    return tuple(rules[(one.code, one.resource)] for one in findings[:1] if (one.code, one.resource) in rules)


def _carried(cited: Sequence[Cited]) -> int:
    return ceiling(one.evidence for one in cited)


def _actions(frame: _Frame, case: _Case, dropped: _Dropped) -> tuple[tuple[Action, ...], list[int], tuple[Cited, ...]]:
    """The actions that are known, quoted for, aimed at something that was seen, one a target; how sure each may be, and
    what calls for them.
    """
    kept: dict[str, Action] = {}
    carried: list[int] = []
    called: list[Cited] = []
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
            carried.append(_carried(cited))
            called += cited
    return tuple(kept.values()), carried, tuple(called)


def _each(items: Sequence[object], shape: TypeAdapter[Part], what: str, dropped: _Dropped) -> Iterator[Part]:
    for item in items:
        try:
            # Strictly, and as JSON: no text passes for a number, no `true` for 1.
            yield shape.validate_json(json.dumps(item), strict=True)
        except ValidationError as error:
            dropped.note(what, first_fault(error))


def first_fault(error: ValidationError) -> str:
    """What is wrong with something a model wrote, in a few words."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]


def _few(absent: Sequence[str]) -> str:
    """Some of what was not found. It may be an outsider's words, so never much of it."""
    return ", ".join(word[:40] for word in absent[:3])


def _words(text: str, most: int) -> str:
    """A model's own prose: redacted, on one line, cut."""
    return " ".join(redact(text).split())[:most] or "(no words)"
