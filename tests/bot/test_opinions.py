"""What people think of an investigation: written down once a person and look, counted, and shown below the findings."""

from __future__ import annotations

import json

import pytest

from bot import cards, opinions
from bot.opinions import Said
from deploy.sandbox.workspace.directory import TEAM_ID
from storage import feedback, incidents, investigations, messages
from storage.feedback import Opinion
from storage.tables import Investigation, Mind
from tests.bot.desks import ALICE, BOB, BOTH, Bench
from tests.storage.samples import AT, an_incident, proposal
from tools.evidence import Proposal


def looked_into(desk: Bench, concluded: Proposal | None = None) -> int:
    """An incident that was looked into once."""
    with desk.database.writing() as session:
        incident = an_incident(session)
        number = incident.id or 0
        told = concluded or proposal()
        incident.proposal, incident.evidence = told, ()
        look = Investigation(
            incident_id=number,
            look=1,
            started_at=AT,
            finished_at=AT,
            version="1",
            mind=Mind(),
            proposal=told,
            evidence=(),
            reads=(),
        )
        investigations.keep(session, look)
        cards.show_evidence(session, incidents.get(session, number), desk.desk)
        return number


def say(desk: Bench, opinion: str, user: str = ALICE, look: str = "INC-1:1", reason: str | None = None) -> str:
    said = Said(user_id=user, team_id=TEAM_ID, look=look, opinion=opinion, reason=reason)
    return str(opinions.take(said, desk.desk)["text"])


def counts(desk: Bench) -> dict[str, int]:
    with desk.database.reading() as session:
        return {str(opinion): count for opinion, count in feedback.counted(session).items() if count}


def shown(desk: Bench) -> str:
    with desk.database.reading() as session:
        found = messages.find(session, "incident:1:evidence:1")
    assert found is not None
    return str(json.loads(found.wanted))


@BOTH
def test_the_latest_word_of_each_person_counts(desk: Bench) -> None:
    looked_into(desk)

    say(desk, "useful")
    say(desk, "wrong_cause", reason="it was the DNS")
    say(desk, "useful", BOB)

    assert counts(desk) == {"useful": 1, "wrong_cause": 1}
    assert [event for _, event in desk.entries("incident:1")].count("feedback.given") == 3


def test_what_people_said_stands_below_the_findings(desk: Bench) -> None:
    looked_into(desk)

    say(desk, "wrong_cause", reason="it was the DNS")

    assert f"<@{ALICE}> says the cause is wrong: it was the DNS" in shown(desk)


def test_saying_the_same_twice_is_one_entry(desk: Bench) -> None:
    looked_into(desk)

    say(desk, "useful")
    say(desk, "useful")

    assert [event for _, event in desk.entries("incident:1")].count("feedback.given") == 1


@pytest.mark.parametrize(
    ("look", "opinion"),
    [("INC-1:2", "useful"), ("INC-2:1", "useful"), ("INC-1:1", "approved"), ("P-1:1", "useful"), ("", "useful")],
)
def test_what_names_no_look_or_no_opinion_changes_nothing(desk: Bench, look: str, opinion: str) -> None:
    looked_into(desk)

    told = say(desk, opinion, look=look)

    assert "no such investigation" in told
    assert counts(desk) == {}


def test_a_stranger_is_refused_and_that_is_on_record(desk: Bench) -> None:
    looked_into(desk)

    say(desk, "useful", "U0NOBODY01")

    assert counts(desk) == {}
    assert ("U0NOBODY01", "click.refused") in desk.entries("incident:1")


def test_secrets_in_a_reason_are_not_kept(desk: Bench) -> None:
    looked_into(desk)

    say(desk, "wrong_cause", reason="password=" + "hunter2hunter2")

    with desk.database.reading() as session:
        (kept,) = feedback.of_incident(session, 1)
    assert kept.verdict == Opinion.WRONG_CAUSE
    assert "hunter2" not in (kept.reason or "")
