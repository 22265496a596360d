"""SQS queues, DynamoDB tables and S3 buckets, read. Their settings and sizes only, never what is in them."""

from __future__ import annotations

import json
from typing import Any

from tools.clients.aws import AwsIdentity, reading
from tools.reads.aws.views import Bucket, DynamoTable, Queue

ASKED = [
    "QueueArn",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
    "RedrivePolicy",
]
FOUR_WAYS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def queue(region: str, name: str, identity: AwsIdentity) -> Queue | None:
    """A queue of the account; None when there is none of that name."""
    client = identity.of("sqs", region)
    with reading("sqs:GetQueueUrl"):
        try:
            url = client.get_queue_url(QueueName=name)["QueueUrl"]
        except client.exceptions.QueueDoesNotExist:
            return None
    with reading("sqs:GetQueueAttributes"):
        raw = client.get_queue_attributes(QueueUrl=url, AttributeNames=ASKED).get("Attributes") or {}
    redrive = json.loads(raw.get("RedrivePolicy") or "{}")
    return Queue(
        region=region,
        name=name,
        arn=raw.get("QueueArn", ""),
        visible=int(raw.get("ApproximateNumberOfMessages", 0)),
        in_flight=int(raw.get("ApproximateNumberOfMessagesNotVisible", 0)),
        delayed=int(raw.get("ApproximateNumberOfMessagesDelayed", 0)),
        dead_letters=redrive.get("deadLetterTargetArn"),
        most_receives=int(redrive["maxReceiveCount"]) if "maxReceiveCount" in redrive else None,
    )


def dead_letters_of(region: str, name: str, identity: AwsIdentity) -> tuple[str, ...]:
    """The names of the queues whose failed messages end in this one."""
    client = identity.of("sqs", region)
    with reading("sqs:ListDeadLetterSourceQueues"):
        url = client.get_queue_url(QueueName=name)["QueueUrl"]
        found = client.list_dead_letter_source_queues(QueueUrl=url).get("queueUrls") or []
    return tuple(one.rsplit("/", 1)[-1] for one in found)


def table(region: str, name: str, identity: AwsIdentity) -> DynamoTable | None:
    """A DynamoDB table; None when there is none of that name."""
    client = identity.of("dynamodb", region)
    with reading("dynamodb:DescribeTable"):
        try:
            raw = client.describe_table(TableName=name)["Table"]
        except client.exceptions.ResourceNotFoundException:
            return None
    capacity = raw.get("ProvisionedThroughput") or {}
    return DynamoTable(
        region=region,
        name=name,
        arn=raw.get("TableArn") or "",
        status=raw.get("TableStatus") or "",
        # Billed by request, AWS answers a capacity of zero.
        read_capacity=capacity.get("ReadCapacityUnits") or None,
        write_capacity=capacity.get("WriteCapacityUnits") or None,
        indexes=tuple(one["IndexName"] for one in raw.get("GlobalSecondaryIndexes") or []),
    )


def bucket(region: str, name: str, identity: AwsIdentity) -> Bucket | None:
    """A bucket's public access and lifecycle; None when there is none of that name."""
    from botocore.exceptions import ClientError

    client = identity.of("s3", region)
    with reading("s3:GetBucketPolicyStatus"):
        try:
            public = _or_nothing(client, lambda: client.get_bucket_policy_status(Bucket=name)["PolicyStatus"])
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "NoSuchBucket":
                return None
            raise
    with reading("s3:GetBucketPublicAccessBlock"):
        block = _or_nothing(
            client, lambda: client.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
        )
    with reading("s3:GetLifecycleConfiguration"):
        rules = _or_nothing(client, lambda: client.get_bucket_lifecycle_configuration(Bucket=name))
    return Bucket(
        region=region,
        name=name,
        public=bool(public.get("IsPublic")),
        blocked=all(block.get(way) for way in FOUR_WAYS),
        lifecycle_rules=len(rules.get("Rules") or []),
    )


def _or_nothing(client: Any, ask: Any) -> dict[str, Any]:
    """S3 words "there is none" as an error."""
    from botocore.exceptions import ClientError

    try:
        found: dict[str, Any] = ask()
    except ClientError as error:
        if not error.response.get("Error", {}).get("Code", "").startswith("NoSuch") or _no_bucket(error):
            raise
        return {}
    return found


def _no_bucket(error: Any) -> bool:
    return bool(error.response.get("Error", {}).get("Code") == "NoSuchBucket")
