"""Rules about Auto Scaling groups: too little capacity, and why it cannot grow."""

from __future__ import annotations

from datetime import timedelta
from textwrap import shorten

from tools import resources
from tools.evidence import Finding, Severity
from tools.reads.aws import evidence
from tools.reads.aws.views import Activity, Picture, ScalingGroup

CPU_METRIC = "CPUUtilization"
CPU_HIGH = 80.0
"""Percent. AWS' recommended alarm on EC2 CPUUtilization."""
RECENT = 3
"""Datapoints looked at: one spike is not a shortage (M of N windows)."""
FAILED = frozenset({"Failed", "Cancelled"})
FAILED_WINDOW = timedelta(hours=1)
LONGEST_REASON = 240
"""Most characters of AWS' own words within a sentence."""


def cpu_high(picture: Picture) -> Finding | None:
    """The group's instances are busy: with room below the maximum it is `asg_cpu_high`, without `asg_at_max`.

    Source: AWS recommended alarms, EC2 CPUUtilization > 80 %; "desired = max: no room" from the Auto Scaling guide.
    """
    group, cpu, level = picture.group, picture.watched, recent_average(picture)
    if group is None or cpu is None or level is None or level < _limit(picture):
        return None
    if group.in_service < group.desired:
        # More instances are on their way already: let them arrive before adding to them.
        return None
    room = group.desired < group.maximum
    return Finding(
        code="aws.asg_cpu_high" if room else "aws.asg_at_max",
        title=f"{group.name} is short of capacity" if room else f"{group.name} is busy and at its maximum",
        statement=(
            f"CPU of {group.name} is {level:.0f} % over its {group.in_service} instances, and the group may "
            + (f"grow from {group.desired} to {group.maximum}." if room else f"not grow beyond {group.maximum}.")
        ),
        severity=Severity.SEV2,
        confidence=8 if room else 7,
        resource=resources.aws(group.region, "AutoScalingGroup", group.name),
        evidence_ids=(evidence.of_series(cpu, picture.at).id, evidence.of_group(group, picture.at).id),
    )


def launch_failing(picture: Picture) -> Finding | None:
    """The group wants more instances than serve, and its latest attempts to launch failed.

    Source: Auto Scaling guide, "Troubleshoot issues": failed activities in DescribeScalingActivities.
    """
    group = picture.group
    if group is None or group.in_service >= group.desired:
        return None
    failed = [one for one in group.activities if one.status in FAILED and picture.at - one.started_at <= FAILED_WINDOW]
    if not failed:
        return None
    return Finding(
        code="aws.asg_launch_failing",
        title=f"{group.name} cannot launch instances",
        statement=(
            f"{group.name} has {group.in_service} of {group.desired} instances in service, "
            f"and {len(failed)} of its latest activities failed{_said(failed[0])}."
        ),
        severity=Severity.SEV2,
        confidence=8,
        resource=resources.aws(group.region, "AutoScalingGroup", group.name),
        evidence_ids=(evidence.of_group(group, picture.at).id,),
    )


def _said(newest: Activity) -> str:
    """What the group said of its newest failure: it names the image, the quota or the zone."""
    words = shorten(newest.message or newest.description, LONGEST_REASON, placeholder=" …").rstrip(".")
    return f"; the newest: {words}" if words else ""


def recent_average(picture: Picture) -> float | None:
    """The mean of the latest CPU datapoints; None, which is unknown, when there are none from just now."""
    watched = picture.watched
    # One busy instance says nothing about its group.
    if watched is None or watched.metric != CPU_METRIC or "AutoScalingGroupName" not in watched.dimensions:
        return None
    points = watched.recent(picture.at)[-RECENT:]
    return sum(one.value for one in points) / len(points) if points else None


def instances_needed(group: ScalingGroup, cpu: float, target: float) -> int:
    """How many instances bring CPU to `target` percent if the load stays and spreads evenly: ceil(n * cpu / target)."""
    return -int(-group.in_service * cpu // target)


def _limit(picture: Picture) -> float:
    """The alarm's own upper threshold, which whoever owns the group has chosen; else the usual one."""
    alarm = picture.alarm
    if alarm is None or alarm.threshold is None or not alarm.comparison.startswith("GreaterThan"):
        return CPU_HIGH
    return alarm.threshold
