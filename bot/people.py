"""Who may decide: identity from the signed payload only, checked with Slack, failing closed.

Names, e-mail addresses, message text and button values never identify anybody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tools.values import JsonObject, Value

if TYPE_CHECKING:
    from slack_sdk import WebClient

FRESH = timedelta(seconds=60)
"""How long a usergroup's members may be remembered (approvals fact sheet, section 2.4)."""
OUTSIDERS = {
    "is_bot": "bots and workflows never decide",
    "deleted": "this account is deactivated",
    "is_restricted": "guests may not decide",
    "is_ultra_restricted": "guests may not decide",
    "is_stranger": "people of other organisations may not decide",
    "is_invited_user": "this account has not joined yet",
}


class Person(Value):
    """A full member of our own workspace, and the approver groups they are in right now."""

    user_id: str
    groups: tuple[str, ...]


class NotAllowed(Value):
    """Somebody who may not decide, and why, in words for them."""

    reason: str


class LookupFailed(Exception):
    """Slack did not say who is who. Nobody can be shown to be entitled, so nobody is."""


class People:
    """Looks people and approver groups up in Slack. `groups` maps a policy's group name to a usergroup id."""

    def __init__(self, client: WebClient, team_id: str, groups: Mapping[str, str], now: Callable[[], datetime]) -> None:
        self._client = client
        self._team_id = team_id
        self._groups = dict(groups)
        self._now = now
        self._lock = threading.Lock()
        self._rosters: tuple[datetime, dict[str, frozenset[str]]] | None = None

    def identify(self, user_id: str, team_id: str) -> Person | NotAllowed:
        """Who clicked, from the two ids of the signed payload. Anything not positively known is refused."""
        if team_id != self._team_id:
            return NotAllowed(reason="only people of this workspace may decide")
        try:
            user = self._ask("users.info", user=user_id).get("user")
            rosters = self.rosters()
        except LookupFailed as error:
            return NotAllowed(reason=f"Slack could not say who you are ({error}); nothing was recorded, try again")
        if not isinstance(user, dict) or user.get("team_id", team_id) != self._team_id:
            return NotAllowed(reason="only people of this workspace may decide")
        for flag, reason in OUTSIDERS.items():
            if user.get(flag):
                return NotAllowed(reason=reason)
        return Person(user_id=user_id, groups=tuple(sorted(name for name, ids in rosters.items() if user_id in ids)))

    def rosters(self) -> dict[str, frozenset[str]]:
        """Group name -> ids of the people in it now, at most a minute old. Raises LookupFailed."""
        with self._lock:
            if self._rosters is not None and self._now() - self._rosters[0] < FRESH:
                return self._rosters[1]
            rosters = {name: self._members(usergroup) for name, usergroup in self._groups.items()}
            self._rosters = (self._now(), rosters)
            return rosters

    def usergroup(self, group: str) -> str | None:
        """The usergroup id behind a policy's group name, for mentioning it."""
        return self._groups.get(group)

    def forget(self) -> None:
        """A usergroup changed: ask Slack again next time."""
        with self._lock:
            self._rosters = None

    def _members(self, usergroup: str) -> frozenset[str]:
        users = self._ask("usergroups.users.list", usergroup=usergroup).get("users")
        if not isinstance(users, list):
            raise LookupFailed("the usergroup has no list of members")
        return frozenset(str(user) for user in users)

    def _ask(self, method: str, **arguments: str) -> JsonObject:
        from slack_sdk.errors import SlackClientError

        try:
            data = self._client.api_call(method, params=arguments).data
        except (SlackClientError, OSError, TimeoutError) as error:
            raise LookupFailed(f"{method} failed") from error
        return data if isinstance(data, dict) else {}
