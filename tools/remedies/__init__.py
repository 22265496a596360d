"""Finding -> the Actions known to fix it, and the criteria by which to tell. The no-model planner's knowledge; pure."""

from __future__ import annotations

from tools.actions import Action
from tools.criteria import Criterion
from tools.evidence import Finding
from tools.values import Value


class Remedy(Value):
    """The known fix of one finding. No actions: a person has to act, and `advice` says on what."""

    finding: Finding
    actions: tuple[Action, ...] = ()
    success_criteria: tuple[Criterion, ...] = ()
    advice: str
