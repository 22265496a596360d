"""Tags -> Evidence. Whoever may tag a resource chose the words."""

from __future__ import annotations

from datetime import datetime

from tools.evidence import Evidence, Trust, evidence
from tools.reads.aws.views import Tagged


def of_tags(region: str, tagged: tuple[Tagged, ...], at: datetime) -> Evidence:
    """Whose the resources are, by their tags."""
    said = sum(bool(one.tags) for one in tagged)
    return evidence(
        tool="aws_tags",
        query=f"{region} {' '.join(one.resource.name for one in tagged[:3])}",
        summary=f"{said} of {len(tagged)} resources say by their tags whose they are",
        excerpt="\n".join(f"{one.resource.kind} {one.resource.name}: {one.tags}" for one in tagged) or "no resources",
        at=at,
        trust=Trust.TEXT,
    )
