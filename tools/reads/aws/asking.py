"""Many reads at once, all by one deadline. What fails, is missing or comes too late becomes a gap in plain words."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Self, TypeVar

from tools.errors import PermanentError, TemporaryError, Unreachable
from tools.redaction import redact

AT_ONCE = 8
"""Calls under way at the same time. More would only run into AWS' own limits."""

Seen = TypeVar("Seen")


class Asking:
    """A pool of threads that ends at a deadline. Answers are taken, and gaps told, by the one thread that asks."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._seconds = seconds
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="aws-look")
        self.gaps: list[str] = []
        self.answered = False
        """Whether AWS said anything at all."""
        self.silence: Unreachable | None = None
        """The last failure to reach it."""

    def later(self, what: str, read: Callable[[], Seen | None], *, optional: bool = False) -> Pending[Seen]:
        """Start a read. Where it is optional, finding nothing is no gap."""
        return Pending(self, what, self._pool.submit(read), optional)

    def seen(self, what: str, read: Callable[[], Seen | None], *, optional: bool = False) -> Seen | None:
        """Start a read and wait for it."""
        return self.later(what, read, optional=optional).answer()

    def take(self, what: str, future: Future[Seen | None], optional: bool) -> Seen | None:
        """What a read answered; None and a gap when it failed, found nothing, or is not back by the deadline."""
        try:
            answer = future.result(timeout=max(0.0, self._ends - time.monotonic()))
        except Unreachable as error:
            self.silence = error
            self._gap(f"{what} could not be read: {redact(str(error))}")
            return None
        except (PermanentError, TemporaryError) as error:
            self.answered = True
            self._gap(f"{what} could not be read: {redact(str(error))}")
            return None
        except TimeoutError:
            future.cancel()
            late = f"{what} could not be read: no answer within {self._seconds:.0f} seconds"
            self.silence = self.silence or Unreachable(late)
            self._gap(late)
            return None
        self.answered = True
        if answer is None and not optional:
            self._gap(f"{what} was not found")
        return answer

    def _gap(self, said: str) -> None:
        if said not in self.gaps:
            self.gaps.append(said)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What still runs is not waited for: it reads only, and nobody wants its answer any more.
        self._pool.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True)
class Pending(Generic[Seen]):
    """A read under way."""

    asking: Asking
    what: str
    future: Future[Seen | None]
    optional: bool

    def answer(self) -> Seen | None:
        """Wait for it."""
        return self.asking.take(self.what, self.future, self.optional)
