"""Whether each part of sayso answers, cheaply: for `/readyz`, `/sayso status` and the Home tab."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

import sqlalchemy as sa

from bot.desk import Desk
from bot.views.lists import PartHealth
from bot.views.text import utc
from bot.witness.verdict import FRESH
from storage import audit, exceptions, inbox
from storage.audit import checkpoints
from tools.errors import PermanentError, TemporaryError

PATIENCE = 2.0
"""Seconds a part has to answer; Slack waits three for ours."""


def check(desk: Desk) -> tuple[PartHealth, ...]:
    """Every configured part, asked at the same time. Reads only; back within `PATIENCE` whatever hangs."""
    asked: dict[str, Callable[[Desk], PartHealth]] = {"Database": database, "Audit": _audit}
    if desk.readers.kubernetes is not None:
        asked["Cluster"] = _cluster
    if desk.readers.aws is not None:
        asked["AWS"] = _aws
    pool = ThreadPoolExecutor(max_workers=len(asked), thread_name_prefix="health")
    answers = {name: pool.submit(ask, desk) for name, ask in asked.items()}
    wait(answers.values(), timeout=PATIENCE)
    pool.shutdown(wait=False, cancel_futures=True)
    parts = [_part(name, answer) for name, answer in answers.items()]
    model = desk.minds.model
    parts.append(PartHealth(name="Model", ok=True, detail=model.model if model is not None else "none: rules only"))
    return tuple(parts)


def _part(name: str, answer: Future[PartHealth]) -> PartHealth:
    if not answer.done() or answer.cancelled():
        return PartHealth(name=name, ok=False, detail=f"no answer within {PATIENCE:g} s")
    return answer.result()


def database(desk: Desk) -> PartHealth:
    """Whether the record can be read, and whether events wait in it that only a person can help."""
    try:
        with desk.database.reading() as session:
            dead = inbox.count_dead(session)
    except sa.exc.SQLAlchemyError as error:
        return PartHealth(name="Database", ok=False, detail=type(error).__name__)
    letters = f"; dead letters: {dead} (sayso dead-letters lists them)" if dead else ""
    return PartHealth(name="Database", ok=True, detail=desk.database.engine.dialect.name + letters)


def stop_switch(desk: Desk) -> tuple[PartHealth, ...]:
    """That people have stopped sayso: who, when and why. Nothing while they have not."""
    with desk.database.reading() as session:
        switch = exceptions.stopped(session)
    if switch is None:
        return ()
    why = f": {switch.reason}" if switch.reason else ""
    detail = f"{utc(switch.set_at)} by {switch.set_by}{why}. Nothing starts until /sayso resume"
    return (PartHealth(name="Stopped", ok=False, detail=detail),)


def _audit(desk: Desk) -> PartHealth:
    """How long the record is, and who vouches for it until when. Whether it holds takes longer to tell."""
    try:
        with desk.database.reading() as session:
            (entries, _), last = audit.size(session), checkpoints.latest_checkpoint(session)
    except sa.exc.SQLAlchemyError as error:
        return PartHealth(name="Audit", ok=False, detail=type(error).__name__)
    if last is None:
        return PartHealth(name="Audit", ok=True, detail=f"{entries} entries, never signed")
    age = desk.now() - audit.moment_of(last.at)
    late = last.size < entries and age > FRESH
    detail = f"{entries} entries, signed to {last.size} {age.total_seconds() / 60:.0f} min ago"
    return PartHealth(name="Audit", ok=not late, detail=detail)


def _cluster(desk: Desk) -> PartHealth:
    assert desk.readers.kubernetes is not None
    try:
        version = str(desk.readers.kubernetes.get("/version").get("gitVersion"))
    except (TemporaryError, PermanentError) as error:
        return PartHealth(name="Cluster", ok=False, detail=str(error))
    return PartHealth(name="Cluster", ok=True, detail=version)


def _aws(desk: Desk) -> PartHealth:
    assert desk.readers.aws is not None
    try:
        identity = desk.readers.aws.identity()
    except (TemporaryError, PermanentError) as error:
        return PartHealth(name="AWS", ok=False, detail=str(error))
    return PartHealth(name="AWS", ok=True, detail=identity.account)
