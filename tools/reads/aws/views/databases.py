"""RDS instances and clusters, and what happened to them, as values."""

from __future__ import annotations

from tools import resources
from tools.reads.aws.views.basics import Utc
from tools.resources import Resource
from tools.values import Value


class DatabaseEvent(Value):
    """One thing RDS reports about an instance or cluster, redacted."""

    at: Utc
    source: str
    categories: tuple[str, ...]
    text: str


class Database(Value):
    """A DB instance."""

    region: str
    id: str
    arn: str = ""
    status: str
    engine: str
    version: str = ""
    instance_class: str = ""
    storage: int = 0
    """GiB allocated; Aurora answers 1, its storage is the cluster's."""
    storage_limit: int | None = None
    """GiB up to which storage autoscaling may grow it."""
    multi_az: bool = False
    replica_of: str | None = None
    cluster: str | None = None
    parameters: str = ""
    """The name of its parameter group."""
    pending: tuple[str, ...] = ()
    """Names of the settings that change at the next restart or window."""
    events: tuple[DatabaseEvent, ...] = ()
    """Oldest first."""

    @property
    def resource(self) -> Resource:
        """Its name everywhere."""
        return resources.aws(self.region, "Database", self.id)


class DatabaseCluster(Value):
    """An Aurora or Multi-AZ cluster and its members."""

    region: str
    id: str
    arn: str = ""
    status: str
    engine: str
    members: tuple[str, ...] = ()
    writer: str | None = None
    events: tuple[DatabaseEvent, ...] = ()

    @property
    def resource(self) -> Resource:
        """Its name everywhere."""
        return resources.aws(self.region, "DatabaseCluster", self.id)
