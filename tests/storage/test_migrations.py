"""Upgrading a record that is in use: what was written stays, and what is new has its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import storage.migrations
from storage.database import Database, is_of_another_version, migrate, migrating

AT = "2026-11-18 12:00:00+00:00"
FIRST = """
INSERT INTO incident (id, title, environment, severity, status, opened_at, channel, looks)
VALUES (1, 'checkout restarts', 'prod', 'sev2', 'resolved', :at, 'C0ALERTS01', 1);
INSERT INTO plan (id, incident_id, look, version, status, digest, canonical, proposal, rehearsal, decision, round,
                  requester, proposed_at, not_after)
VALUES (1, 1, 1, 1, 'succeeded', 'd1', '{}', '{}', '{}', '{}', 1, 'sayso', :at, :at);
INSERT INTO vote (id, plan_id, plan_digest, user_id, groups, verdict, given_at)
VALUES (1, 1, 'd1', 'U0ALICE001', '["owner"]', 'approve', :at);
INSERT INTO inbox (key, kind, body, received_at, attempts) VALUES ('k1', 'message', '{}', :at, 0)
"""


def to(database: Database, version: str) -> None:
    """Bring a record to exactly this version, up or down."""
    config = Config()
    config.set_main_option("script_location", str(Path(storage.migrations.__file__).parent))
    with migrating(database) as connection:
        config.attributes["connection"] = connection
        now = connection.scalar(sa.text("SELECT version_num FROM alembic_version")) if has_version(connection) else ""
        (command.downgrade if version < str(now) else command.upgrade)(config, version)


def has_version(connection: sa.Connection) -> bool:
    return sa.inspect(connection).has_table("alembic_version")


def run(database: Database, statements: str) -> None:
    with database.engine.connect().execution_options(sayso_write=True) as connection, connection.begin():
        for statement in statements.split(";"):
            connection.execute(sa.text(statement), {"at": AT} if ":at" in statement else {})


def rows(database: Database, query: str) -> list[tuple[object, ...]]:
    with database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


@pytest.fixture(params=["sqlite", "postgres"])
def first(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A record of the first version with one plan, voted on and carried out."""
    database = Database(request.getfixturevalue(f"{request.param}_url"))
    to(database, "0001")
    run(database, FIRST)
    yield database
    database.close()


def test_what_the_first_version_wrote_is_kept(first: Database) -> None:
    migrate(first)

    assert rows(first, "SELECT id, status, steerers, likeness, undoes FROM plan") == [(1, "succeeded", "[]", "", None)]
    assert rows(first, "SELECT id, user_id, verdict, round, on_behalf_of FROM vote") == [
        (1, "U0ALICE001", "approve", 1, None)
    ]
    assert rows(first, "SELECT key, attempts, next_at, claimed_by FROM inbox") == [("k1", 0, None, None)]


def test_a_record_of_another_version_is_known_as_such(first: Database) -> None:
    before = is_of_another_version(first)

    migrate(first)

    assert (before, is_of_another_version(first)) == (True, False)


def test_a_person_votes_once_in_a_round_and_again_in_the_next(first: Database) -> None:
    vote = (
        "INSERT INTO vote (id, plan_id, plan_digest, user_id, groups, verdict, given_at, round, stepped_up) "
        "VALUES ({id}, 1, 'd1', 'U0ALICE001', '[]', 'approve', :at, {round}, {no})"
    )
    no = "false" if first.url.startswith("postgres") else "0"
    migrate(first)

    run(first, vote.format(id=2, round=2, no=no))

    with pytest.raises(sa.exc.IntegrityError):
        run(first, vote.format(id=3, round=2, no=no))
    assert rows(first, "SELECT round FROM vote ORDER BY round") == [(1,), (2,)]


def test_the_way_back_keeps_what_the_first_version_knew(first: Database) -> None:
    migrate(first)

    to(first, "0001")

    assert rows(first, "SELECT id, status FROM plan") == [(1, "succeeded")]
    assert rows(first, "SELECT id, user_id FROM vote") == [(1, "U0ALICE001")]
    migrate(first)
    assert rows(first, "SELECT id, user_id, round FROM vote") == [(1, "U0ALICE001", 1)]
