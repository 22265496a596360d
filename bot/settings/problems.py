"""What is wrong with an environment, in words for whoever sets it: the variable, its fault, and where a right value is.

No secret is ever quoted.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from pydantic_core import ErrorDetails

from bot.settings.environment import VARIABLES
from tools.redaction import redact
from tools.values import Value

OWN_PREFIX = "SAYSO_"


class Problem(Value):
    """One variable that is missing or malformed, and where a right value comes from."""

    variable: str
    fault: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.variable} {self.fault}." + (f" Where to get it: {self.where}." if self.where else "")


class SettingsError(Exception):
    """The environment does not say what the command needs. The message lists every variable at fault."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("The settings are incomplete:\n" + "\n".join(f"  - {problem}" for problem in problems))


def misspelt(given: Mapping[str, str]) -> Iterator[Problem]:
    """Our own variables that are none, and look like one that is."""
    for name in given:
        if name.startswith(OWN_PREFIX) and name not in VARIABLES:
            near = difflib.get_close_matches(name, VARIABLES, n=1, cutoff=0.88)
            if near:
                yield Problem(variable=name, fault=f"is not a setting; {near[0]} is")


def malformed(detail: ErrorDetails, given: Mapping[str, str]) -> Problem:
    """What pydantic found, about the variable, in words; the value is quoted only where it is no secret."""
    about = VARIABLES[str(detail["loc"][0])]
    said = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    quoted = "" if about.secret or about.name == "DATABASE_URL" else f" (it is {redact(repr(given[about.name]))})"
    return Problem(variable=about.name, fault=f"{said}{quoted}", where=about.where)
