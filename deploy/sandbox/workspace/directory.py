"""Who and what the workspace starts with: people, channels, usergroups, and the app under test with its tokens.

Values and look-ups only. The tokens and the signing secret are fixtures of this stand-in and open nothing else; this
is the one place they are written.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from deploy.sandbox.workspace.wire import SlackError

TEAM_ID, TEAM_NAME, TEAM_DOMAIN = "T0TEAM0001", "Sandbox", "sandbox"
OTHER_TEAM_ID = "T0OTHER001"
APP_ID, BOT_USER, BOT_ID = "A0APP00001", "U0BOT00001", "B0BOT00001"
BOT_TOKEN = "xoxb-sandbox-bot"
APP_TOKEN = "xapp-sandbox-app"
SIGNING_SECRET = "sandbox-signing-secret"
ALERT_BOT = "U0AM000001"
ALERTS, INCIDENTS, SHARED = "C0ALERTS01", "C0INCID001", "C0SHARED01"

Standing = Literal["member", "guest", "outsider", "deactivated", "bot"]


@dataclass(frozen=True)
class Person:
    """Someone (or some app's bot user) the workspace knows, with the standing `users.info` reports."""

    id: str
    name: str
    real_name: str
    standing: Standing = "member"
    bot_id: str = ""
    app_id: str = ""

    @property
    def team_id(self) -> str:
        """The team this person belongs to; an outsider belongs to another."""
        return OTHER_TEAM_ID if self.standing == "outsider" else TEAM_ID

    def json(self) -> dict[str, object]:
        """The user object of the Web API."""
        return {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": self.standing == "deactivated",
            "is_bot": self.standing == "bot",
            "is_restricted": self.standing == "guest",
            "is_ultra_restricted": False,
            "is_stranger": self.standing == "outsider",
            "is_app_user": False,
            "tz": "Etc/UTC",
            "tz_offset": 0,
            "profile": {
                "real_name": self.real_name,
                "display_name": self.name,
                "email": f"{self.name}@example.com",
                **({"bot_id": self.bot_id, "api_app_id": self.app_id} if self.bot_id else {}),
            },
        }

    def brief(self) -> dict[str, object]:
        """The short user object of interaction payloads."""
        return {"id": self.id, "username": self.name, "name": self.name, "team_id": self.team_id}


@dataclass(frozen=True)
class Channel:
    """A public channel, or the direct-message channel between one person and the app."""

    id: str
    name: str
    members: tuple[str, ...]
    topic: str = ""
    shared: bool = False
    direct_with: str = ""

    def json(self) -> dict[str, object]:
        """The channel object of the Web API, as the app sees it."""
        return {
            "id": self.id,
            "name": self.name,
            "is_channel": not self.direct_with,
            "is_im": bool(self.direct_with),
            "is_private": False,
            "is_archived": False,
            "is_member": BOT_USER in self.members,
            "is_ext_shared": self.shared,
            "is_shared": self.shared,
            "num_members": len(self.members),
            "topic": {"value": self.topic},
            "purpose": {"value": ""},
            **({"user": self.direct_with} if self.direct_with else {}),
        }


@dataclass(frozen=True)
class Usergroup:
    """A named set of people that a message can mention and a policy can trust."""

    id: str
    handle: str
    name: str
    users: tuple[str, ...]

    def json(self) -> dict[str, object]:
        """The usergroup object of the Web API."""
        return {
            "id": self.id,
            "team_id": TEAM_ID,
            "is_usergroup": True,
            "handle": self.handle,
            "name": self.name,
            "user_count": len(self.users),
            "users": list(self.users),
            "date_delete": 0,
        }


PEOPLE = (
    Person("U0ALICE001", "alice", "Alice Ng"),
    Person("U0BOB00001", "bob", "Bob Roy"),
    Person("U0CAROL001", "carol", "Carol Diaz"),
    Person("U0GUEST001", "gwen", "Gwen Hale", "guest"),
    Person("U0OUTSIDE1", "oscar", "Oscar Lind", "outsider"),
    Person("U0DAVE0001", "dave", "Dave Moss", "deactivated"),
    Person(ALERT_BOT, "alertmanager", "Alertmanager", "bot", "B0AM000001", "A0AM000001"),
    Person(BOT_USER, "sayso", "sayso", "bot", BOT_ID, APP_ID),
)
TEAM_MEMBERS = tuple(person.id for person in PEOPLE if person.standing in ("member", "guest", "bot"))
CHANNELS = (
    Channel(ALERTS, "alerts", TEAM_MEMBERS, "Alerts of every service land here"),
    Channel(INCIDENTS, "incidents", TEAM_MEMBERS, "Declared incidents"),
    Channel(SHARED, "shared", (*TEAM_MEMBERS, "U0OUTSIDE1"), "Shared with another organisation", shared=True),
)
USERGROUPS = (
    Usergroup("S0ONCALL01", "sre-oncall", "SRE on call", ("U0ALICE001", "U0BOB00001")),
    Usergroup("S0LEADS001", "sre-leads", "SRE leads", ("U0BOB00001",)),
)


@dataclass
class Directory:
    """The people, channels and usergroups there are now."""

    people: dict[str, Person] = field(default_factory=lambda: {person.id: person for person in PEOPLE})
    channels: dict[str, Channel] = field(default_factory=lambda: {channel.id: channel for channel in CHANNELS})
    usergroups: dict[str, Usergroup] = field(default_factory=lambda: {group.id: group for group in USERGROUPS})

    def __post_init__(self) -> None:
        for person in self.people.values():
            if person.standing in ("member", "guest"):
                self.direct_channel(person.id)

    def person(self, id_or_name: str) -> Person:
        """The person with this id or name; `user_not_found` otherwise."""
        for person in self.people.values():
            if id_or_name in (person.id, person.name):
                return person
        raise SlackError("user_not_found")

    def channel(self, named: str) -> Channel:
        """The channel with this id, `#name`, name or, for a direct message, user id; `channel_not_found` otherwise."""
        for channel in self.channels.values():
            if named in (channel.id, channel.name, f"#{channel.name}"):
                return channel
        if named in self.people:
            return self.direct_channel(named)
        raise SlackError("channel_not_found")

    def direct_channel(self, user: str) -> Channel:
        """The direct-message channel between a person and the app, made on first use."""
        channel_id = f"D{user[1:]}"
        if channel_id not in self.channels:
            name = self.people[user].name
            self.channels[channel_id] = Channel(channel_id, f"dm-{name}", (user, BOT_USER), direct_with=user)
        return self.channels[channel_id]

    def join(self, channel_id: str, user: str) -> bool:
        """Add someone to a channel; False when they were in it already."""
        channel = self.channels[channel_id]
        if user in channel.members:
            return False
        self.channels[channel_id] = replace(channel, members=(*channel.members, user))
        return True

    def usergroup(self, usergroup_id: str) -> Usergroup:
        """The usergroup with this id; `no_such_subteam` otherwise."""
        if usergroup_id not in self.usergroups:
            raise SlackError("no_such_subteam")
        return self.usergroups[usergroup_id]

    def regroup(self, usergroup_id: str, users: tuple[str, ...]) -> None:
        """Give a usergroup other members."""
        self.usergroups[usergroup_id] = replace(self.usergroup(usergroup_id), users=users)

    def restand(self, user: str, standing: Standing) -> Person:
        """Give a person another standing: deactivate them, make them a guest."""
        self.people[user] = replace(self.people[user], standing=standing)
        return self.people[user]
