"""What looking finds, in one shape: a check, its status, and what turns a probe into one. Looks at nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from tools.errors import PermanentError, TemporaryError
from tools.redaction import redact
from tools.values import Value

CALL_SECONDS = 5
"""How long one call to the outside may take."""
LONGEST_DETAIL = 300


class Status(StrEnum):
    """How one thing that was looked at is."""

    OK = "ok"
    MISSING = "missing"
    """Not there, not granted, or not kept apart: somebody has to provide it."""
    BROKEN = "broken"
    """There, and it does not work."""
    WARNING = "warning"
    """It works, and somebody should know this about it."""
    SKIPPED = "skipped"
    """Not looked at: not configured, or hidden by a fault that another check tells."""


class Check(Value):
    """One thing that was looked at, what was seen, and what to do about it."""

    name: str
    status: Status
    detail: str
    fix: str = ""


class Ailment(Exception):
    """What is wrong, found by looking; everything answered as it should. `fix` where the probe's own does not help."""

    def __init__(self, detail: str, status: Status = Status.BROKEN, fix: str | None = None) -> None:
        super().__init__(detail)
        self.status, self.fix = status, fix


def checked(name: str, fix: str, probe: Callable[[], str], *failures: type[Exception]) -> Check:
    """The check of one probe, which says what it saw or raises an Ailment; outside failures become broken checks."""
    expected: tuple[type[Exception], ...] = (PermanentError, TemporaryError, OSError, *failures)
    try:
        return Check(name=name, status=Status.OK, detail=probe())
    except Ailment as ailment:
        advice = fix if ailment.fix is None else ailment.fix
        return broken(name, str(ailment), advice).model_copy(update={"status": ailment.status})
    except expected as error:
        return broken(name, str(error), fix)


def broken(name: str, detail: str, fix: str = "") -> Check:
    """A check of something that does not work. Secrets in its words are taken out."""
    words = " ".join(redact(detail).split())[:LONGEST_DETAIL]
    return Check(name=name, status=Status.BROKEN, detail=words, fix=fix)


def skipped(name: str, detail: str) -> Check:
    """A check of something that is not configured."""
    return Check(name=name, status=Status.SKIPPED, detail=detail)
