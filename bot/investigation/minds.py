"""Two minds, one answer: the rules always, a model on top where one is set, and the rules again when it fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from bot.investigation import rules
from bot.investigation.budget import Budget
from bot.investigation.rules import Conclusion
from bot.investigation.values import ModelAccess, ModelFailed, Question
from storage.tables import Alert, Mind
from tools.clients import Readers
from tools.evidence import Evidence, Proposal, Trust, evidence
from tools.reads.read import Read
from tools.redaction import redact
from tools.subjects import Subject

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Minds:
    """Who thinks: the rules, and the model if there is one, within a budget."""

    model: ModelAccess | None
    budget: Budget


def think(
    subject: Subject | None, alerts: Sequence[Alert], minds: Minds, readers: Readers, now: Callable[[], datetime]
) -> tuple[Mind, Conclusion]:
    """Investigate, and say which mind spoke. A model's failure costs time, never the answer."""
    by_rules = rules.investigate(subject, now(), readers)
    if minds.model is None:
        return Mind(), by_rules
    from bot.investigation.agent import investigate

    question = Question(
        alert=in_words(alerts),
        heard=heard(alerts, now()),
        subject=subject,
        findings=by_rules.proposal.findings,
        evidence=by_rules.evidence,
        gaps=by_rules.gaps,
    )
    try:
        answer = investigate(question, _reads(readers), readers, minds.model, minds.budget, now)
    except ModelFailed as failure:
        log.warning("model.failed", reason=failure.reason, detail=failure.detail)
        used = failure.usage
        tokens = used.tokens_in + used.tokens_out
        return Mind(model=minds.model.model, calls=used.calls, tokens=tokens, failure=failure.reason), by_rules
    used = answer.usage
    mind = Mind(model=answer.model, calls=used.calls, tokens=used.tokens_in + used.tokens_out)
    if by_rules.proposal.actions and not answer.proposal.actions:
        # A known cause has a known fix: a model that sees none must not leave people worse off than no model would.
        return mind.model_copy(update={"failure": "it proposed nothing"}), by_rules
    dropped = tuple(f"Left out of the model's answer: {one}" for one in answer.dropped)
    return mind, _as_concluded(answer.proposal, by_rules, answer.evidence, dropped)


def _as_concluded(
    proposal: Proposal, by_rules: Conclusion, seen: tuple[Evidence, ...], dropped: tuple[str, ...]
) -> Conclusion:
    """The model's conclusion, with the rules' own behind it."""
    advice = None if proposal.actions else (by_rules.advice or rules.NOTHING_KNOWN)
    second = by_rules.proposal if by_rules.proposal.actions else None
    return by_rules.model_copy(
        update={
            "proposal": proposal,
            "evidence": seen,
            "advice": advice,
            "remarks": (*by_rules.remarks, *dropped),
            "second": second,
        }
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
    return "\n\n".join(_one_in_words(alert) for alert in alerts[:5])


def _one_in_words(alert: Alert) -> str:
    lines = [f"{alert.name} ({alert.severity}, {alert.status}) from {alert.source} since {alert.starts_at.isoformat()}"]
    lines += [f"label {key}: {value}" for key, value in sorted(alert.labels.items())]
    lines += [f"annotation {key}: {value}" for key, value in sorted(alert.annotations.items())]
    return redact("\n".join(lines))


def _reads(readers: Readers) -> tuple[Read[Any], ...]:
    """What the model may look at: the reads of the providers that are configured."""
    from tools.reads.aws import table as aws
    from tools.reads.kubernetes import table as kubernetes

    on_cluster = kubernetes.READS if readers.kubernetes is not None else ()
    on_aws = aws.READS if readers.aws is not None else ()
    return (*on_cluster, *on_aws)
