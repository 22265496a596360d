"""What a model is asked: the alerts in words, and what the rules made of them. All text, nothing decided here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from bot.investigation.rules import Conclusion
from bot.investigation.values import Question
from storage.tables import Alert
from tools.evidence import Evidence, Trust, evidence
from tools.radius import BlastRadius, Checked
from tools.reads.aws.views import Picture as AwsPicture
from tools.reads.kubernetes.picture import Picture as KubernetesPicture
from tools.redaction import redact
from tools.subjects import Subject
from tools.topology import Topology

ALERTS_TOLD, NEIGHBOURS_TOLD, LINKS_TOLD = 5, 6, 8
"""Most alerts of an incident, resources of each group of its blast radius, and links, that a model is told."""


def question(subject: Subject | None, alerts: Sequence[Alert], by_rules: Conclusion, at: datetime) -> Question:
    """The alerts and everything the rules saw and concluded, as a question."""
    return Question(
        alert=in_words(alerts),
        heard=heard(alerts, at),
        subject=subject,
        findings=by_rules.proposal.findings,
        evidence=by_rules.evidence,
        gaps=by_rules.gaps,
        changes=by_rules.changes,
        around=(*_links(by_rules), *(_around(by_rules.radius) if by_rules.radius is not None else ())),
    )


def heard(alerts: Sequence[Alert], at: datetime) -> Evidence | None:
    """What the alerts say as evidence: text, because labels and annotations are filled from what others wrote."""
    if not alerts:
        return None
    words, first = in_words(alerts), alerts[0]
    return evidence(
        tool="alert", query=redact(first.name), summary="what the alert says", excerpt=words, at=at, trust=Trust.TEXT
    )


def in_words(alerts: Sequence[Alert]) -> str:
    """The alerts as a model is told them: untrusted text, redacted."""
    return "\n\n".join(_one_in_words(alert) for alert in alerts[:ALERTS_TOLD])


def _one_in_words(alert: Alert) -> str:
    lines = [f"{alert.name} ({alert.severity}, {alert.status}) from {alert.source} since {alert.starts_at.isoformat()}"]
    lines += [f"label {key}: {value}" for key, value in sorted(alert.labels.items())]
    lines += [f"annotation {key}: {value}" for key, value in sorted(alert.annotations.items())]
    return redact("\n".join(lines))


def _links(by_rules: Conclusion) -> Iterator[str]:
    """What hangs directly on what was found, and what that rests on, one line a link."""
    found = {finding.resource for finding in by_rules.proposal.findings}
    near = [link for link in _topology(by_rules.picture).links if link.source in found or link.target in found]
    yield from (f"{link.source} {link.relation.value} {link.target}" for link in near[:LINKS_TOLD])


def _topology(picture: KubernetesPicture | AwsPicture | None) -> Topology:
    from tools.diagnosis.aws import topology as account
    from tools.diagnosis.kubernetes import topology as cluster

    match picture:
        case KubernetesPicture():
            return cluster.topology(picture)
        case AwsPicture():
            return account.topology(picture)
        case None:
            return Topology()


def _around(radius: BlastRadius) -> Iterator[str]:
    """The blast radius, one line a group."""
    groups: dict[str, tuple[Checked, ...]] = {
        "affected": radius.affected,
        "checked and well": radius.healthy,
        "changed for another reason": radius.changed,
        "not checked": radius.unchecked,
    }
    for name, members in groups.items():
        if members:
            told = "; ".join(f"{one.resource} ({one.detail})" for one in members[:NEIGHBOURS_TOLD])
            more = f"; and {len(members) - NEIGHBOURS_TOLD} more" if len(members) > NEIGHBOURS_TOLD else ""
            yield f"{name}: {told}{more}"
