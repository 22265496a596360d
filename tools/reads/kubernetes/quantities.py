"""Kubernetes resource quantities (`250m`, `512Mi`) as numbers, and back. Pure arithmetic."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


def amount(quantity: str) -> Decimal | None:
    """The number a quantity stands for (bytes, cores), or None for text that is not a quantity."""
    digits = quantity.rstrip("iKMGTPEkmun")
    suffix = quantity[len(digits) :]
    try:
        number = Decimal(digits)
    except InvalidOperation:
        return None
    if suffix in _BINARY:
        return number * Decimal(1024 ** _BINARY[suffix])
    return number.scaleb(_DECIMAL[suffix]) if suffix in _DECIMAL and number.is_finite() else None


def memory(size: Decimal) -> str:
    """Bytes as whole Mi, rounded up, or whole Gi where they are."""
    mebibytes = -(-int(size) // 1024**2)
    return f"{mebibytes // 1024}Gi" if mebibytes and mebibytes % 1024 == 0 else f"{mebibytes}Mi"


def cpu(cores: Decimal) -> str:
    """Cores as whole millicores, rounded up."""
    return f"{-(-int(cores * 1_000_000) // 1000)}m"
