"""Rules about file systems that fill up."""

from __future__ import annotations

from tools import resources
from tools.evidence import Finding, Severity
from tools.reads.aws import evidence
from tools.reads.aws.views import DISK_METRIC, Picture, Series

DISK_FULL = 90.0
"""Percent used. Common practice: warn at 85, act at 90."""


def disk_full(picture: Picture) -> Finding | None:
    """The fullest file system of the instance is nearly full, as the CloudWatch agent reports it.

    Source: CloudWatch agent metric disk_used_percent; thresholds by common practice.
    """
    instance, disk = picture.instance, fullest(picture)
    latest = disk.latest if disk else None
    if instance is None or disk is None or latest is None or latest.value < DISK_FULL:
        return None
    return Finding(
        code="aws.disk_full",
        title=f"{instance.id} has no room on {path(disk)}",
        statement=f"{latest.value:.0f} % of {path(disk)} on {instance.id} is used.",
        severity=Severity.SEV2,
        confidence=8,
        resource=resources.aws(instance.region, "Instance", instance.id),
        evidence_ids=(
            evidence.of_series(disk, picture.at).id,
            evidence.of_instance(instance, picture.at).id,
        ),
    )


def fullest(picture: Picture) -> Series | None:
    """The disk series with the highest latest value; None where no disk has reported anything just now."""
    disks = [one for one in picture.series if one.metric == DISK_METRIC and one.recent(picture.at)]
    return max(disks, key=lambda one: one.points[-1].value, default=None)


def path(disk: Series) -> str:
    """Where the file system is mounted, as the agent's `path` dimension says."""
    return disk.dimensions.get("path", "an unnamed file system")
