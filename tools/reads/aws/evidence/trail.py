"""What CloudTrail recorded -> Evidence. Whoever made a call chose its words."""

from __future__ import annotations

from datetime import datetime

from tools.evidence import Evidence, Trust, evidence
from tools.reads.aws.views import TrailEvent


def of_event(region: str, event: TrailEvent, at: datetime) -> Evidence:
    """One recorded call."""
    failed = f"\nrefused: {event.error}" if event.error else ""
    return evidence(
        tool="aws_cloudtrail",
        query=f"{region} {event.id}",
        summary=f"{event.by} called {event.name}",
        excerpt=f"{event.at:%Y-%m-%d %H:%M:%S} {event.source} {event.name} by {event.by}\n"
        f"about {', '.join(event.about)}\nparameters: {', '.join(event.parameters) or 'none'}{failed}",
        at=at,
        trust=Trust.TEXT,
    )
