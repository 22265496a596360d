"""Queues, DynamoDB tables and buckets -> Evidence."""

from __future__ import annotations

from datetime import datetime

from tools.evidence import Evidence, Trust, evidence
from tools.reads.aws.views import Bucket, DynamoTable, Queue


def of_queue(queue: Queue, at: datetime) -> Evidence:
    """How much waits in a queue, and where what fails goes."""
    dead = queue.dead_letters.rsplit(":", 1)[-1] if queue.dead_letters else "nowhere"
    after = f" after {queue.most_receives} receives" if queue.most_receives else ""
    waiting = f"{queue.visible} messages wait, {queue.in_flight} are in flight"
    return evidence(
        tool="aws_sqs",
        query=f"{queue.region} {queue.name}",
        summary=f"{queue.name}: {waiting}",
        excerpt=f"{waiting}, {queue.delayed} are delayed\ndead letters go to {dead}{after}",
        at=at,
        trust=Trust.STATUS,
    )


def of_table(table: DynamoTable, at: datetime) -> Evidence:
    """A table's status and capacity."""
    billed = "billed by request"
    if table.read_capacity is not None:
        billed = f"provisioned {table.read_capacity} read and {table.write_capacity} write units a second"
    return evidence(
        tool="aws_dynamodb",
        query=f"{table.region} {table.name}",
        summary=f"{table.name} is {table.status}, {billed}",
        excerpt=f"status {table.status}\n{billed}\nindexes: {', '.join(table.indexes) or 'none'}",
        at=at,
        trust=Trust.STATUS,
    )


def of_bucket(bucket: Bucket, at: datetime) -> Evidence:
    """Who may see a bucket, and whether anything ever leaves it."""
    public = "public by its policy" if bucket.public else "not public by its policy"
    blocked = "blocked" if bucket.blocked else "not blocked in all four ways"
    return evidence(
        tool="aws_s3",
        query=f"{bucket.region} {bucket.name}",
        summary=f"{bucket.name} is {public}",
        excerpt=f"{public}\npublic access is {blocked}\nlifecycle rules: {bucket.lifecycle_rules}",
        at=at,
        trust=Trust.STATUS,
    )
