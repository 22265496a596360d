"""Whether each part of sayso answers, cheaply: for `/readyz`, `/sayso status` and the Home tab."""

from __future__ import annotations

import sqlalchemy as sa

from bot.desk import Desk
from bot.views.lists import PartHealth
from tools.errors import PermanentError, TemporaryError


def check(desk: Desk) -> tuple[PartHealth, ...]:
    """Every configured part. Reading only, seconds at most."""
    parts = [database(desk)]
    if desk.readers.kubernetes is not None:
        parts.append(_cluster(desk))
    if desk.readers.aws is not None:
        parts.append(_aws(desk))
    model = desk.minds.model
    parts.append(PartHealth(name="Model", ok=True, detail=model.model if model is not None else "none: rules only"))
    return tuple(parts)


def database(desk: Desk) -> PartHealth:
    """Whether the record can be read."""
    try:
        with desk.database.reading() as session:
            session.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError as error:
        return PartHealth(name="Database", ok=False, detail=type(error).__name__)
    return PartHealth(name="Database", ok=True, detail=desk.database.engine.dialect.name)


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
