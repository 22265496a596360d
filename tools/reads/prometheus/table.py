"""READS of Prometheus: what the model and the command line may ask for. Nothing here can change a thing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field

from tools.clients import Readers
from tools.clients.prometheus import PrometheusReader
from tools.errors import PermanentError
from tools.evidence import Evidence
from tools.reads.prometheus import around, asking, evidence
from tools.reads.prometheus.expressions import LONGEST
from tools.reads.read import Read
from tools.values import Value

Expression = Annotated[str, Field(min_length=1, max_length=LONGEST)]
Named = Annotated[str, Field(max_length=200)]


class Query(Value):
    """A PromQL expression."""

    expression: Expression


class RangeQuery(Query):
    """A PromQL expression over the last minutes."""

    minutes: Annotated[int, Field(ge=5, le=10_080)] = 60


class RuleNamed(Value):
    """An alerting rule by its name; empty for those that fire."""

    alert: Named = ""


class TargetsOf(Value):
    """Targets by job and namespace; empty for every one."""

    job: Named = ""
    namespace: Named = ""


def _query(asked: Query, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    return (evidence.of_instant(asking.instant(asked.expression, at, _prometheus(readers)), at),)


def _query_range(asked: RangeQuery, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    found = asking.over(asked.expression, at - timedelta(minutes=asked.minutes), at, _prometheus(readers))
    return (evidence.of_range(found, " ".join(asked.expression.split())[:60], at),)


def _rule(asked: RuleNamed, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    rules = asking.alert_rules(_prometheus(readers))
    found = [one for one in rules if (one.name == asked.alert if asked.alert else one.state == "firing")]
    return (evidence.of_rules(found, at),)


def _targets(asked: TargetsOf, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    wanted = {key: value for key, value in asked.model_dump().items() if value}
    if wanted:
        down, scraped = around.down_targets(wanted, _prometheus(readers))
    else:
        every = asking.targets(_prometheus(readers))
        down, scraped = tuple(one for one in every if one.health == "down"), len(every)
    about = ", ".join(f"{key}={value}" for key, value in wanted.items())
    return (evidence.of_targets(down, scraped, about, at),)


def _prometheus(readers: Readers) -> PrometheusReader:
    if readers.prometheus is None:
        raise PermanentError("Prometheus is not configured (SAYSO_PROMETHEUS_URL)")
    return readers.prometheus


READS: tuple[Read[Any], ...] = (
    Read(
        name="prom_query",
        description="What a PromQL expression gives now.",
        arguments=Query,
        run=_query,
        permissions=("GET api/v1/query",),
    ),
    Read(
        name="prom_query_range",
        description="What a PromQL expression gave over the last minutes.",
        arguments=RangeQuery,
        run=_query_range,
        permissions=("GET api/v1/query_range",),
    ),
    Read(
        name="prom_alert_rule",
        description="An alerting rule's own expression and state; without a name, the rules that fire.",
        arguments=RuleNamed,
        run=_rule,
        permissions=("GET api/v1/rules",),
    ),
    Read(
        name="prom_targets",
        description="Scrape targets that are down, and why.",
        arguments=TargetsOf,
        run=_targets,
        permissions=("GET api/v1/targets",),
    ),
)
"""Every read of Prometheus."""
