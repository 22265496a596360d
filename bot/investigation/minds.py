"""Two minds, one answer: the rules always, a model on top where one is set, and the rules again when it fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from bot.investigation import rules
from bot.investigation.budget import Budget, Meter
from bot.investigation.measuring import measured
from bot.investigation.permission import Permission
from bot.investigation.questions import heard, in_words, question
from bot.investigation.rules import Conclusion
from bot.investigation.siding import side
from bot.investigation.values import Answer, ModelAccess, ModelFailed, Question, RulesSpoke, Tell, Usage, to_nobody
from storage.tables import Alert, Mind
from tools.clients import Readers
from tools.reads.read import Read
from tools.subjects import Subject

__all__ = ["Minds", "consider", "heard", "in_words", "offered_reads", "think"]
log = structlog.get_logger(__name__)
FIRST_SHARE = 0.6
"""Of the time, for the first model where another would be asked after it."""


@dataclass(frozen=True)
class Minds:
    """Who thinks: the rules, the model if there is one, and the one asked when it cannot answer; within a budget."""

    model: ModelAccess | None
    budget: Budget
    fallback: ModelAccess | None = None

    @property
    def models(self) -> tuple[ModelAccess, ...]:
        """The models, in the order they are asked."""
        return tuple(one for one in (self.model, self.fallback) if one is not None and self.model is not None)


def think(
    subject: Subject | None,
    alerts: Sequence[Alert],
    minds: Minds,
    readers: Readers,
    now: Callable[[], datetime],
    *,
    permitted: Permission | None = None,
    tell: Tell = to_nobody,
) -> tuple[Mind, Conclusion]:
    """Investigate, and say which mind spoke. A model's failure costs time, never the answer."""
    onset = min((alert.starts_at for alert in alerts), default=None)
    by_rules = measured(rules.investigate(subject, now(), readers, onset), alerts, now(), readers)
    found = by_rules.proposal.findings
    tell(RulesSpoke(found=found[0].title if found else None))
    return consider(by_rules, subject, alerts, minds, readers, now, permitted=permitted, tell=tell)


def consider(
    by_rules: Conclusion,
    subject: Subject | None,
    alerts: Sequence[Alert],
    minds: Minds,
    readers: Readers,
    now: Callable[[], datetime],
    *,
    permitted: Permission | None = None,
    tell: Tell = to_nobody,
) -> tuple[Mind, Conclusion]:
    """What the model, where there is one that may be asked, makes of what the rules concluded."""
    permitted = permitted or Permission(models=minds.models)
    if minds.model is None:
        return Mind(), by_rules
    if permitted.refusal is not None or not permitted.models:
        return Mind(model=minds.model.model, failure=permitted.refusal or "not asked"), by_rules
    first = permitted.models[0].model
    asked = question(subject, alerts, by_rules, now())
    try:
        answer = _answer(asked, permitted.models, minds.budget, readers, now, tell)
    except ModelFailed as failure:
        log.warning("model.failed", model=first, reason=failure.reason, detail=failure.detail)
        mind = _mind(first, failure.usage).model_copy(update={"failure": failure.reason})
        return mind, by_rules.model_copy(update={"reads": failure.reads})
    mind = _mind(first, answer.usage)
    if answer.failed is None:
        return side(by_rules, answer, mind)
    note = f"{first} did not answer ({answer.failed}), so {answer.model} was asked."
    told = by_rules.model_copy(update={"remarks": (*by_rules.remarks, note)})
    return side(told, answer, mind.model_copy(update={"answered_by": answer.model}))


def _answer(
    asked: Question,
    models: Sequence[ModelAccess],
    budget: Budget,
    readers: Readers,
    now: Callable[[], datetime],
    tell: Tell,
) -> Answer:
    """The answer of the first model that has one; what the other took counts too. Raises ModelFailed when none has."""
    from bot.investigation.agent import get_ready, investigate

    get_ready()
    first, *others = models
    meter, reads = Meter(budget, first.known_price), offered_reads(readers)
    meter.using(first.known_price, FIRST_SHARE if others else 1.0)

    def ask(model: ModelAccess) -> Answer:
        return investigate(asked, reads, readers, model, budget, now, meter=meter, tell=tell)

    try:
        return ask(first)
    except ModelFailed as failure:
        if not others or failure.reason.startswith("budget"):
            raise
        log.warning("model.fallback", model=first.model, reason=failure.reason, detail=failure.detail)
        meter.using(others[0].known_price)
        # Asked from the beginning: what the first one read may be what it stumbled over.
        return _fallen_back(failure, others[0], ask)


def _fallen_back(failure: ModelFailed, fallback: ModelAccess, ask: Callable[[ModelAccess], Answer]) -> Answer:
    """The fallback's answer, with what the first one read before it failed."""
    try:
        answer = ask(fallback)
    except ModelFailed as second:
        reason = f"{failure.reason}; {fallback.model}: {second.reason}"
        read = (*failure.reads, *second.reads)
        raise ModelFailed(reason, second.detail, second.usage, reads=read) from second
    return answer.model_copy(update={"failed": failure.reason, "reads": (*failure.reads, *answer.reads)})


def _mind(model: str, used: Usage) -> Mind:
    return Mind(model=model, calls=used.calls, tokens=used.tokens_in + used.tokens_out, dollars=used.dollars)


def offered_reads(readers: Readers) -> tuple[Read[Any], ...]:
    """What the model may look at: the reads of the providers that are configured."""
    from tools.reads.alertmanager import table as alertmanager
    from tools.reads.aws import table as aws
    from tools.reads.kubernetes import table as kubernetes
    from tools.reads.prometheus import table as prometheus

    on_cluster = kubernetes.READS if readers.kubernetes is not None else ()
    on_aws = aws.READS if readers.aws is not None else ()
    on_metrics = prometheus.READS if readers.prometheus is not None else ()
    on_alerts = alertmanager.READS if readers.alertmanager is not None else ()
    return (*on_cluster, *on_aws, *on_metrics, *on_alerts)
