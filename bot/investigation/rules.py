"""Finding out with no model: look at what the alert is about, apply the known rules, name the known fix.

Always runs, first: a model starts from what this concluded, and this is the answer when the model has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tools.changes import Change, around
from tools.charts import Chart, chart_of
from tools.clients import Readers
from tools.diagnosis import Diagnosis
from tools.errors import PermanentError, TemporaryError
from tools.evidence import Evidence, Proposal
from tools.radius import BlastRadius
from tools.reads.aws.views import Picture as AwsPicture
from tools.reads.kubernetes.picture import Picture as KubernetesPicture
from tools.remedies import Remedy
from tools.remedies.proposing import propose
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

    @property
    def chart(self) -> Chart | None:
        """The metric that tells of the trouble, where one was read: its numbers are in the evidence."""
        return chart_of(self.evidence)


def investigate(subject: Subject | None, at: datetime, readers: Readers, onset: datetime | None = None) -> Conclusion:
    """Look, judge, and propose the known fix of the leading finding. What could not be seen becomes a gap.

    `onset` is when the first alert began: what changed is told around it, and what began later is not its cause.
    """
    if subject is None:
        return _nothing((NOWHERE_TO_LOOK,))
    try:
        picture = _look(subject, at, readers)
    except (TemporaryError, PermanentError) as error:
        return _nothing((f"Nothing could be seen: {error}",))
    return judge(picture.model_copy(update={"onset": onset}))


def judge(picture: KubernetesPicture | AwsPicture) -> Conclusion:
    """What follows from a picture and nothing else: a kept one, judged again, gives the same until a rule changes."""
    seen = _judge_cluster(picture) if isinstance(picture, KubernetesPicture) else _judge_aws(picture)
    concluded = conclude(seen.diagnosis, seen.remedies)
    return concluded.model_copy(
        update={
            "remarks": (*concluded.remarks, *seen.elsewhere),
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


def _look(subject: Subject, at: datetime, readers: Readers) -> KubernetesPicture | AwsPicture:
    match subject:
        case KubernetesSubject():
            return _look_at_cluster(subject, at, readers)
        case AwsSubject():
            return _look_at_aws(subject, at, readers)


def _look_at_cluster(subject: KubernetesSubject, at: datetime, readers: Readers) -> KubernetesPicture:
    from tools.reads.kubernetes.looking import look

    if readers.kubernetes is None:
        raise PermanentError("no cluster is configured (KUBECONFIG)")
    return look(subject, at, readers.kubernetes)


def _judge_cluster(picture: KubernetesPicture) -> _Look:
    from tools.diagnosis.kubernetes.diagnosing import diagnose
    from tools.diagnosis.kubernetes.radius import radius
    from tools.diagnosis.kubernetes.timeline import changes
    from tools.remedies.kubernetes import remedy

    diagnosis = diagnose(picture)
    told = diagnosis.about_it
    elsewhere = tuple(f"Elsewhere in {picture.subject.namespace}: {one.title}" for one in diagnosis.elsewhere)
    changed = around(changes(picture), picture.onset or picture.now)
    reach = radius(picture, diagnosis.findings, changed)
    return _Look(told, tuple(remedy(finding, picture) for finding in told.findings), picture, elsewhere, changed, reach)


def _look_at_aws(subject: AwsSubject, at: datetime, readers: Readers) -> AwsPicture:
    from tools.reads.aws.look import look

    if readers.aws is None:
        raise PermanentError("no AWS account is configured (AWS_REGION)")
    return look(subject, at, readers.aws)


def _judge_aws(picture: AwsPicture) -> _Look:
    from tools.diagnosis.aws import diagnose
    from tools.diagnosis.aws.changes import changes
    from tools.diagnosis.aws.radius import radius
    from tools.remedies.aws import remedy

    diagnosis = diagnose(picture)
    # The alarm and the resources are shown either way: an AWS picture holds nothing that is not linked to the alarm.
    told = diagnosis.about_it.model_copy(update={"evidence": diagnosis.evidence})
    elsewhere = tuple(f"Nearby: {one.title}" for one in diagnosis.elsewhere)
    changed = changes(picture)
    reach = radius(picture, diagnosis.findings, changed)
    return _Look(told, tuple(remedy(finding, picture) for finding in told.findings), picture, elsewhere, changed, reach)


def conclude(diagnosis: Diagnosis, remedies: tuple[Remedy, ...]) -> Conclusion:
    """The leading causes' remedies as a proposal; without a finding, what is well and where to look next."""
    if not diagnosis.findings:
        return _inconclusive(diagnosis)
    proposed = propose(diagnosis, remedies)
    return Conclusion(
        proposal=proposed.proposal,
        evidence=diagnosis.evidence,
        gaps=diagnosis.gaps,
        advice=proposed.advice,
        remarks=proposed.remarks,
    )


def _inconclusive(diagnosis: Diagnosis) -> Conclusion:
    """Nothing explains the alert: an answer too, when it says what was ruled out."""
    checked = f" Looked at, and well: {'; '.join(diagnosis.well)}." if diagnosis.well else ""
    nothing = _nothing(diagnosis.gaps)
    proposal = nothing.proposal.model_copy(update={"hypothesis": f"{NOTHING_KNOWN}{checked}"})
    return nothing.model_copy(
        update={
            "proposal": proposal,
            "evidence": diagnosis.evidence,
            "advice": diagnosis.next_look or NOTHING_KNOWN,
        }
    )


def _nothing(gaps: tuple[str, ...]) -> Conclusion:
    return Conclusion(proposal=Proposal(hypothesis=NOTHING_KNOWN, confidence=1), gaps=gaps, advice=NOTHING_KNOWN)
