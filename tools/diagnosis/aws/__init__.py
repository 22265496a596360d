"""What the rules make of an AWS picture. Pure: each rule is a function from a Picture to findings, with its source.

A rule that knows nothing about the alarm's metric stays silent; the evidence is kept for people either way.
"""

from __future__ import annotations

from tools.diagnosis import Diagnosis
from tools.diagnosis.aws import capacity, database, disk
from tools.reads.aws import evidence
from tools.reads.aws.views import AlarmState, Picture

RULES = (capacity.launch_failing, capacity.cpu_high, database.connection_errors, disk.disk_full)
"""Cause before symptom: a group that cannot launch is the reason why its CPU stays high."""


def diagnose(picture: Picture) -> Diagnosis:
    """Findings of every rule, with all the evidence. An alarm that is OK again has none; unknown stays a gap."""
    gaps = picture.gaps
    if picture.alarm is not None and picture.alarm.state is AlarmState.INSUFFICIENT_DATA:
        gaps = (*gaps, f"Alarm {picture.alarm.name} has insufficient data: its state is unknown, not fine")
    over = picture.alarm is not None and picture.alarm.state is AlarmState.OK
    found = () if over else tuple(one for rule in RULES if (one := rule(picture)) is not None)
    return Diagnosis(findings=found, evidence=evidence.of_picture(picture), gaps=gaps)
