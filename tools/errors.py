"""The two ways a call to the outside world fails. Whether to try again is the whole protocol.

Outcomes that are part of the business (stale, refused, no finding) are values, not exceptions.
"""

from __future__ import annotations


class TemporaryError(Exception):
    """The outside world did not answer as it should; the same call may succeed later."""

    def __init__(self, message: str, delay: float = 1.0) -> None:
        super().__init__(message)
        self.delay = delay
        """Seconds to wait before trying again."""


class Unreachable(TemporaryError):
    """A system did not answer at all: no connection, a timeout, or a 5xx."""


class Uncertain(TemporaryError):
    """A write was sent and its answer never came: it may have happened. Read the world before doing anything else."""


class PermanentError(Exception):
    """The outside world refused, and will refuse again: not permitted, not found, or not valid."""


class Forbidden(PermanentError):
    """The identity in use lacks a permission; the message names it."""
