"""Answering a case: by the rules as triage asks them, or by a model on top as triage asks one. Scoring is elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from bot.evaluation import worlds
from bot.evaluation.cases import Case
from bot.evaluation.scoring import Score, score
from bot.investigation import minds as thinking
from bot.investigation import rules
from bot.investigation.minds import Minds
from bot.investigation.rules import Conclusion
from storage.tables import Alert, AlertStatus, Mind
from tools.clients import Readers
from tools.reads.kubernetes.resolve import subject_of
from tools.resources import Provider


def run(case: Case, cases: Path, minds: Minds) -> Score:
    """Answer one case and judge the answer. Reading the case's files does not count into its seconds."""
    answer = _prepared(case, cases, minds)
    started, worked = time.monotonic(), time.process_time()
    mind, conclusion = answer()
    seconds, processor = time.monotonic() - started, time.process_time() - worked
    return score(case, mind, conclusion, seconds=seconds, processor=processor)


def run_all(
    found: Sequence[Case], cases: Path, minds: Sequence[Minds], told: Callable[[int, int, Case], None]
) -> tuple[Score, ...]:
    """Every case by every mind; `told` hears how far it is before each."""
    rounds = [(one, case) for one in minds for case in found]
    scores = []
    for done, (one, case) in enumerate(rounds):
        told(done, len(rounds), case)
        scores.append(run(case, cases, one))
    return tuple(scores)


def alert_of(case: Case) -> Alert:
    """The alert that asks a case's question, as the record would hold it."""
    return Alert(
        fingerprint=case.name,
        source="alertmanager" if case.provider is Provider.KUBERNETES else "cloudwatch",
        name=case.alert.name,
        severity=case.alert.severity,
        status=AlertStatus.FIRING,
        labels=dict(case.alert.labels),
        annotations=dict(case.alert.annotations),
        starts_at=case.at,
        received_at=case.at,
        last_seen_at=case.at,
    )


def _prepared(case: Case, cases: Path, minds: Minds) -> Callable[[], tuple[Mind, Conclusion]]:
    """What answers a case, with its world read."""
    alerts = [alert_of(case)]

    def now() -> datetime:
        return case.at

    if case.provider is Provider.KUBERNETES:
        subject = subject_of(case.alert.labels)
        cluster = Readers(kubernetes=worlds.cluster(case, cases), aws=None)
        return lambda: thinking.think(subject, alerts, minds, cluster, now)
    picture = worlds.account(case)
    nothing_more = Readers(kubernetes=None, aws=None)
    return lambda: thinking.consider(rules.judge(picture), picture.subject, alerts, minds, nothing_more, now)
