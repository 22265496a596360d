"""The AWS stories as data: what breaks, which alarm rings, how it should end. From deploy/sandbox/scenarios/aws."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from tools.values import Value

FOLDER = Path(__file__).parent.parent / "scenarios" / "aws"


class Expected(Value):
    """How a story should go; None where nothing is known and a person has to look."""

    finding: str | None
    action: str | None
    ending: str


class Scenario(Value):
    """One story: the fault `id` names for `break_`, and the alarm it sets off."""

    id: str
    story: int
    title: str
    alarm: str
    breaks: str
    expected: Expected


@cache
def scenarios() -> dict[str, Scenario]:
    """Every AWS story by its id, in the order they are told."""
    read = (Scenario.model_validate(yaml.safe_load(path.read_text())) for path in FOLDER.glob("*.yaml"))
    return {one.id: one for one in sorted(read, key=lambda one: one.story)}
