"""When a metric of AWS is bad: every threshold there is, in one table, each with where it comes from.

`AWS` is AWS' own recommended alarm for the service, `practice` is what most teams do.
"""

from __future__ import annotations

from tools.values import Value

AWS, PRACTICE = "AWS recommended alarms", "common practice"


class Threshold(Value):
    """A metric is bad when `breaching` of its last `windows` datapoints are beyond a limit."""

    warn: float | None = None
    critical: float | None = None
    below: bool = False
    """Whether low values are the bad ones."""
    inclusive: bool = False
    """Whether the limit itself is bad already."""
    breaching: int = 3
    windows: int = 5
    period: int = 60
    """Seconds a window is long."""
    traffic: float = 0
    """Requests that the windows must hold together before a ratio says anything."""
    unit: str = ""
    source: str = PRACTICE


def _sure(critical: float, **more: object) -> Threshold:
    return Threshold.model_validate({"critical": critical, **more})


def _both(warn: float, critical: float, **more: object) -> Threshold:
    return Threshold.model_validate({"warn": warn, "critical": critical, **more})


def _warn(warn: float, **more: object) -> Threshold:
    return Threshold.model_validate({"warn": warn, **more})


LONG = {"breaching": 3, "windows": 3, "period": 300}
EVERY = {"breaching": 5, "windows": 5}
RATIO = {"breaching": 2, "windows": 5, "unit": "%"}

THRESHOLDS: dict[str, Threshold] = {
    "ec2.status_check": _sure(1, inclusive=True, breaching=2, windows=2, source=AWS),
    "ec2.cpu": _warn(80, unit="%", source=AWS, **LONG),
    "ec2.credits": _warn(20, below=True, **LONG),
    "ecs.cpu": _warn(80, unit="%", source=AWS, **EVERY),
    "ecs.memory": _warn(80, unit="%", source=AWS, **EVERY),
    "lambda.errors": _both(1, 5, traffic=20, **RATIO),
    "lambda.throttles": _sure(0, breaching=3, windows=5, source=AWS),
    "lambda.duration": _warn(80, unit="% of the timeout", breaching=3, windows=5),
    "lambda.timeouts": _sure(99, unit="% of the timeout", inclusive=True, breaching=2, windows=5),
    "lambda.concurrency": _both(80, 90, unit="% of the limit", source=AWS),
    "lambda.iterator_age": _sure(60_000, unit="ms"),
    "lambda.dead_letter_errors": _sure(0, breaching=1, windows=5, source=AWS),
    "rds.cpu": _both(80, 90, unit="%", source=AWS, **EVERY),
    "rds.load": _warn(100, unit="% of the vCPUs", source="RDS guide: DB load above Max vCPU", **EVERY),
    "rds.memory": _sure(10, below=True, unit="% free", source=AWS, **EVERY),
    "rds.storage": _both(20, 10, below=True, unit="% free", breaching=1, windows=1, period=300, source=AWS),
    "rds.connections": _both(80, 90, unit="% of the most", source=AWS, **EVERY),
    "rds.replica_lag": _sure(60, unit="s", source=AWS),
    "rds.latency": _warn(0.020, unit="s", source=AWS, **EVERY),
    "rds.io_balance": _sure(10, below=True, unit="%", source=AWS),
    "rds.swap": _warn(256 * 1024 * 1024, unit="bytes", **EVERY),
    "alb.target_5xx": _both(1, 5, traffic=20, **RATIO),
    "alb.elb_5xx": _sure(0, breaching=3, windows=5),
    "alb.latency": _warn(2, unit="s"),
    "alb.rejected": _sure(0, breaching=3, windows=5, source=AWS),
    "sqs.age": _sure(300, unit="s", source=PRACTICE),
    "sqs.waiting": _sure(100_000, source=PRACTICE),
    "sqs.dead_letters": _sure(0, breaching=1, windows=1),
    "sqs.in_flight": _sure(90, unit="% of 120,000", breaching=1, windows=1, source="SQS quotas"),
    "dynamodb.throttles": _sure(0, breaching=3, windows=5, source=AWS),
    "dynamodb.system_errors": _sure(0, breaching=3, windows=5, source=AWS),
    "dynamodb.capacity": _warn(80, unit="% of the provisioned", source=AWS, **EVERY),
    "api.5xx": _sure(5, traffic=20, breaching=3, windows=3, unit="%", source=AWS),
    "api.4xx": _warn(5, traffic=20, breaching=5, windows=5, unit="%", source=AWS),
    "api.latency": _warn(2500, unit="ms", source=AWS, **EVERY),
    "s3.errors": _sure(5, traffic=20, breaching=15, windows=15, unit="%", source=AWS),
    "nat.ports": _sure(0, breaching=2, windows=5, source=AWS),
    "acm.days": _both(44, 7, below=True, inclusive=True, breaching=1, windows=1, unit="days", source=AWS),
}
"""By the name the rules use."""

STORAGE_DAYS = 4.0
"""A disk that is full sooner than this, at the pace of the last day, is low already (RDS: practice)."""
TASKS_SHORT_MINUTES = 5
"""Fewer tasks than wanted for so long is no start-up any more (ECS: practice)."""
UNUSUAL = 3.0
"""Robust z beyond which the traffic of an hour is not that of the same hour on other days."""
FEWEST_DAYS = 4
"""Other days needed before anything is unusual."""
