"""How far trouble reaches, in the four groups people need at 3 a.m.: what is ill, what was checked and is well, what
changed for a reason of its own, and what nobody looked at. Values only.
"""

from __future__ import annotations

from tools.resources import Resource
from tools.values import Value


class Checked(Value):
    """One resource and what was seen of it, in a few words (`2 of 2 available`, `no endpoints`, `scaled by alice`)."""

    resource: Resource
    detail: str


class BlastRadius(Value):
    """A resource is in one group only. What is in none was not there to be seen."""

    affected: tuple[Checked, ...] = ()
    """Ill, or resting on something that is."""
    healthy: tuple[Checked, ...] = ()
    """Looked at, and well."""
    changed: tuple[Checked, ...] = ()
    """Changed around the onset for another reason: easily blamed, and not to blame."""
    unchecked: tuple[Checked, ...] = ()
    """Near, and not looked at or not readable; the detail says why."""
