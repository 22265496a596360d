"""Channels that people of another organisation read: no incident is told there, whatever asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.metrics import Metrics
from bot.people import People
from bot.slack import Outbox
from deploy.sandbox.workspace import CallFault, Workspace
from deploy.sandbox.workspace.directory import ALERTS, SHARED, TEAM_ID
from storage import messages
from storage.database import Database
from tests.bot.desks import ALICE, GROUPS, Clock, client_of


@pytest.fixture
def ws() -> Iterator[Workspace]:
    with Workspace() as workspace:
        yield workspace


@pytest.fixture
def outbox(database: Database, ws: Workspace) -> Outbox:
    clock = Clock()
    people = People(client_of(ws), TEAM_ID, GROUPS, clock)
    return Outbox(client_of(ws), database, "me", Metrics(), clock, 1000.0, is_shared=people.is_shared)


def want(database: Database, key: str, channel: str) -> None:
    with database.writing() as session:
        messages.want(session, key, channel=channel, body={"text": "a secret", "blocks": []}, at=Clock().at)


def test_nothing_is_posted_where_another_organisation_reads(outbox: Outbox, database: Database, ws: Workspace) -> None:
    for key, channel in (("theirs", SHARED), ("ours", ALERTS), ("direct", ALICE)):
        want(database, key, channel)

    posted = sum(outbox.deliver() for _ in range(3))

    assert posted == 2
    assert ws.messages(SHARED) == []
    with database.reading() as session:
        theirs = messages.find(session, "theirs")
    assert theirs is not None
    assert theirs.error == "shared_channel"


def test_a_channel_nobody_can_look_up_waits(outbox: Outbox, database: Database, ws: Workspace) -> None:
    ws.fault(CallFault(method="conversations.info", error="internal_error"))
    want(database, "ours", ALERTS)

    posted = outbox.deliver()

    assert posted == 0
    assert ws.messages(ALERTS) == []
    with database.reading() as session:
        assert [message.key for message in messages.due(session)] == ["ours"]
