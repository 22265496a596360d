"""Views people have open: each person's stack of modals, and their Home tab, with the hash that guards every write.

Sends nothing and asks nobody; what a person enters lives in `elements`, what a submission does in `gestures`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from deploy.sandbox.workspace.directory import APP_ID, BOT_ID, TEAM_ID
from deploy.sandbox.workspace.messages import with_ids
from deploy.sandbox.workspace.wire import JsonObject, SlackError, listed, words

PUSHED_ABOVE_ROOT = 2


@dataclass
class View:
    """One modal, or one person's Home tab, as last written by the app."""

    id: str
    user: str
    body: JsonObject
    hash: str
    root_id: str
    previous_id: str = ""
    values: JsonObject = field(default_factory=dict)

    @property
    def blocks(self) -> list[JsonObject]:
        """The blocks it shows."""
        return listed(self.body, "blocks")

    def json(self) -> dict[str, object]:
        """The view object of the Web API and of interaction payloads."""
        return {
            "private_metadata": "",
            "callback_id": "",
            "external_id": "",
            "notify_on_close": False,
            "clear_on_close": False,
            **self.body,
            "id": self.id,
            "team_id": TEAM_ID,
            "app_id": APP_ID,
            "app_installed_team_id": TEAM_ID,
            "bot_id": BOT_ID,
            "hash": self.hash,
            "root_view_id": self.root_id,
            "previous_view_id": self.previous_id or None,
            "state": {"values": self.values},
        }


@dataclass
class Views:
    """Every view that is open now."""

    stacks: dict[str, list[View]] = field(default_factory=dict)
    homes: dict[str, View] = field(default_factory=dict)

    def open(self, user: str, body: JsonObject, stamp: str) -> View:
        """Show a modal to someone, in the place of any they had open."""
        view = self._made(user, body, stamp)
        self.stacks[user] = [view]
        return view

    def push(self, user: str, body: JsonObject, stamp: str) -> View:
        """Put a modal on top of the ones someone has open; at most two above the first."""
        stack = self.stacks.get(user) or []
        if not stack:
            return self.open(user, body, stamp)
        if len(stack) > PUSHED_ABOVE_ROOT:
            raise SlackError("push_limit_reached")
        view = self._made(user, body, stamp)
        view.root_id, view.previous_id = stack[0].id, stack[-1].id
        stack.append(view)
        return view

    def update(self, view: View, body: JsonObject, stamp: str, seen_hash: str = "") -> View:
        """Rewrite an open view; `hash_conflict` when the writer had not seen its last version."""
        if seen_hash and seen_hash != view.hash:
            raise SlackError("hash_conflict")
        view.body = {**body, "blocks": list(with_ids(listed(body, "blocks")))}
        view.hash = f"{stamp}.{uuid.uuid4().hex[:8]}"
        return view

    def publish(self, user: str, body: JsonObject, stamp: str, seen_hash: str = "") -> View:
        """Write someone's Home tab."""
        if user in self.homes:
            return self.update(self.homes[user], body, stamp, seen_hash)
        self.homes[user] = self._made(user, body, stamp)
        return self.homes[user]

    def find(self, view_id: str = "", external_id: str = "") -> View:
        """The open view with this id or external id; `not_found` otherwise."""
        for view in [*(view for stack in self.stacks.values() for view in stack), *self.homes.values()]:
            if (view_id and view.id == view_id) or (external_id and words(view.body, "external_id") == external_id):
                return view
        raise SlackError("not_found")

    def top(self, user: str) -> View | None:
        """The modal someone is looking at, if any."""
        stack = self.stacks.get(user)
        return stack[-1] if stack else None

    def close(self, view: View) -> None:
        """Take a modal off its stack."""
        self.stacks[view.user] = [other for other in self.stacks.get(view.user, []) if other is not view]

    def clear(self, user: str) -> list[View]:
        """Close all of someone's modals; the closed ones, topmost first."""
        return list(reversed(self.stacks.pop(user, [])))

    def _made(self, user: str, body: JsonObject, stamp: str) -> View:
        view_id = f"V{uuid.uuid4().hex[:10].upper()}"
        return self.update(View(view_id, user, body, "", view_id), body, stamp)
