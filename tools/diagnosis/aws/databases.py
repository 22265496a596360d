"""RDS: health from status and metrics, and findings from what ran out or what happened to an instance."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from tools.diagnosis.aws.checks import Checks, found, severity
from tools.diagnosis.aws.health import Health, Reason, Verdict, state, verdict
from tools.diagnosis.aws.thresholds import STORAGE_DAYS
from tools.diagnosis.confidence import Strength
from tools.evidence import EvidenceId, Finding, Severity
from tools.reads.aws import evidence
from tools.reads.aws.views import Database, DatabaseEvent, Picture, Series

GIB = 1024**3
WELL = frozenset(
    {"available", "backing-up", "configuring-enhanced-monitoring", "configuring-log-exports", "storage-optimization"}
)
PASSING = frozenset(
    {"modifying", "rebooting", "starting", "upgrading", "maintenance", "renaming", "creating", "moving-to-vpc"}
)
"""States in which somebody has just done something; they end by themselves."""
AURORA = "aurora"
RECENT = timedelta(hours=1)
"""How long before the alarm a failover or restart may explain it."""
JUST_BEFORE = timedelta(minutes=15)
FAILOVER = re.compile(r"failover (?:started|completed|of)|failed over|Multi-AZ instance failover", re.IGNORECASE)
RESTART = re.compile(r"restarted|shutdown|rebooted|recovery of the DB instance", re.IGNORECASE)
DEFAULT_MAXIMUM = {"postgres": 9_531_392, "mysql": 12_582_880, "mariadb": 12_582_880}
"""Bytes of memory a connection: the default of max_connections (RDS user guide, quotas)."""
MOST_POSTGRES = 5000
SIZES = {"micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16}
"""GiB by size, of the general families; memory-optimised ones have twice as much from large on."""


def health(database: Database, picture: Picture) -> Verdict:
    """Status, CPU, memory, storage, connections, lag, latency, I/O."""
    checks = Checks(picture, "AWS/RDS", {"DBInstanceIdentifier": database.id})
    reasons = [
        _status(database),
        checks.metric("rds.cpu", "CPUUtilization", "Average", "CPU"),
        checks.metric("rds.latency", "ReadLatency", "Average", "read latency"),
        checks.metric("rds.swap", "SwapUsage", "Average", "swap"),
        *_by_memory(database, checks),
        *_by_load(database, checks),
    ]
    if database.storage > 1 and not database.engine.startswith(AURORA):
        percent = 100 / (database.storage * GIB)
        reasons.append(checks.metric("rds.storage", "FreeStorageSpace", "Average", "free storage", percent))
        reasons.append(_full_soon(checks.series("FreeStorageSpace", "Average", 300), picture.at))
    if database.replica_of:
        reasons.append(checks.metric("rds.replica_lag", "ReplicaLag", "Maximum", "replica lag"))
    if database.instance_class.startswith("db.t") or checks.series("BurstBalance", "Average") is not None:
        reasons.append(checks.metric("rds.io_balance", "BurstBalance", "Average", "I/O balance"))
    return verdict(database.resource, reasons)


def findings(picture: Picture) -> Iterator[Finding]:
    """What ails the databases of a picture."""
    for database in picture.databases:
        judged = health(database, picture)
        yield from _not_available(database, judged, picture)
        yield from _storage(database, judged, picture)
        for check, code, what in METRIC_RULES:
            if reason := judged.bad(check):
                yield _from_metric(database, reason, code, what, picture)
        yield from _happened(database, picture)


METRIC_RULES = (
    ("rds.connections", "aws.rds_connections", "has nearly no connections left"),
    ("rds.cpu", "aws.rds_cpu", "is short of CPU"),
    ("rds.load", "aws.rds_load", "has more sessions at work than vCPUs"),
    ("rds.memory", "aws.rds_memory", "is short of memory"),
    ("rds.io_balance", "aws.rds_io_balance", "has used up its I/O credits"),
    ("rds.replica_lag", "aws.rds_replica_lag", "lags behind its source"),
)
"""Findings that are one metric beyond its threshold."""


def _from_metric(database: Database, reason: Reason, code: str, what: str, picture: Picture) -> Finding:
    return found(
        code,
        f"{database.id} {what}",
        f"{database.id} ({database.engine} {database.instance_class}) {what}: {reason.said}.",
        database.resource,
        (*reason.evidence_ids, *_ids(database, picture)),
        Strength.MATCHED if reason.health is Health.UNHEALTHY else Strength.FITTING,
        severity(reason),
        since=reason.since,
    )


def _not_available(database: Database, judged: Verdict, picture: Picture) -> Iterator[Finding]:
    reason = judged.bad("status")
    if reason is None or database.status == "storage-full":
        return
    passing = database.status in PASSING
    yield found(
        "aws.rds_not_available",
        f"{database.id} is {database.status}",
        f"{database.id} is {database.status}, so it "
        + ("may not answer until that is done." if passing else "does not answer."),
        database.resource,
        _ids(database, picture),
        Strength.FITTING if passing else Strength.STATED,
        Severity.SEV2 if passing else Severity.SEV1,
    )


def _storage(database: Database, judged: Verdict, picture: Picture) -> Iterator[Finding]:
    if database.status == "storage-full":
        yield found(
            "aws.rds_storage_full",
            f"{database.id} has no storage left",
            f"RDS says that the {database.storage} GiB of {database.id} are full: it takes no more writes.",
            database.resource,
            _ids(database, picture),
            Strength.STATED,
            Severity.SEV1,
        )
        return
    low, soon = judged.bad("rds.storage"), judged.bad("rds.storage_days")
    reason = low if low and low.health is Health.UNHEALTHY else soon or None
    if reason is None:
        return
    grows = bool(database.storage_limit and database.storage_limit > database.storage)
    yield found(
        "aws.rds_storage_low",
        f"{database.id} runs out of storage",
        f"{reason.said[0].upper()}{reason.said[1:]} of {database.storage} GiB on {database.id}. "
        + ("Storage autoscaling may grow it." if grows else "Storage autoscaling is off or at its limit."),
        database.resource,
        (*reason.evidence_ids, *_ids(database, picture)),
        Strength.MATCHED if low else Strength.FITTING,
        Severity.SEV3 if grows else Severity.SEV2,
        since=reason.since,
    )


def _happened(database: Database, picture: Picture) -> Iterator[Finding]:
    """A failover or restart just before the alarm, of the instance or its cluster."""
    onset = picture.began
    cluster = next((one for one in picture.clusters if one.id == database.cluster), None)
    if cluster is not None and cluster.writer not in (None, database.id):
        return
    events = (*database.events, *(cluster.events if cluster else ()))
    for code, pattern, what in (
        ("aws.rds_failover", FAILOVER, "failed over"),
        ("aws.rds_restarted", RESTART, "was restarted"),
    ):
        near = [one for one in events if onset - RECENT <= one.at <= picture.at and pattern.search(one.text)]
        if near:
            yield _event(database, near[0], code, what, picture, cluster_event=near[0] not in database.events)
            return


def _event(
    database: Database, event: DatabaseEvent, code: str, what: str, picture: Picture, *, cluster_event: bool
) -> Finding:
    told = _ids(database, picture)
    if cluster_event:
        cluster = next(one for one in picture.clusters if one.id == database.cluster)
        told = (evidence.of_cluster(cluster, picture.at).id,)
    return found(
        code,
        f"{database.id} {what}",
        f"{database.id} {what} at {event.at:%H:%M} UTC: {event.text.rstrip('.')}. Its clients lost their connections.",
        database.resource,
        told,
        # Long before the alarm it happened, and nothing shows that it matters now.
        Strength.FITTING if picture.began - event.at <= JUST_BEFORE else Strength.OBSERVED,
        since=event.at,
    )


def _status(database: Database) -> Reason:
    if database.status in WELL:
        return state("status", f"status {database.status}", Health.HEALTHY)
    level = Health.DEGRADED if database.status in PASSING else Health.UNHEALTHY
    return state("status", f"status {database.status or 'unknown'}", level if database.status else Health.UNKNOWN)


def _by_memory(database: Database, checks: Checks) -> Iterator[Reason]:
    """What can be judged only where the class tells how much memory there is, and the defaults apply."""
    memory = memory_of(database.instance_class)
    if memory is None:
        return
    yield checks.metric("rds.memory", "FreeableMemory", "Average", "free memory", 100 / (memory * GIB))
    most = most_connections(database)
    if most is not None:
        yield checks.metric("rds.connections", "DatabaseConnections", "Average", "connections in use", 100 / most)
    else:
        reason = checks.metric("rds.connections", "DatabaseConnections", "Average", "connections in use")
        # How many are too many is not known here; the owner's alarm may know.
        yield (
            reason if reason.alarmed else state("rds.connections", "the most connections are not known", Health.UNKNOWN)
        )


def _by_load(database: Database, checks: Checks) -> Iterator[Reason]:
    """Sessions at work against vCPUs, where Performance Insights counts them and the class tells how many there are."""
    load, most = checks.series("DBLoad", "Average"), vcpus_of(database.instance_class)
    if load is not None and load.points and most is not None:
        yield checks.metric("rds.load", "DBLoad", "Average", "DB load", 100 / most)


def vcpus_of(instance_class: str) -> int | None:
    """vCPUs of an instance class (`db.r6g.2xlarge` is 8); None where the name does not tell."""
    match = re.fullmatch(r"db\.[tmr]\d\w*\.(?P<times>\d*)(?P<size>micro|small|medium|large|xlarge)", instance_class)
    if match is None:
        return None
    return 4 * int(match["times"] or 1) if match["size"] == "xlarge" else 2


def memory_of(instance_class: str) -> int | None:
    """GiB of an instance class (`db.r6g.2xlarge` is 64); None where the name does not tell."""
    match = re.fullmatch(r"db\.(?P<family>[a-z]+)\d\w*\.(?P<times>\d*)(?P<size>[a-z]+)", instance_class)
    if match is None or match["size"] not in SIZES or match["family"] not in ("t", "m", "r"):
        return None
    memory = SIZES[match["size"]] * int(match["times"] or 1)
    return memory * 2 if match["family"] == "r" and match["size"] in ("large", "xlarge") else memory


def most_connections(database: Database) -> int | None:
    """The default of max_connections; None where a parameter group of one's own may say something else."""
    memory, engine = memory_of(database.instance_class), database.engine.removeprefix("aurora-")
    if memory is None or engine not in DEFAULT_MAXIMUM or not database.parameters.startswith("default."):
        return None
    most = memory * GIB // DEFAULT_MAXIMUM[engine]
    return min(most, MOST_POSTGRES) if engine == "postgres" else most


def _full_soon(series: Series | None, at: datetime) -> Reason:
    """When the storage is full at the pace of the last day, from the first to the last datapoint."""
    points = series.points if series else ()
    if series is None or len(points) < 12 or at - points[-1].at > timedelta(minutes=15):
        return state("rds.storage_days", "how fast storage fills is not known", Health.UNKNOWN)
    first, last = points[0], points[-1]
    days = (last.at - first.at) / timedelta(days=1)
    pace = (first.value - last.value) / days if days > 0.1 else 0.0
    left = last.value / pace if pace > 0 else None
    if left is None or left >= STORAGE_DAYS:
        return state("rds.storage_days", "storage does not fill up within days", Health.HEALTHY)
    said = f"storage is full in {left:.1f} days at the pace of the last day"
    return state("rds.storage_days", said, Health.DEGRADED, evidence.of_series(series, at).id)


def _ids(database: Database, picture: Picture) -> tuple[EvidenceId, ...]:
    return (evidence.of_database(database, picture.at).id,)
