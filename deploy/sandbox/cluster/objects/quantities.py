"""Kubernetes quantities ("250m", "64Mi") and counts that may be percentages ("25%")."""

from __future__ import annotations

import math
import re
from functools import lru_cache

QUANTITY_PATTERN = r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
"""The server's own wording of the rule, quoted in its refusals."""

_QUANTITY = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+))(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d+)?$")
_SCALES = {
    **{name: 1024.0**power for power, name in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)},
    **{name: 1000.0**power for power, name in enumerate(("k", "M", "G", "T", "P", "E"), start=1)},
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
}


class BadQuantityError(ValueError):
    """The text is not a Kubernetes quantity."""


@lru_cache(maxsize=4096)
def quantity(text: str | int | float) -> float:
    """The number a quantity stands for."""
    match = _QUANTITY.match(str(text))
    if match is None:
        raise BadQuantityError(str(text))
    number, suffix = float(match[1]), match[2]
    if not suffix:
        return number
    return number * (_SCALES[suffix] if suffix in _SCALES else 10.0 ** int(suffix[1:]))


def mebibytes(amount: float) -> str:
    """An amount of memory, as metrics write it."""
    return f"{round(amount / 2**20)}Mi"


def millicores(amount: float) -> str:
    """An amount of processor time, as metrics write it."""
    return f"{round(amount * 1000)}m"


def count_of(value: int | str, total: int, round_up: bool) -> int:
    """A count, or a percentage of `total` rounded the way the field asks for."""
    if isinstance(value, int):
        return value
    share = int(value.removesuffix("%")) * total / 100
    return math.ceil(share) if round_up else math.floor(share)
