"""A model that failed too often lately is left alone for a while, and one look tries whether it is back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.investigation.breaker import State, judge
from bot.investigation.budget import Budget
from bot.investigation.permission import SPENT, permission
from bot.investigation.siding import LESS_SURE, NOTHING_PROPOSED
from bot.investigation.values import ModelAccess
from storage import incidents, investigations
from storage.database import Database
from storage.tables import IncidentStatus, Investigation, Mind
from tests.bot.desks import BOTH
from tests.storage.records import empty_sqlite
from tests.storage.samples import an_incident
from tools.evidence import Proposal

NOW = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)
GOOD = Mind(model="a", calls=3)
BAD = Mind(model="a", calls=1, failure="timeout")
FELL_BACK = Mind(model="a", calls=4, answered_by="b")
SKIPPED = Mind(model="a", failure=SPENT)
OTHER = Mind(model="b", calls=2, failure="http 500")
ASIDE = Mind(model="a", calls=2, failure=LESS_SURE)


def looks(*minds: Mind, apart: float = 2, ago: float = 1) -> list[tuple[Mind, datetime]]:
    """Looks of lately, the newest first, so many minutes apart."""
    return [(mind, NOW - timedelta(minutes=ago + number * apart)) for number, mind in enumerate(minds)]


@pytest.mark.parametrize(
    ("history", "state"),
    [
        (looks(), State.CLOSED),
        (looks(BAD, BAD), State.CLOSED),
        (looks(BAD, BAD, GOOD, BAD), State.CLOSED),
        (looks(BAD, BAD, BAD), State.OPEN),
        (looks(BAD, FELL_BACK, BAD), State.OPEN),
        (looks(BAD, SKIPPED, BAD, OTHER, BAD), State.OPEN),
        (looks(BAD, ASIDE, BAD, BAD), State.CLOSED),
        (looks(BAD, BAD, BAD, apart=6), State.CLOSED),
        (looks(BAD, BAD, BAD, ago=6), State.HALF_OPEN),
        (looks(BAD, BAD, BAD, BAD, apart=5.5, ago=4), State.CLOSED),
        (looks(BAD, BAD, BAD, BAD, apart=5, ago=4), State.OPEN),
        (looks(GOOD, BAD, BAD, BAD), State.CLOSED),
        (looks(OTHER, OTHER, OTHER), State.CLOSED),
    ],
)
def test_the_breaker_follows_from_the_looks_of_lately(history: list[tuple[Mind, datetime]], state: State) -> None:
    assert judge("a", history, NOW).state is state


def test_it_says_how_often_it_failed_and_when_it_is_asked_again() -> None:
    known = judge("a", looks(BAD, BAD, BAD, BAD), NOW)

    assert (known.failures, known.until) == (4, NOW + timedelta(minutes=4))


@dataclass(frozen=True)
class Record:
    """A record with looks in it, and one incident that is being looked into."""

    database: Database
    incident: int

    def looked(self, *history: tuple[Mind, datetime], tokens: int = 0, dollars: float = 0.0) -> None:
        """Keep these looks."""
        with self.database.writing() as session:
            for number, (mind, ended) in enumerate(history):
                look = Investigation(
                    incident_id=self.incident,
                    look=number + 1,
                    started_at=ended - timedelta(seconds=5),
                    finished_at=ended,
                    version="1",
                    mind=mind,
                    proposal=Proposal(hypothesis="h", confidence=1),
                    evidence=(),
                    reads=(),
                    tokens=tokens,
                    dollars=dollars,
                )
                investigations.keep(session, look)

    def asks(
        self, *models: str, incident: int | None = None, limits: Mapping[str, float] | None = None
    ) -> tuple[tuple[str, ...], str | None]:
        """Which of the models may be asked, and the refusal."""
        access = tuple(ModelAccess("http://m/v1", "k", name) for name in models)
        with self.database.reading() as session:
            found = permission(session, incident or self.incident, access, Budget.model_validate(limits or {}), NOW)
        return tuple(one.model for one in found.models), found.refusal


def begun(database: Database) -> Record:
    """A record with one incident that is being looked into."""
    with database.writing() as session:
        number = an_incident(session).id or 0
        incidents.move(session, number, IncidentStatus.INVESTIGATING, NOW)
    return Record(database, number)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    """One record for all."""
    opened = empty_sqlite(f"sqlite:///{tmp_path_factory.mktemp('record') / 'sayso.sqlite'}")
    yield begun(opened)
    opened.close()


@pytest.fixture
def record(shared: Record) -> Iterator[Record]:
    """The record, without looks."""
    yield shared
    with shared.database.writing() as session:
        session.execute(sa.delete(Investigation))


@BOTH
def test_the_record_is_read_the_same_on_both_databases(database: Database) -> None:
    record = begun(database)
    record.looked(*looks(BAD, BAD, BAD), tokens=1000)

    assert record.asks("a", "b") == (("b",), None)
    assert record.asks("a", limits={"day_tokens": 3000}) == ((), SPENT)


def test_a_sound_model_may_be_asked(record: Record) -> None:
    record.looked(*looks(GOOD, BAD))

    assert record.asks("a", "b") == (("a", "b"), None)
    assert record.asks() == ((), None)


def test_a_model_that_fails_is_left_alone_and_the_card_says_until_when(record: Record) -> None:
    record.looked(*looks(BAD, BAD, BAD))

    assert record.asks("a") == ((), "the model failed 3 times in a row; asking it again from 14:04 UTC")


def test_the_fallback_is_asked_at_once_while_the_first_is_left_alone(record: Record) -> None:
    record.looked(*looks(BAD, FELL_BACK, BAD))

    assert record.asks("a", "b") == (("b",), None)


def test_one_incident_at_a_time_tries_a_model_that_has_rested(record: Record) -> None:
    record.looked(*looks(BAD, BAD, BAD, ago=10))

    assert record.asks("a") == (("a",), None)
    assert record.asks("a", incident=record.incident + 1) == (
        (),
        "the model failed 3 times in a row; asking it again now, elsewhere",
    )


@pytest.mark.parametrize(
    ("limits", "refusal"),
    [
        ({"day_tokens": 3000}, SPENT),
        ({"day_tokens": 3001}, None),
        ({"day_dollars": 0.03}, SPENT),
        ({"day_dollars": 0.04}, None),
        ({}, None),
    ],
)
def test_what_was_spent_in_a_day_is_counted_before_anybody_is_asked(
    limits: dict[str, float], refusal: str | None, record: Record
) -> None:
    yesterday = (GOOD, NOW - timedelta(hours=24, seconds=1))
    record.looked(*looks(GOOD, BAD, GOOD), yesterday, tokens=1000, dollars=0.01)

    assert record.asks("a", limits=limits)[1] == refusal


def test_what_we_made_of_an_answer_is_no_failure_of_the_model() -> None:
    assert judge("a", looks(*[Mind(model="a", calls=1, failure=NOTHING_PROPOSED)] * 5), NOW).failures == 0
