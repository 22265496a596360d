"""Rules about services that lost their database: pools and connection slots run out."""

from __future__ import annotations

import re
from datetime import timedelta

from tools import resources
from tools.evidence import Finding, Severity
from tools.reads.aws import evidence
from tools.reads.aws.views import EcsService, LogLine, Picture

FEWEST_LINES = 3
"""Below this an error is an incident of its own line, not of the service."""
FRESH = timedelta(minutes=15)
"""A deployment younger than this is a fresh start already made: another one is not the fix."""
CONNECTION_ERRORS = re.compile(
    r"remaining connection slots are reserved"  # PostgreSQL 53300 as its server words it
    r"|too many (?:clients|connections)"  # PostgreSQL 53300, MySQL 1040
    r"|QueuePool limit of size \d+"  # SQLAlchemy TimeoutError
    r"|connection pool (?:is )?(?:exhausted|timed? ?out)"  # psycopg2, node-postgres
    r"|Connection is not available, request timed out",  # HikariCP
    re.IGNORECASE,
)


def connection_errors(picture: Picture) -> Finding | None:
    """The service cannot get database connections. Old tasks hold them: a fresh start gives them back.

    Source: PostgreSQL documentation, error 53300 too_many_connections; SQLAlchemy error 3o7r (pool timeout).
    When the running deployment is itself a fresh start, the finding says so under another code, and nothing is done.
    """
    service = picture.service
    lines = _errors(picture, service)
    if service is None or service.primary is None or len(lines) < FEWEST_LINES:
        return None
    started = service.primary.created_at
    persists = picture.at - started < FRESH and sum(one.at > started for one in lines) >= FEWEST_LINES
    if not persists and not service.settled:
        # A deployment is under way; whether it helps is not known yet.
        return None
    return Finding(
        code="aws.ecs_db_connection_errors_persist" if persists else "aws.ecs_db_connection_errors",
        title=f"{service.name} gets no database connections",
        statement=(
            f"{len(lines)} log lines of {service.cluster}/{service.name} in the last 15 minutes say that the database "
            + ("refuses connections, also after a fresh deployment." if persists else "refuses or lacks connections.")
        ),
        severity=Severity.SEV2,
        confidence=7,
        resource=resources.aws(service.region, "EcsService", f"{service.cluster}/{service.name}"),
        evidence_ids=(
            *(evidence.of_lines(service.region, group, picture.log_lines, picture.at).id for group in _groups(lines)),
            evidence.of_service(service, picture.at).id,
        ),
    )


def _errors(picture: Picture, service: EcsService | None) -> tuple[LogLine, ...]:
    own = service.log_groups if service else ()
    return tuple(one for one in picture.log_lines if one.group in own and CONNECTION_ERRORS.search(one.text))


def _groups(lines: tuple[LogLine, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.group for one in lines))
