"""Who may decide: identity from the signed payload only, checked with Slack, failing closed.

Names, e-mail addresses, message text and button values never identify anybody. Which people a policy's groups stand
for on one plan is `bot.people.groups`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from tools.values import JsonObject, Value

if TYPE_CHECKING:
    from slack_sdk import WebClient

FRESH = timedelta(seconds=60)
"""How long anything Slack says about people may be remembered (approvals fact sheet, section 2.4)."""
OUTSIDERS = {
    "is_bot": "bots and workflows never decide",
    "deleted": "this account is deactivated",
    "is_restricted": "guests may not decide",
    "is_ultra_restricted": "guests may not decide",
    "is_stranger": "people of other organisations may not decide",
    "is_invited_user": "this account has not joined yet",
}
ELSEWHERE = "only people of this workspace may decide"
KnownT = TypeVar("KnownT")


class Person(Value):
    """A full member of our own workspace, and the approver groups they are in right now."""

    user_id: str
    groups: tuple[str, ...]


class NotAllowed(Value):
    """Somebody who may not decide, and why, in words for them."""

    reason: str


class LookupFailed(Exception):
    """Slack did not say who is who. Nobody can be shown to be entitled, so nobody is."""


class Remembered(Generic[KnownT]):
    """Slack's answers to one kind of question, each believed for at most `FRESH`."""

    def __init__(self, ask: Callable[[str], KnownT], now: Callable[[], datetime]) -> None:
        self._ask, self._now = ask, now
        self._lock = threading.Lock()
        self._known: dict[str, tuple[datetime, KnownT]] = {}

    def get(self, key: str, *, fresh: bool = False) -> KnownT:
        """The answer; `fresh` asks again whatever is remembered. Raises LookupFailed, also where an old one is."""
        with self._lock:
            known = self._known.get(key)
            if not fresh and known is not None and self._now() - known[0] < FRESH:
                return known[1]
            answer = self._ask(key)
            self._known[key] = (self._now(), answer)
            return answer

    def last(self, key: str) -> KnownT | None:
        """The latest answer however old, without asking: for showing only, never for deciding."""
        known = self._known.get(key)
        return None if known is None else known[1]

    def forget(self) -> None:
        """Ask again next time."""
        with self._lock:
            self._known.clear()


class People:
    """Looks people and user groups up in Slack. `groups` maps a policy's group name to a usergroup id."""

    def __init__(self, client: WebClient, team_id: str, groups: Mapping[str, str], now: Callable[[], datetime]) -> None:
        self._client = client
        self.team_id = team_id
        self._groups = dict(groups)
        self._members = Remembered(self._ask_members, now)
        self._standings = Remembered(self._ask_standing, now)
        self._shared = Remembered(self._ask_shared, now)

    def identify(self, user_id: str, team_id: str) -> Person | NotAllowed:
        """Who clicked, from the two ids of the signed payload. Anything not positively known is refused."""
        if team_id != self.team_id:
            return NotAllowed(reason=ELSEWHERE)
        try:
            refused = self._standings.get(user_id, fresh=True)
            rosters = self.rosters()
        except LookupFailed as error:
            return NotAllowed(reason=f"Slack could not say who you are ({error}); nothing was recorded, try again")
        if refused:
            return NotAllowed(reason=refused)
        return Person(user_id=user_id, groups=tuple(sorted(name for name, ids in rosters.items() if user_id in ids)))

    def refusal(self, user_id: str) -> str | None:
        """Why this account may not decide; None for a full member. At most a minute old. Raises LookupFailed."""
        return self._standings.get(user_id) or None

    def members(self, usergroup: str) -> frozenset[str]:
        """Who is in a usergroup, at most a minute old. Raises LookupFailed."""
        return self._members.get(usergroup)

    def last_seen(self, usergroup: str) -> frozenset[str] | None:
        """Who was in it when Slack was last asked: for showing only. None when it never was."""
        return self._members.last(usergroup)

    def rosters(self) -> dict[str, frozenset[str]]:
        """Named group -> ids of the people in it now, at most a minute old. Raises LookupFailed."""
        return {name: self.members(usergroup) for name, usergroup in self._groups.items()}

    def usergroup(self, group: str) -> str | None:
        """The usergroup id behind a policy's group name, for mentioning it."""
        return self._groups.get(group)

    def is_shared(self, channel: str) -> bool:
        """Whether people of another organisation are, or may soon be, in a channel. Raises LookupFailed."""
        return self._shared.get(channel)

    def permalink(self, channel: str, ts: str) -> str | None:
        """The address of a message, for showing only; None when Slack does not give it."""
        try:
            found = self._ask("chat.getPermalink", channel=channel, message_ts=ts).get("permalink")
        except LookupFailed:
            return None
        return found if isinstance(found, str) else None

    def forget(self) -> None:
        """A usergroup changed: ask Slack again next time."""
        self._members.forget()

    def _ask_members(self, usergroup: str) -> frozenset[str]:
        users = self._ask("usergroups.users.list", usergroup=usergroup).get("users")
        if not isinstance(users, list):
            raise LookupFailed("the usergroup has no list of members")
        return frozenset(str(user) for user in users)

    def _ask_standing(self, user_id: str) -> str:
        """Why not; empty for a full member."""
        user = self._ask("users.info", user=user_id).get("user")
        if not isinstance(user, dict) or user.get("id") != user_id or user.get("team_id") != self.team_id:
            return ELSEWHERE
        return next((reason for flag, reason in OUTSIDERS.items() if user.get(flag)), "")

    def _ask_shared(self, channel: str) -> bool:
        about = self._ask("conversations.info", channel=channel).get("channel")
        if not isinstance(about, dict):
            raise LookupFailed("Slack does not describe the channel")
        return bool(about.get("is_ext_shared") or about.get("is_pending_ext_shared"))

    def _ask(self, method: str, **arguments: str) -> JsonObject:
        from slack_sdk.errors import SlackClientError

        try:
            data = self._client.api_call(method, params=arguments).data
        except (SlackClientError, OSError, TimeoutError) as error:
            raise LookupFailed(f"{method} failed") from error
        return data if isinstance(data, dict) else {}
