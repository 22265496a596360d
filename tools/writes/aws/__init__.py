"""Changing AWS: one module an action, and the table of them. None of the three APIs has a dry run: each is rehearsed
by reading, with the guards in our own checks, and compared with the approved state once more right before the call."""

from __future__ import annotations

from typing import Any

from tools.actions import CleanUpLogs, ForceNewDeployment, SetDesiredCapacity
from tools.writes.aws import clean_up_logs, desired_capacity, new_deployment
from tools.writes.write import Write

WRITES: dict[type[Any], Write[Any]] = {
    SetDesiredCapacity: desired_capacity.WRITE,
    ForceNewDeployment: new_deployment.WRITE,
    CleanUpLogs: clean_up_logs.WRITE,
}
"""How each AWS action is done."""
