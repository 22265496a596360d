"""Lambda functions and what feeds them -> Evidence."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from tools.evidence import Evidence, Trust, evidence
from tools.reads.aws.evidence.basics import console
from tools.reads.aws.views import EventSource, Function


def of_function(function: Function, at: datetime) -> Evidence:
    """A function's settings, aliases and newest versions."""
    reserved = "not reserved" if function.reserved is None else str(function.reserved)
    modified = f"{function.modified_at:%Y-%m-%d %H:%M:%S} UTC" if function.modified_at else "unknown"
    lines = [
        f"state {function.state} {function.state_reason}".rstrip(),
        f"last update {function.update or 'unknown'} {function.update_reason}".rstrip() + f", modified {modified}",
        f"runtime {function.runtime}, memory {function.memory} MB, timeout {function.timeout} s",
        f"reserved concurrency {reserved}",
        *(f"alias {one.name} -> version {one.version}" for one in function.aliases),
        *(f"version {one.number} published {one.published_at or 'unknown'}" for one in function.versions),
        f"env names: {', '.join(function.env) or 'none'}",
    ]
    return evidence(
        tool="aws_lambda",
        query=f"{function.region} {function.name}",
        summary=f"{function.name} is {function.state}, last modified {modified}",
        excerpt="\n".join(lines),
        at=at,
        trust=Trust.STATUS,
        url=console(function.region, "lambda", f"/functions/{quote(function.name, safe='')}"),
    )


def of_source(region: str, source: EventSource, at: datetime) -> Evidence:
    """One event source mapping."""
    fed = f"{source.source.rsplit(':', 1)[-1]} -> {source.function.rsplit(':', 1)[-1]}"
    changed = f", changed {source.changed_at:%Y-%m-%d %H:%M:%S} UTC" if source.changed_at else ""
    return evidence(
        tool="aws_event_source",
        query=f"{region} {source.id}",
        summary=f"{fed} is {source.state}",
        excerpt=f"{fed}\nstate {source.state}{changed}\nlast result: {source.result or 'unknown'}",
        at=at,
        trust=Trust.STATUS,
    )
