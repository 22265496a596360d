"""CloudWatch log lines, read. Plain terms only: JSON patterns and Insights are for later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from tools.clients.aws import AwsIdentity, reading
from tools.reads.aws.views import LogLine
from tools.redaction import redact

TROUBLE = "?FATAL ?ERROR ?Error ?error ?CRITICAL ?Exception ?exception ?timeout ?refused"
"""A filter pattern for lines that look like trouble: CloudWatch has no case-insensitive term, so both are named."""
FUNCTION_TROUBLE = f'{TROUBLE} ?"Task timed out" ?"signal: killed" ?OutOfMemory'
"""The same for a function, whose runtime has words of its own."""
WINDOW = timedelta(minutes=15)
MOST_PAGES = 10
MOST_LINES = 50
LONGEST_LINE = 1000


def lines(
    region: str, group: str, at: datetime, identity: AwsIdentity, *, pattern: str = "", window: timedelta = WINDOW
) -> tuple[LogLine, ...]:
    """The newest MOST_LINES matching lines of the window up to `at`, oldest first."""
    asked: Any = {"filterPattern": pattern} if pattern else {}
    pages = (
        identity.logs(region)
        .get_paginator("filter_log_events")
        .paginate(
            logGroupName=group,
            startTime=_milliseconds(at - window),
            endTime=_milliseconds(at),
            **asked,
        )
    )
    # AWS answers oldest first, so everything is paged through and only the end kept.
    with reading("logs:FilterLogEvents"):
        found = [event for page in islice(pages, MOST_PAGES) for event in page["events"]]
    newest = sorted(found, key=lambda event: event.get("timestamp", 0))[-MOST_LINES:]
    return tuple(
        LogLine(
            at=datetime.fromtimestamp(event.get("timestamp", 0) / 1000, UTC),
            group=group,
            text=redact(event.get("message", "")[:LONGEST_LINE].rstrip()),
        )
        for event in newest
    )


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
