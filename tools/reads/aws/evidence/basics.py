"""Alarms, metrics and log lines -> Evidence, and the link to the console that shows them."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from tools.evidence import Evidence, Trust, evidence
from tools.reads.aws.views import Alarm, AlarmChange, LogLine, Series

SHOWN_POINTS = 15
SHOWN_CHANGES = 20


def of_alarm(alarm: Alarm, at: datetime) -> Evidence:
    """An alarm's state, and CloudWatch's reason for it."""
    rule = f"{alarm.statistic} of {alarm.namespace or '-'} {alarm.metric or '-'} {alarm.comparison} {alarm.threshold}"
    return evidence(
        tool="aws_alarm",
        query=f"{alarm.region} {alarm.name}",
        summary=f"Alarm {alarm.name} is {alarm.state} since {alarm.since:%Y-%m-%d %H:%M} UTC",
        excerpt=f"state: {alarm.state}\nrule: {rule}\ndimensions: {_pairs(alarm.dimensions)}\nreason: {alarm.reason}",
        at=at,
        # The description is free text and left out; the reason is CloudWatch's own sentence.
        trust=Trust.STATUS,
        url=console(alarm.region, "cloudwatch", f"alarmsV2:alarm/{quote(alarm.name, safe='')}"),
    )


def of_alarms(region: str, alarms: tuple[Alarm, ...], asked: str, at: datetime) -> Evidence:
    """Many alarms, a line each: state, since when, CloudWatch's reason."""
    lines = (f"{one.name} {one.state} since {one.since:%Y-%m-%d %H:%M} UTC: {one.reason}" for one in alarms)
    return evidence(
        tool="aws_alarms",
        query=f"{region} {asked}",
        summary=f"{len(alarms)} alarm{'s' * (len(alarms) != 1)} of {region}: {asked}",
        excerpt="\n".join(lines) or "none",
        at=at,
        trust=Trust.STATUS,
        url=console(region, "cloudwatch", "alarmsV2:"),
    )


def of_history(alarm: Alarm, history: tuple[AlarmChange, ...], at: datetime) -> Evidence:
    """How an alarm's state changed in the last hours."""
    return evidence(
        tool="aws_alarm_history",
        query=f"{alarm.region} {alarm.name}",
        summary=f"Alarm {alarm.name} changed its state {len(history)} times in 6 hours",
        excerpt="\n".join(f"{one.at:%H:%M} {one.before} -> {one.after}" for one in history[-SHOWN_CHANGES:]) or "never",
        at=at,
        trust=Trust.STATUS,
        url=console(alarm.region, "cloudwatch", f"alarmsV2:alarm/{quote(alarm.name, safe='')}"),
    )


def of_series(series: Series, at: datetime, most: int = SHOWN_POINTS) -> Evidence:
    """A metric's latest datapoints."""
    shown = series.points[-most:]
    latest = f"{series.latest.value:.1f}" if series.latest else "unknown: there are no datapoints"
    return evidence(
        tool="aws_metric",
        query=f"{series.region} {series.namespace} {series.metric} {_pairs(series.dimensions)} {series.statistic}",
        summary=f"{series.metric} ({series.statistic}, {series.period} s) is {latest}",
        excerpt="\n".join(f"{one.at:%H:%M} {one.value:.1f}" for one in shown) or "no datapoints",
        at=at,
        trust=Trust.STATUS,
        url=console(series.region, "cloudwatch", "metricsV2:"),
    )


def of_lines(region: str, group: str, lines: tuple[LogLine, ...], at: datetime) -> Evidence:
    """The lines of one log group. Anybody who can send a request may have written them."""
    own = [one for one in lines if one.group == group]
    return evidence(
        tool="aws_logs",
        query=f"{region} {group}",
        summary=f"{len(own)} matching lines in {group} in the last 15 minutes",
        excerpt="\n".join(f"{one.at:%H:%M:%S} {one.text}" for one in own) or "none",
        at=at,
        trust=Trust.TEXT,
        url=console(region, "cloudwatch", f"logsV2:log-groups/log-group/{quote(group, safe='')}"),
    )


def _pairs(dimensions: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(dimensions.items()))


def console(region: str, service: str, place: str) -> str:
    """Where a person sees the same."""
    return f"https://{region}.console.aws.amazon.com/{service}/home?region={region}#{place}"
