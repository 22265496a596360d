"""Queues, DynamoDB tables and buckets, as values. Never what is in them."""

from __future__ import annotations

from tools import resources
from tools.resources import Resource
from tools.values import Value


class Queue(Value):
    """An SQS queue and how much waits in it."""

    region: str
    name: str
    arn: str
    visible: int
    in_flight: int
    delayed: int = 0
    dead_letters: str | None = None
    """The ARN of the queue that gets what cannot be processed."""
    most_receives: int | None = None

    @property
    def fifo(self) -> bool:
        """Whether it is a FIFO queue."""
        return self.name.endswith(".fifo")

    @property
    def resource(self) -> Resource:
        """Its name everywhere."""
        return resources.aws(self.region, "Queue", self.name)


class DynamoTable(Value):
    """A DynamoDB table; capacities are None where it is billed by request."""

    region: str
    name: str
    arn: str = ""
    status: str
    read_capacity: int | None = None
    write_capacity: int | None = None
    indexes: tuple[str, ...] = ()

    @property
    def resource(self) -> Resource:
        """Its name everywhere."""
        return resources.aws(self.region, "DynamoTable", self.name)


class Bucket(Value):
    """An S3 bucket's settings; None where they could not be told."""

    region: str
    name: str
    public: bool | None = None
    blocked: bool | None = None
    """Whether public access is blocked in all four ways."""
    lifecycle_rules: int | None = None

    @property
    def resource(self) -> Resource:
        """Its name everywhere."""
        return resources.aws(self.region, "Bucket", self.name)
