"""Finding out with no model: look at what the alert is about, apply the known rules, name the known fix.

Always runs, first: a model starts from what this concluded, and this is the answer when the model has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tools.changes import Change
from tools.clients import Readers
from tools.diagnosis import Diagnosis
from tools.errors import PermanentError, TemporaryError
from tools.evidence import Evidence, Finding, Proposal
from tools.radius import BlastRadius
from tools.reads.aws.views import Picture as AwsPicture
from tools.reads.kubernetes.picture import Picture as KubernetesPicture
from tools.remedies import Remedy
from tools.subjects import AwsSubject, KubernetesSubject, Subject
from tools.values import Value

NOTHING_KNOWN = "No rule explains this alert. The evidence is in the thread; a person has to look."
NOWHERE_TO_LOOK = (
    "The alert does not name anything sayso can look at (a namespace and workload, or a CloudWatch alarm)."
)


class Conclusion(Value):
    """What one investigation came to, whichever mind did it."""

    proposal: Proposal
    evidence: tuple[Evidence, ...] = ()
    gaps: tuple[str, ...] = ()
    advice: str | None = None
    """What a person should do, where there is no action to propose."""
    remarks: tuple[str, ...] = ()
    """What else people may want to know: what is ill nearby, and what was left out of a model's answer."""
    changes: tuple[Change, ...] = ()
    """What changed around the onset, oldest first."""
    radius: BlastRadius | None = None
    picture: KubernetesPicture | AwsPicture | None = None
    """What the rules saw, to be kept and judged again."""
    reads: tuple[str, ...] = ()
    """What a model asked to see, in order."""
    second: Proposal | None = None
    """What the rules alone would propose, where a model spoke: taken when the model's fix cannot be rehearsed."""


def investigate(subject: Subject | None, at: datetime, readers: Readers) -> Conclusion:
    """Look, judge, and propose the known fix of the leading finding. What could not be seen becomes a gap."""
    if subject is None:
        return _nothing((NOWHERE_TO_LOOK,))
    try:
        seen = _look(subject, at, readers)
    except (TemporaryError, PermanentError) as error:
        return _nothing((f"Nothing could be seen: {error}",))
    return conclude(seen.diagnosis, seen.remedies).model_copy(
        update={
            "remarks": seen.elsewhere,
            "changes": seen.changes,
            "radius": seen.radius,
            "picture": seen.picture,
        }
    )


@dataclass(frozen=True)
class _Look:
    """What looking at the alert's subject gave: the findings about it, a remedy for each, and what else is ill."""

    diagnosis: Diagnosis
    remedies: tuple[Remedy, ...]
    picture: KubernetesPicture | AwsPicture
    elsewhere: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    radius: BlastRadius | None = None


def _look(subject: Subject, at: datetime, readers: Readers) -> _Look:
    match subject:
        case KubernetesSubject():
            return _look_at_cluster(subject, at, readers)
        case AwsSubject():
            return _look_at_aws(subject, at, readers)


def _look_at_cluster(subject: KubernetesSubject, at: datetime, readers: Readers) -> _Look:
    from tools.diagnosis.kubernetes.diagnosing import concerns_subject, diagnose
    from tools.reads.kubernetes.looking import look
    from tools.remedies.kubernetes import remedy

    if readers.kubernetes is None:
        raise PermanentError("no cluster is configured (KUBECONFIG)")
    picture = look(subject, at, readers.kubernetes)
    diagnosis = diagnose(picture)
    about_it = tuple(finding for finding in diagnosis.findings if concerns_subject(finding, picture))
    elsewhere = tuple(
        f"Elsewhere in {picture.subject.namespace}: {one.title}" for one in diagnosis.findings if one not in about_it
    )
    cited = {piece for finding in about_it for piece in finding.evidence_ids}
    evidence = tuple(piece for piece in diagnosis.evidence if piece.id in cited)
    told = Diagnosis(findings=about_it, evidence=evidence, gaps=diagnosis.gaps)
    return _Look(told, tuple(remedy(finding, picture) for finding in about_it), picture, elsewhere)


def _look_at_aws(subject: AwsSubject, at: datetime, readers: Readers) -> _Look:
    from tools.diagnosis.aws import diagnose
    from tools.reads.aws.look import look
    from tools.remedies.aws import remedy

    if readers.aws is None:
        raise PermanentError("no AWS account is configured (AWS_REGION)")
    picture = look(subject, at, readers.aws)
    diagnosis = diagnose(picture)
    return _Look(diagnosis, tuple(remedy(finding, picture) for finding in diagnosis.findings), picture)


def conclude(diagnosis: Diagnosis, remedies: tuple[Remedy, ...]) -> Conclusion:
    """The leading finding's remedy as a proposal; without a finding, the evidence and nothing else."""
    if not diagnosis.findings:
        nothing = _nothing(diagnosis.gaps)
        return nothing.model_copy(update={"evidence": diagnosis.evidence})
    first, chosen = diagnosis.findings[0], remedies[0]
    proposal = Proposal(
        hypothesis=first.statement,
        findings=diagnosis.findings,
        actions=chosen.actions,
        success_criteria=chosen.success_criteria,
        confidence=_confidence(first, diagnosis.gaps),
    )
    advice = None if chosen.actions else chosen.advice
    return Conclusion(proposal=proposal, evidence=diagnosis.evidence, gaps=diagnosis.gaps, advice=advice)


def _confidence(finding: Finding, gaps: tuple[str, ...]) -> int:
    """The finding's own confidence, a point lower when something could not be seen."""
    return max(1, finding.confidence - (1 if gaps else 0))


def _nothing(gaps: tuple[str, ...]) -> Conclusion:
    return Conclusion(proposal=Proposal(hypothesis=NOTHING_KNOWN, confidence=1), gaps=gaps, advice=NOTHING_KNOWN)
