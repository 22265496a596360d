"""How people call incidents and plans, and what number a name has in the record."""

from __future__ import annotations


def incident_name(incident_id: int | None) -> str:
    """How people call an incident: `INC-7`."""
    return f"INC-{incident_id}"


def plan_name(plan_id: int | None) -> str:
    """How people call a plan: `P-7`."""
    return f"P-{plan_id}"


def incident_number(name: str) -> int:
    """The number of an incident in `INC-7`, or in `7`; 0, which no incident has, when it is none of ours."""
    return _number(name, "INC-")


def plan_number(name: str) -> int:
    """The number of a plan in `P-7`, or in `7`; 0, which no plan has, when it is none of ours."""
    return _number(name, "P-")


def _number(name: str, prefix: str) -> int:
    digits = name.strip().upper().removeprefix(prefix)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
