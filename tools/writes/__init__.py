"""Changing the world. WRITES says how each kind of action is done; only rehearsal and remediation may import this."""

from __future__ import annotations

from typing import Any

from tools.actions import Action
from tools.writes import aws, kubernetes
from tools.writes.write import Write

WRITES: dict[type[Any], Write[Any]] = {**kubernetes.WRITES, **aws.WRITES}
"""How every kind of action is done. A kind that is not here cannot be done at all."""


def write_for(action: Action) -> Write[Any]:
    """How this action is done."""
    return WRITES[type(action)]
