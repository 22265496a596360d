"""The policy in force: which version of the rules decides now."""

from __future__ import annotations

from policies.rules import Policy


class Rulebook:
    """Gives the version of the rules that decides now."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def in_force(self) -> Policy:
        """The rules every decision is made by from this moment on."""
        return self._policy
