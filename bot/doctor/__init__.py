"""Is everything sayso needs there, reachable, and allowed no more than it should be? `sayso doctor` asks here.

Every part is looked at on its own, at the same time as the others and for a limited time, and nothing is changed
anywhere. What to do about a finding is said with it; doing it is for a person.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from bot.doctor import aws, kubernetes, metrics, model, record, rules, slack
from bot.doctor.aws import AWS_READS, AWS_WRITES
from bot.doctor.findings import Check, Status, broken
from bot.doctor.kubernetes import KUBERNETES_READS, KUBERNETES_WRITES
from bot.settings import Settings

__all__ = ["AWS_READS", "AWS_WRITES", "KUBERNETES_READS", "KUBERNETES_WRITES", "PATIENCE", "Check", "Status", "examine"]

PATIENCE = 20.0
"""Seconds a part has to answer everything."""
LOOKS: dict[str, Callable[[Settings], Iterator[Check]]] = {
    "slack": slack.look,
    "database": record.look,
    "cluster": kubernetes.look,
    "aws": aws.look,
    "metrics": metrics.look,
    "model": model.look,
    "rules": rules.look,
    "rosters": rules.rosters,
    "sign-ins": rules.sign_ins,
}
"""Every part, in the order people read what was found."""


def examine(settings: Settings) -> tuple[Check, ...]:
    """Look at every part. Takes at most about PATIENCE seconds, whatever does not answer."""
    parts = [_Part(name, look, settings) for name, look in LOOKS.items()]
    for part in parts:
        part.start()
    deadline = time.monotonic() + PATIENCE
    return tuple(check for part in parts for check in part.wait(deadline - time.monotonic()))


class _Part(threading.Thread):
    """One part being looked at. A daemon thread: a connection that hangs must not keep the command from ending."""

    def __init__(self, name: str, look: Callable[[Settings], Iterator[Check]], settings: Settings) -> None:
        super().__init__(name=f"doctor-{name}", daemon=True)
        self._part, self._look, self._settings = name, look, settings
        self._found: list[Check] = []

    def run(self) -> None:
        try:
            for check in self._look(self._settings):
                self._found.append(check)
        except Exception as error:  # noqa: BLE001 - a part's edge: one that fails must not hide what the others say
            self._found.append(broken(self._part, f"{type(error).__name__}: {error}"))

    def wait(self, seconds: float) -> list[Check]:
        """What was found by the time patience ends."""
        self.join(max(0.0, seconds))
        found = list(self._found)
        return [*found, broken(self._part, f"no answer within {PATIENCE:g} s")] if self.is_alive() else found
