"""Rules about what keeps data: RDS, DynamoDB, SQS and S3."""

from __future__ import annotations

from tools.diagnosis.rule import ANYTHING, Rule
from tools.evidence import Role

DATA: tuple[Rule, ...] = (
    Rule(
        code="aws.rds_storage_full",
        role=Role.RESOURCE,
        source="RDS DescribeDBInstances DBInstanceStatus storage-full",
        evidence="the instance",
        remedy="Raise the allocated storage; RDS takes no writes until then.",
        silent_on=("storage that is merely low",),
    ),
    Rule(
        code="aws.rds_storage_low",
        role=Role.RESOURCE,
        source="FreeStorageSpace < 10 % of the allocated, or full in less than 4 days at the last day's pace",
        evidence="the metric and the instance",
        remedy="Raise the allocated storage or switch storage autoscaling on; find out what grows.",
        silent_on=(
            "Aurora, whose storage grows by itself",
            "storage that stays as it is",
        ),
    ),
    Rule(
        code="aws.rds_not_available",
        role=Role.DEPENDENCY,
        source="RDS DescribeDBInstances DBInstanceStatus",
        evidence="the instance",
        remedy="Do what the status calls for; a stopped instance can be started again.",
        silent_on=("available, backing-up and the like",),
        explained_by=(
            "aws.rds_storage_full",
            "aws.rds_failover",
            "aws.rds_restarted",
        ),
    ),
    Rule(
        code="aws.rds_failover",
        role=Role.DEPENDENCY,
        source="RDS DescribeEvents: failover within the hour before the alarm",
        evidence="the instance or cluster with its events",
        remedy="Check that the clients found the new writer; those with cached addresses have to be restarted.",
        silent_on=(
            "a failover more than an hour before the alarm",
            "a failover on a reader",
        ),
    ),
    Rule(
        code="aws.rds_restarted",
        role=Role.CHANGE,
        source="RDS DescribeEvents: restart within the hour before the alarm",
        evidence="the instance with its events",
        remedy="Check who restarted it, and that the clients connected again.",
        silent_on=("a restart more than an hour before the alarm",),
    ),
    Rule(
        code="aws.rds_connections",
        role=Role.RESOURCE,
        source="DatabaseConnections > 80 % warn, > 90 % critical of max_connections, or the alarm's own limit",
        evidence="the metric and the instance",
        remedy="Find the client that holds the most connections; a pooler such as RDS Proxy helps for good.",
        silent_on=("a parameter group of one's own, whose maximum is not known here",),
    ),
    Rule(
        code="aws.rds_memory",
        role=Role.RESOURCE,
        source="AWS recommended alarms: FreeableMemory < 10 % of the class' memory, 5 of 5 minutes",
        evidence="the metric and the instance",
        remedy="Find what uses the memory, or take a larger class.",
        silent_on=(
            "a class whose memory is not known",
            "exactly 10 %",
        ),
    ),
    Rule(
        code="aws.rds_io_balance",
        role=Role.RESOURCE,
        source="AWS recommended alarms: BurstBalance < 10 %",
        evidence="the metric and the instance",
        remedy="Take gp3 or provisioned IOPS, or find what reads so much.",
        silent_on=("volumes without credits",),
    ),
    Rule(
        code="aws.rds_cpu",
        role=Role.RESOURCE,
        source="AWS recommended alarms: RDS CPUUtilization > 80 % warn, > 90 % critical, 5 of 5 minutes",
        evidence="the metric and the instance",
        remedy="Look at the heaviest queries first; a larger class is the dear way out.",
        silent_on=(
            "4 of 5 minutes",
            "exactly 80 %",
        ),
    ),
    Rule(
        code="aws.rds_replica_lag",
        role=Role.SYMPTOM,
        source="ReplicaLag > 60 s in 3 of 5 minutes",
        evidence="the metric and the instance",
        remedy="Look for long transactions and heavy writes on the source.",
        silent_on=("an instance that is no replica",),
        explained_by=(ANYTHING,),
    ),
    Rule(
        code="aws.dynamodb_not_active",
        role=Role.DEPENDENCY,
        source="DynamoDB DescribeTable TableStatus",
        evidence="the table",
        remedy="Wait for what is under way, or undo it.",
        silent_on=("ACTIVE and UPDATING",),
    ),
    Rule(
        code="aws.dynamodb_throttled",
        role=Role.RESOURCE,
        source="Read- or WriteThrottleEvents > 0 in 3 of 5 minutes; consumed > 80 % of the provisioned capacity",
        evidence="throttles, consumption, the table",
        remedy="Raise the capacity or bill by request; look for one hot key if capacity is left.",
        silent_on=(
            "a single throttled minute",
            "full capacity without throttles",
        ),
    ),
    Rule(
        code="aws.sqs_in_flight",
        role=Role.RESOURCE,
        source="SQS quota: 120,000 messages in flight (20,000 FIFO), > 90 %",
        evidence="the queue",
        remedy="Make consumers delete what they processed, and shorten the visibility time-out.",
        silent_on=("messages that merely wait",),
    ),
    Rule(
        code="aws.sqs_dead_letters",
        role=Role.SYMPTOM,
        source="a dead-letter queue whose number of messages grows",
        evidence="the queue and its metric",
        remedy="Look at why the consumer fails; move the messages back only then.",
        silent_on=(
            "dead letters that have lain there unchanged",
            "an empty queue",
        ),
        explained_by=(ANYTHING,),
    ),
    Rule(
        code="aws.sqs_backlog",
        role=Role.SYMPTOM,
        source="ApproximateAgeOfOldestMessage > 300 s in 3 of 5 minutes and growing",
        evidence="the queue and its metrics",
        remedy="Look at its consumer: whether it runs, and whether it fails.",
        silent_on=(
            "an old backlog that shrinks",
            "300 s or less",
            "a queue that is only busy",
        ),
        explained_by=(ANYTHING,),
    ),
    Rule(
        code="aws.s3_errors",
        role=Role.SYMPTOM,
        source="AWS recommended alarms: 4xxErrors or 5xxErrors > 5 % in 15 of 15 minutes (request metrics)",
        evidence="the metric and the bucket",
        remedy="4xx: compare the callers' permissions with the bucket policy; 5xx: retry more slowly, spread the keys.",
        silent_on=("a bucket without request metrics",),
    ),
)
