"""What CloudTrail recorded around a time, read. Its text is attacker-writable, and its parameters may hold secrets:
of those only their names leave here, and a few plain ones with their value.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tools.clients.aws import AwsIdentity, reading
from tools.reads.aws.views import TrailEvent
from tools.redaction import redact

BEFORE, AFTER = timedelta(hours=6), timedelta(minutes=15)
PAUSE_SECONDS = 0.5
"""LookupEvents takes two requests a second in a region."""
FREE = 2
"""Requests that need no pause before them."""
MOST_PAGES = 4
PLAIN = frozenset(
    {
        "desiredCount",
        "taskDefinition",
        "forceNewDeployment",
        "memorySize",
        "timeout",
        "reservedConcurrentExecutions",
        "functionVersion",
        "enabled",
        "dBInstanceClass",
        "allocatedStorage",
        "multiAZ",
        "desiredCapacity",
        "minSize",
        "maxSize",
        "instanceType",
        "visibilityTimeout",
    }
)
"""Parameters whose value is a number, a switch or a name, and nothing else."""
LONGEST_VALUE = 80
MOST_PARAMETERS = 12
MOST_EVENTS = 30
"""Calls kept of what may be a busy region."""


@dataclass(frozen=True)
class Recorded:
    """A call, and every text in it that may be a name. Those may be secrets too: they never leave this module."""

    event: TrailEvent
    touched: frozenset[str] = field(repr=False)


@dataclass(frozen=True)
class Record:
    """The calls that were read, newest first, and whether older ones were left unread."""

    calls: tuple[Recorded, ...] = ()
    cut: bool = False

    @property
    def gap(self) -> str | None:
        """What to say of the older ones."""
        if not self.cut:
            return None
        return f"CloudTrail: only the newest {len(self.calls)} calls were read, and there are older ones"


def events(region: str, name: str | None, onset: datetime, at: datetime, identity: AwsIdentity) -> Record:
    """The calls that wanted to change something around `onset`, newest first, each once: those on the resource of
    this name, and the newest of the region, because CloudTrail does not know the resource of every call.
    """
    start, end = onset - BEFORE, min(onset + AFTER, at)
    found: dict[str, Recorded] = {}
    asked = [*([("ResourceName", name)] if name else []), ("ReadOnly", "false")]
    pages = 0
    older: dict[str, bool] = {}
    for key, value in asked:
        for raw, more in _pages(region, key, value, start, end, identity, pages):
            pages += 1
            older[key] = more
            for one in raw:
                event = _event(one)
                if event is not None:
                    found[event.id] = Recorded(event, _touched(one))
    return Record(tuple(sorted(found.values(), key=lambda one: one.event.at, reverse=True)), any(older.values()))


def about(record: Record, known: frozenset[str]) -> tuple[TrailEvent, ...]:
    """The calls that touched one of these names, at most MOST_EVENTS. What else their parameters said is forgotten."""
    touched = ((one.event, tuple(sorted(known & one.touched))) for one in record.calls)
    return tuple(event.model_copy(update={"about": names}) for event, names in touched if names)[:MOST_EVENTS]


def _pages(
    region: str, key: str, value: str, start: datetime, end: datetime, identity: AwsIdentity, before: int
) -> Iterator[tuple[list[Mapping[str, Any]], bool]]:
    """The pages of one question, newest first, each with whether there are more; only the first are asked for."""
    more: dict[str, str] = {}
    for page in range(MOST_PAGES // 2):
        if before + page >= FREE:
            time.sleep(PAUSE_SECONDS)
        with reading("cloudtrail:LookupEvents"):
            answer = identity.of("cloudtrail", region).lookup_events(
                LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}],
                StartTime=start,
                EndTime=end,
                MaxResults=50,
                **more,
            )
        yield answer.get("Events") or [], bool(answer.get("NextToken"))
        if not answer.get("NextToken"):
            return
        more = {"NextToken": answer["NextToken"]}


def _event(raw: Mapping[str, Any]) -> TrailEvent | None:
    """One recorded call; None where it only read."""
    detail = _detail(raw)
    if str(raw.get("ReadOnly", detail.get("readOnly", "false"))).lower() == "true":
        return None
    identity = detail.get("userIdentity") or {}
    return TrailEvent(
        id=raw["EventId"],
        at=raw["EventTime"],
        name=redact(raw.get("EventName") or ""),
        source=redact(raw.get("EventSource") or ""),
        by=redact(raw.get("Username") or identity.get("arn") or identity.get("invokedBy") or "unknown"),
        parameters=tuple(_parameters(detail.get("requestParameters") or {})),
        error=redact(detail["errorCode"]) if detail.get("errorCode") else None,
    )


def _detail(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        detail = json.loads(raw.get("CloudTrailEvent") or "{}")
    except ValueError:
        return {}
    return detail if isinstance(detail, dict) else {}


def _parameters(given: Mapping[str, Any]) -> Iterator[str]:
    for name, value in sorted(given.items())[:MOST_PARAMETERS]:
        if name in PLAIN and isinstance(value, str | int | float | bool):
            yield redact(f"{name}={str(value)[:LONGEST_VALUE]}")
        else:
            yield redact(name[:LONGEST_VALUE])


def _touched(raw: Mapping[str, Any]) -> frozenset[str]:
    """What the call touched: CloudTrail's own resources, and every parameter, whole and by the end of its path."""
    whole = {one.get("ResourceName") or "" for one in raw.get("Resources") or []}
    whole |= set(_texts(_detail(raw).get("requestParameters")))
    return frozenset(whole | {one.rsplit("/", 1)[-1].rsplit(":", 1)[-1] for one in whole}) - {""}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
