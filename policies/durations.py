"""Lengths of time as a policy file writes them (`90s`, `15m`, `1h`, `14d`) and as people read them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WORDS = ((86400, "d"), (3600, "h"), (60, "min"))


def seconds(text: object) -> int:
    """The seconds of `15m`; ValueError for anything that is not a whole number and a unit."""
    match = re.fullmatch(r"([0-9]{1,4})([smhd])", text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 90s, 15m, 1h or 14d")
    return int(match[1]) * _UNITS[match[2]]


def in_words(length: int) -> str:
    """A length in the largest unit that divides it: 900 is `15 min`."""
    for size, word in _WORDS:
        if length and length % size == 0:
            return f"{length // size} {word}"
    return f"{length} s"


Delay = Annotated[int, BeforeValidator(seconds)]
"""Seconds, zero included."""
Duration = Annotated[int, BeforeValidator(seconds), Field(gt=0)]
"""Seconds, more than zero."""
