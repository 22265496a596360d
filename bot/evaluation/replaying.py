"""Judging a kept investigation again with today's rules, and what differs from what was concluded then. Reads nothing.

A model is not asked again: what it said then is checked against the evidence that was kept with it.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import AwareDatetime, ValidationError

from bot.evaluation.cases import short
from bot.evaluation.claims import unfounded
from bot.investigation import rules
from storage.investigations import unpacked
from storage.tables import Investigation
from tools.evidence import Finding, Proposal
from tools.reads.aws.views import Picture as AwsPicture
from tools.reads.kubernetes.picture import Picture as KubernetesPicture
from tools.subjects import AwsSubject
from tools.values import Value

NOTHING_SEEN = "nothing was seen then, so there is nothing to judge"


class Standing(Value):
    """What an investigation concluded, as far as it is compared."""

    lead: str | None
    """The first finding: `k8s.oom_killed on Deployment/web`."""
    hypothesis: str
    confidence: int
    findings: Mapping[str, int]
    """Every finding with its confidence."""
    actions: tuple[str, ...]


class Replayed(Value):
    """One look into an incident: what was concluded then, and what the rules make of the same picture now."""

    incident: int
    look: int
    at: AwareDatetime
    version: str
    """Of the sayso that looked."""
    model: str | None
    """Who concluded then, where the rules did not."""
    then: Standing
    now: Standing | None = None
    problem: str | None = None
    """Why it could not be judged again."""
    unfounded: tuple[str, ...] = ()
    """Claims of then that the kept evidence does not hold."""

    @property
    def same(self) -> bool:
        """Whether the rules conclude today what was concluded then."""
        return self.now == self.then

    @property
    def lead_changed(self) -> bool:
        """Whether the rules named another first cause then: what a model named says nothing about the rules."""
        return self.model is None and self.now is not None and self.now.lead != self.then.lead

    @property
    def gained(self) -> tuple[str, ...]:
        """Findings that are new."""
        return tuple(one for one in (self.now.findings if self.now else ()) if one not in self.then.findings)

    @property
    def lost(self) -> tuple[str, ...]:
        """Findings that are no longer made."""
        return tuple(one for one in self.then.findings if self.now and one not in self.now.findings)

    @property
    def reweighed(self) -> tuple[str, ...]:
        """Findings whose confidence differs."""
        now = self.now.findings if self.now else {}
        both = ((one, was, now[one]) for one, was in self.then.findings.items() if one in now)
        return tuple(f"{one}: {was} -> {is_now}" for one, was, is_now in both if was != is_now)


def replay(kept: Investigation) -> Replayed:
    """Judge one look again. A picture that is missing or of an older shape is said to be so."""
    told = Replayed(
        incident=kept.incident_id,
        look=kept.look,
        at=kept.started_at,
        version=kept.version,
        model=None if kept.mind.failure else kept.mind.model,
        then=_standing(kept.proposal),
        unfounded=unfounded(kept.proposal, kept.evidence),
    )
    if kept.picture is None:
        return told.model_copy(update={"problem": NOTHING_SEEN})
    try:
        picture = _picture(kept, unpacked(kept.picture))
    except ValidationError as error:
        return told.model_copy(update={"problem": _older(error, kept.version)})
    except ValueError as error:
        return told.model_copy(update={"problem": f"what was seen then cannot be read: {error}"})
    return told.model_copy(update={"now": _standing(rules.judge(picture).proposal)})


def _picture(kept: Investigation, text: bytes) -> KubernetesPicture | AwsPicture:
    shape = AwsPicture if isinstance(kept.subject, AwsSubject) else KubernetesPicture
    return shape.model_validate_json(text)


def _older(error: ValidationError, version: str) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"the picture has the shape that sayso {version} gave it and no longer fits ({where}: {first['msg']})"


def _standing(proposal: Proposal) -> Standing:
    findings = {_named(one): one.confidence for one in proposal.findings}
    return Standing(
        lead=next(iter(findings), None),
        hypothesis=proposal.hypothesis,
        confidence=proposal.confidence,
        findings=findings,
        actions=tuple(one.title for one in proposal.actions),
    )


def _named(finding: Finding) -> str:
    return f"{finding.code} on {short(finding.resource)}"
