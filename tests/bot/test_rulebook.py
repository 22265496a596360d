"""Which rules decide: those the record says, in every replica, from the moment they take effect."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bot.policy.rulebook import Rulebook, UnreadableRules, opened
from policies.documents import PolicyError
from storage import audit, policies
from storage.database import Database, migrate
from storage.policies import Draft
from storage.tables import PolicyStatus, PolicyVersion
from tests.bot.desks import either_database, shipped
from tests.bot.rewriting import FIRST, policy, rewritten
from tests.storage.samples import AT

CATALOGUE = shipped().catalogue


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty record, of either kind."""
    with either_database(request) as database:
        yield database


def book(database: Database, text: str | None = None) -> Rulebook:
    return opened(database, text or rewritten(FIRST), "rules.yaml", CATALOGUE, AT)


def put_in_force(database: Database, version: int, minutes: int = 15) -> None:
    new = policy(version, minutes)
    text = rewritten(version, minutes)
    draft = Draft(version=version, sha256=new.sha256, text=text, author=None, origin="file")
    with database.writing() as session:
        assert policies.put_in_force(session, draft, AT, over=policies.active_id(session)) is not None


def events(database: Database, version: int) -> list[str]:
    with database.reading() as session:
        return [entry.event for entry in reversed(audit.latest(session, 100, policies.subject(version)))]


def test_the_file_of_the_first_start_is_put_in_force(database: Database) -> None:
    rules = book(database)

    assert rules.in_force().version == FIRST
    assert events(database, FIRST) == ["policy.activated", "policy.loaded"]


def test_a_broken_file_at_the_first_start_is_an_error_with_its_line(database: Database) -> None:
    with pytest.raises(PolicyError, match=r"rules.yaml:1: "):
        book(database, "rules: [")

    with database.reading() as session:
        assert policies.active(session) is None


def test_later_the_record_decides_and_not_the_file(database: Database) -> None:
    book(database)

    for text in (rewritten(FIRST + 1, 30), "rules: ["):
        assert book(database, text).in_force().sha256 == policy(FIRST).sha256
    assert events(database, FIRST) == ["policy.activated", "policy.loaded", "policy.loaded", "policy.loaded"]


def test_a_change_made_through_one_replica_is_in_force_in_the_other(postgres_url: str) -> None:
    here, there = Database(postgres_url), Database(postgres_url)
    migrate(here)
    first, second = book(here), book(there)
    put_in_force(here, FIRST + 1)

    with there.reading() as session:
        in_a_transaction = second.in_force(session).version
    looked = first.look().version

    assert (in_a_transaction, looked, second.in_force().version) == (FIRST + 1, FIRST + 1, FIRST + 1)
    here.close()
    there.close()


def test_without_a_transaction_the_last_look_counts_and_costs_nothing(database: Database) -> None:
    rules = book(database)
    put_in_force(database, FIRST + 1)
    asked: list[str] = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *given: asked.append(str(given[2])))

    before = rules.in_force().version
    costs = len(asked)
    rules.look()
    one_look = len(asked)
    rules.look()

    assert (before, costs) == (FIRST, 0)
    assert rules.in_force().version == FIRST + 1
    assert len(asked) - one_look <= 2  # nothing changed: BEGIN, and one indexed read


def test_an_older_transaction_does_not_turn_the_rules_back(database: Database) -> None:
    rules = book(database)
    with database.reading() as older:
        assert rules.in_force(older).version == FIRST
        put_in_force(database, FIRST + 1)
        rules.look()

        assert rules.in_force(older).version == FIRST + 1
    assert rules.in_force().version == FIRST + 1


def test_rules_written_for_another_sayso_stop_this_one(database: Database) -> None:
    """A replica of before an upgrade must not go on by rules that are not in force any more."""
    rules = book(database)
    text = rewritten(FIRST + 1).replace("apiVersion: sayso.policy/v1", "apiVersion: sayso.policy/v2")
    row = PolicyVersion(
        version=FIRST + 1,
        sha256=policies.fingerprint(text),
        text=text,
        status=PolicyStatus.ACTIVE,
        origin="file",
        looser=(),
        proposed_at=AT,
        activated_at=AT,
    )
    with database.writing() as session:
        session.execute(sa.update(PolicyVersion).values(status=PolicyStatus.RETIRED))
        session.add(row)

    with database.reading() as session, pytest.raises(UnreadableRules, match=f"version {FIRST + 1}, cannot be read"):
        rules.in_force(session)
    with pytest.raises(UnreadableRules, match="Run the sayso that wrote them"):
        book(database)


def test_a_rulebook_without_a_record_holds_its_policy(database: Database) -> None:
    held = shipped()
    rules = Rulebook(held)

    with database.reading() as session:
        assert rules.look() is rules.in_force() is rules.in_force(session) is held
