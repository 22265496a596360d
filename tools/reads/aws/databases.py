"""RDS instances, clusters and their events, read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from tools.clients.aws import AwsIdentity, reading
from tools.reads.aws.views import Database, DatabaseCluster, DatabaseEvent
from tools.redaction import redact

EVENTS_WINDOW = timedelta(hours=6)
MOST_EVENTS = 50


def database(region: str, id_: str, identity: AwsIdentity) -> Database | None:
    """A DB instance; None when there is none of that id."""
    with reading("rds:DescribeDBInstances"):
        client = identity.of("rds", region)
        try:
            found = client.describe_db_instances(DBInstanceIdentifier=id_)["DBInstances"]
        except client.exceptions.DBInstanceNotFoundFault:
            return None
    return _database(region, found[0]) if found else None


def cluster(region: str, id_: str, identity: AwsIdentity) -> DatabaseCluster | None:
    """A cluster and who is in it; None when there is none of that id."""
    with reading("rds:DescribeDBClusters"):
        client = identity.of("rds", region)
        try:
            found = client.describe_db_clusters(DBClusterIdentifier=id_)["DBClusters"]
        except client.exceptions.DBClusterNotFoundFault:
            return None
    return _cluster(region, found[0]) if found else None


def events(
    region: str, id_: str, kind: Literal["db-instance", "db-cluster"], at: datetime, identity: AwsIdentity
) -> tuple[DatabaseEvent, ...]:
    """What RDS reported about one instance or cluster in the hours up to `at`, oldest first."""
    with reading("rds:DescribeEvents"):
        found = identity.of("rds", region).describe_events(
            SourceIdentifier=id_, SourceType=kind, StartTime=at - EVENTS_WINDOW, EndTime=at, MaxRecords=MOST_EVENTS
        )["Events"]
    return tuple(
        sorted(
            (
                DatabaseEvent(
                    at=one["Date"],
                    source=one.get("SourceIdentifier") or id_,
                    categories=tuple(one.get("EventCategories") or ()),
                    text=redact(one.get("Message") or ""),
                )
                for one in found
            ),
            key=lambda one: one.at,
        )
    )


def _database(region: str, raw: Mapping[str, Any]) -> Database:
    groups = raw.get("DBParameterGroups") or []
    return Database(
        region=region,
        id=raw["DBInstanceIdentifier"],
        arn=raw.get("DBInstanceArn") or "",
        status=raw.get("DBInstanceStatus") or "",
        engine=raw.get("Engine") or "",
        version=raw.get("EngineVersion") or "",
        instance_class=raw.get("DBInstanceClass") or "",
        storage=raw.get("AllocatedStorage") or 0,
        storage_limit=raw.get("MaxAllocatedStorage"),
        multi_az=bool(raw.get("MultiAZ")),
        replica_of=raw.get("ReadReplicaSourceDBInstanceIdentifier") or None,
        cluster=raw.get("DBClusterIdentifier") or None,
        parameters=groups[0].get("DBParameterGroupName", "") if groups else "",
        pending=tuple(sorted(raw.get("PendingModifiedValues") or ())),
    )


def _cluster(region: str, raw: Mapping[str, Any]) -> DatabaseCluster:
    members = raw.get("DBClusterMembers") or []
    return DatabaseCluster(
        region=region,
        id=raw["DBClusterIdentifier"],
        arn=raw.get("DBClusterArn") or "",
        status=raw.get("Status") or "",
        engine=raw.get("Engine") or "",
        members=tuple(one["DBInstanceIdentifier"] for one in members),
        writer=next((one["DBInstanceIdentifier"] for one in members if one.get("IsClusterWriter")), None),
    )
