"""How people call incidents and plans."""

from __future__ import annotations


def incident_name(incident_id: int | None) -> str:
    """How people call an incident: `INC-7`."""
    return f"INC-{incident_id}"


def plan_name(plan_id: int | None) -> str:
    """How people call a plan: `P-7`."""
    return f"P-{plan_id}"
