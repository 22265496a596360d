"""RDS instances and clusters -> Evidence."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from tools.evidence import Evidence, Trust, evidence
from tools.reads.aws.evidence.basics import console
from tools.reads.aws.views import Database, DatabaseCluster, DatabaseEvent

SHOWN_EVENTS = 12


def of_database(database: Database, at: datetime) -> Evidence:
    """A DB instance's status and settings, and what RDS reported about it."""
    limit = f", may grow to {database.storage_limit} GiB" if database.storage_limit else ""
    lines = [
        f"status {database.status}, {database.engine} {database.version}, {database.instance_class}",
        f"storage {database.storage} GiB{limit}; Multi-AZ {'yes' if database.multi_az else 'no'}",
        *([f"replica of {database.replica_of}"] if database.replica_of else []),
        *([f"changes at the next restart: {', '.join(database.pending)}"] if database.pending else []),
        *_events(database.events),
    ]
    return evidence(
        tool="aws_rds",
        query=f"{database.region} {database.id}",
        summary=f"{database.id} ({database.engine} {database.instance_class}) is {database.status}",
        excerpt="\n".join(lines),
        at=at,
        trust=Trust.STATUS,
        url=console(database.region, "rds", f"database:id={quote(database.id, safe='')}"),
    )


def of_cluster(cluster: DatabaseCluster, at: datetime) -> Evidence:
    """A cluster's status, members and events."""
    members = [f"{one} {'writer' if one == cluster.writer else 'reader'}" for one in cluster.members]
    return evidence(
        tool="aws_rds_cluster",
        query=f"{cluster.region} {cluster.id}",
        summary=f"Cluster {cluster.id} is {cluster.status}; writer {cluster.writer or 'unknown'}",
        excerpt="\n".join([f"status {cluster.status}, {cluster.engine}", *members, *_events(cluster.events)]),
        at=at,
        trust=Trust.STATUS,
    )


def _events(events: tuple[DatabaseEvent, ...]) -> list[str]:
    return [f"{one.at:%Y-%m-%d %H:%M:%S} {one.text}" for one in events[-SHOWN_EVENTS:]]
