"""SQS queues, DynamoDB tables and S3 buckets: health from how much waits or is refused, and findings from it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tools.diagnosis.aws.checks import Checks, found, severity
from tools.diagnosis.aws.health import (
    Health,
    Reason,
    Verdict,
    count,
    growing,
    judged,
    last_hour,
    state,
    surge,
    verdict,
)
from tools.diagnosis.confidence import Strength
from tools.evidence import Finding
from tools.reads.aws import evidence
from tools.reads.aws.views import Bucket, DynamoTable, Picture, Queue, Series

IN_FLIGHT = {False: 120_000, True: 20_000}
"""Most messages in flight of a standard queue and of a FIFO queue (SQS quotas)."""
NEARLY = 0.9
ALARMED = {
    "SystemErrors": ("dynamodb.system_errors", "errors of DynamoDB itself a minute"),
    "ThrottledRequests": ("dynamodb.throttles", "throttled requests a minute"),
}
"""Metrics of a table that are judged only where an alarm watches them: the check and its words."""


def health_of_queue(queue: Queue, picture: Picture) -> Verdict:
    """How long the oldest message waits, how many are in flight, and whether dead letters come in."""
    checks = Checks(picture, "AWS/SQS", {"QueueName": queue.name})
    if is_dead_letters(queue, picture):
        return verdict(queue.resource, (_dead_letters(queue, picture, checks),))
    age = checks.metric("sqs.age", "ApproximateAgeOfOldestMessage", "Maximum", "the age of the oldest message")
    if age.health is Health.UNHEALTHY and not _backs_up(checks, picture):
        # Old, but shrinking: somebody is working it off.
        age = age.model_copy(update={"health": Health.DEGRADED, "said": f"{age.said}, and the backlog shrinks"})
    waiting = checks.metric("sqs.waiting", "ApproximateNumberOfMessagesVisible", "Maximum", "the number that waits")
    if waiting.health is Health.UNHEALTHY and not _backs_up(checks, picture):
        waiting = waiting.model_copy(update={"health": Health.DEGRADED, "said": f"{waiting.said}, and it shrinks"})
    return verdict(queue.resource, (age, waiting, _in_flight(queue, picture), *_empty(queue)))


def health_of_table(table: DynamoTable, picture: Picture) -> Verdict:
    """Status, throttled requests, and how much of the provisioned capacity is used."""
    checks = Checks(picture, "AWS/DynamoDB", {"TableName": table.name})
    active = table.status in ("ACTIVE", "UPDATING")
    reasons = [state("status", f"status {table.status}", Health.HEALTHY if active else Health.UNHEALTHY)]
    for way, capacity in (("Read", table.read_capacity), ("Write", table.write_capacity)):
        reasons.append(_throttles(way, checks))
        if capacity:
            used = checks.series(f"Consumed{way}CapacityUnits", "Sum")
            what = f"{way.lower()} capacity in use"
            # Units are a second, and the metric sums up a minute.
            reasons.append(judged("dynamodb.capacity", used, picture.at, what, 100 / (60 * capacity)))
    if (watched := ALARMED.get(picture.subject.metric)) is not None:
        # CloudWatch keeps these by operation only, which the owner's alarm names.
        check, what = watched
        reasons.append(checks.metric(check, picture.subject.metric, "Sum", what))
    return verdict(table.resource, reasons)


def health_of_bucket(bucket: Bucket, picture: Picture) -> Verdict:
    """Its error ratios, where request metrics are on. Its settings are no fault by themselves."""
    at = {"BucketName": bucket.name, "FilterId": picture.subject.dimensions.get("FilterId", "")}
    checks = Checks(picture, "AWS/S3", at)
    kinds = ("4xxErrors", "5xxErrors")
    return verdict(
        bucket.resource,
        (checks.metric("s3.errors", kind, "Average", f"{kind[:3]} answers", 100.0) for kind in kinds),
    )


def findings(picture: Picture) -> Iterator[Finding]:
    """What ails the queues, tables and buckets of a picture."""
    for queue in picture.queues:
        yield from _of_queue(queue, picture)
    for table in picture.tables:
        yield from _of_table(table, picture)
    for bucket in picture.buckets:
        yield from _of_bucket(bucket, picture)


def is_dead_letters(queue: Queue, picture: Picture) -> bool:
    """Whether another queue of the picture sends what it cannot process here."""
    targets = {one.dead_letters for one in picture.queues} | {one.dead_letters for one in picture.functions}
    return queue.arn in targets - {None}


def _of_queue(queue: Queue, picture: Picture) -> Iterator[Finding]:
    judged_ = health_of_queue(queue, picture)
    ids = (evidence.of_queue(queue, picture.at).id,)
    if (reason := judged_.bad("sqs.dead_letters")) and reason.health is Health.UNHEALTHY:
        fed = [one.name for one in picture.queues if one.dead_letters == queue.arn]
        yield found(
            "aws.sqs_dead_letters",
            f"Messages end in {queue.name}",
            f"{queue.visible} messages lie in {queue.name}, and more come in"
            + (f": {', '.join(fed)} gave up on them." if fed else "."),
            queue.resource,
            (*reason.evidence_ids, *ids),
            Strength.FITTING,
            since=reason.since,
        )
    for check in ("sqs.age", "sqs.waiting"):
        if (reason := judged_.bad(check)) and reason.health is Health.UNHEALTHY:
            yield _backlog(queue, reason, picture)
            break
    if reason := judged_.bad("sqs.in_flight"):
        yield found(
            "aws.sqs_in_flight",
            f"{queue.name} is at its limit of messages in flight",
            f"{reason.said[0].upper()}{reason.said[1:]}: consumers take messages and do not delete them.",
            queue.resource,
            ids,
            Strength.STATED,
        )


def _backlog(queue: Queue, reason: Reason, picture: Picture) -> Finding:
    """A queue that is emptied more slowly than it fills; who should empty it is told as far as it is known."""
    checks = Checks(picture, "AWS/SQS", {"QueueName": queue.name})
    sent, deleted = checks.series("NumberOfMessagesSent", "Sum"), checks.series("NumberOfMessagesDeleted", "Sum")
    baseline = picture.baseline("AWS/SQS", "NumberOfMessagesSent", {"QueueName": queue.name})
    more = surge(last_hour(sent, picture.at), baseline, picture.at)
    consumers = [one for one in picture.sources if one.source == queue.arn]
    who = "No Lambda function reads it; ask who does" if not consumers else "Its consumer is too slow or failing"
    if deleted is not None and _recent(deleted, picture) == 0 and queue.visible:
        who = "Nothing is being deleted from it: its consumer is down or failing"
    if more and "usually" in more and _recent(deleted, picture) > 0:
        who = f"More is sent than usual ({more})"
    measures = (evidence.of_series(one, picture.at).id for one in (sent, deleted) if one is not None)
    return found(
        "aws.sqs_backlog",
        f"{queue.name} is not emptied in time",
        f"{queue.visible} messages wait in {queue.name}, and {reason.said}. {who}.",
        queue.resource,
        (*reason.evidence_ids, *measures, evidence.of_queue(queue, picture.at).id),
        Strength.FITTING,
        severity(reason),
        since=reason.since,
    )


def _of_table(table: DynamoTable, picture: Picture) -> Iterator[Finding]:
    judged_ = health_of_table(table, picture)
    for reason in judged_.reasons:
        if reason.check != "dynamodb.throttles" or reason.health is not Health.UNHEALTHY:
            continue
        full = judged_.bad("dynamodb.capacity")
        why = "The provisioned capacity is used up" if full else "One key or index may get more than its share"
        yield found(
            "aws.dynamodb_throttled",
            f"{table.name} refuses requests",
            f"{table.name} throttles: {reason.said}. {why}.",
            table.resource,
            (*reason.evidence_ids, *(full.evidence_ids if full else ()), evidence.of_table(table, picture.at).id),
            Strength.MATCHED if full else Strength.FITTING,
            since=reason.since,
        )
    if (failing := judged_.bad("dynamodb.system_errors")) is not None:
        yield found(
            "aws.dynamodb_system_errors",
            f"DynamoDB fails requests to {table.name}",
            f"DynamoDB itself answers requests to {table.name} with errors: {failing.said}.",
            table.resource,
            (*failing.evidence_ids, evidence.of_table(table, picture.at).id),
            Strength.FITTING,
            since=failing.since,
        )
    if (reason_ := judged_.bad("status")) is not None:
        yield found(
            "aws.dynamodb_not_active",
            f"{table.name} is {table.status}",
            f"{table.name} takes no requests: its {reason_.said}.",
            table.resource,
            (evidence.of_table(table, picture.at).id,),
            Strength.STATED,
        )


def _of_bucket(bucket: Bucket, picture: Picture) -> Iterator[Finding]:
    for reason in health_of_bucket(bucket, picture).reasons:
        if reason.health is Health.UNHEALTHY:
            yield found(
                "aws.s3_errors",
                f"Requests to {bucket.name} fail",
                f"{bucket.name}: {reason.said}.",
                bucket.resource,
                (*reason.evidence_ids, evidence.of_bucket(bucket, picture.at).id),
                Strength.FITTING,
                since=reason.since,
            )


def _dead_letters(queue: Queue, picture: Picture, checks: Checks) -> Reason:
    """Dead letters are bad while more come in; those that have lain there for long are only worth a word."""
    series = checks.series("ApproximateNumberOfMessagesVisible", "Maximum")
    ids = (evidence.of_series(series, picture.at).id,) if series else ()
    if not queue.visible:
        return count("sqs.dead_letters", "no dead letters", Health.HEALTHY, *ids)
    heeded = checks.metric(
        "sqs.dead_letters", "ApproximateNumberOfMessagesVisible", "Maximum", "the number of dead letters"
    )
    points = series.points if series else ()
    more = bool(points) and points[-1].value > points[0].value
    level = Health.UNHEALTHY if more or heeded.alarmed else Health.DEGRADED
    came = next((late.at for early, late in pairwise(points) if late.value > early.value), None)
    return count("sqs.dead_letters", f"{queue.visible} dead letters", level, *ids, since=came or heeded.since)


def _empty(queue: Queue) -> tuple[Reason, ...]:
    return () if queue.visible else (count("empty", "nothing waits", Health.HEALTHY),)


def _in_flight(queue: Queue, picture: Picture) -> Reason:
    most = IN_FLIGHT[queue.fifo]
    said = f"{queue.in_flight:,} of at most {most:,} messages are in flight"
    full = queue.in_flight > NEARLY * most
    ids = (evidence.of_queue(queue, picture.at).id,)
    return state("sqs.in_flight", said, Health.UNHEALTHY if full else Health.HEALTHY, *ids)


def _backs_up(checks: Checks, picture: Picture) -> bool:
    age = checks.series("ApproximateAgeOfOldestMessage", "Maximum")
    waiting = checks.series("ApproximateNumberOfMessagesVisible", "Maximum")
    return growing(age, picture.at) or growing(waiting, picture.at)


def _throttles(way: str, checks: Checks) -> Reason:
    part, whole = f"{way}ThrottleEvents", f"Consumed{way}CapacityUnits"
    return checks.counter("dynamodb.throttles", part, whole, f"throttled {way.lower()}s a minute")


def _recent(series: Series | None, picture: Picture) -> float:
    return sum(one.value for one in series.recent(picture.at)) if series else 0.0
