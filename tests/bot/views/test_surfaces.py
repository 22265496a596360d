"""What the other surfaces choose to show: incident, evidence, modals, Home and lists."""

from __future__ import annotations

import pytest

from bot.views import evidence, home, incident, lists, modals
from bot.views.incident import IncidentState, Mind
from bot.views.modals import Timeline, TimelineEntry
from tests.bot.views import samples
from tests.bot.views.samples import NOON, after, incident_card
from tools.evidence import Trust

AGAIN = {IncidentState.MITIGATED, IncidentState.NEEDS_PERSON, IncidentState.NO_PLAN}


@pytest.mark.parametrize("state", IncidentState)
def test_looking_again_is_offered_where_nothing_is_under_way(state: IncidentState) -> None:
    message = incident.card(incident_card(state))

    assert ("incident.investigate" in str(message)) is (state in AGAIN)
    assert "incident.timeline" in str(message)


@pytest.mark.parametrize("state", IncidentState)
def test_an_incident_tells_its_state_in_words_as_well_as_in_colour(state: IncidentState) -> None:
    message = incident.card(incident_card(state))

    face = incident.FACES[state]
    assert message["attachments"][0]["color"] == face.colour
    assert face.words in str(message["attachments"][0]["blocks"])
    assert face.words.lower() in message["text"]


@pytest.mark.parametrize(
    ("mind", "words"),
    [
        (Mind(), "rules"),
        (Mind(model="gpt-x", calls=6, tokens=9_240), "model gpt-x (6 calls, 9k tokens)"),
        (Mind(model="gpt-x", calls=1, tokens=480), "model gpt-x (1 call, 480 tokens)"),
        (Mind(model="gpt-x", failure="timeout"), "model failed: timeout; rules answered"),
        (Mind(model="gpt-x", calls=6, tokens=9_240, dollars=0.012), "model gpt-x (6 calls, 9k tokens, $0.01)"),
        (Mind(model="gpt-x", calls=6, tokens=9_240, dollars=0.002), "model gpt-x (6 calls, 9k tokens, <$0.01)"),
        (Mind(model="a", answered_by="b", calls=2, tokens=900), "model b in place of a (2 calls, 900 tokens)"),
        (
            Mind(model="gpt-x", failure="the model's budget for today is spent"),
            "rules alone: the model's budget for today is spent",
        ),
        (
            Mind(model="gpt-x", calls=2, failure="it proposed nothing"),
            "rules first; the model was asked: it proposed nothing",
        ),
    ],
)
def test_a_card_says_who_thought(mind: Mind, words: str) -> None:
    message = incident.card(incident_card(IncidentState.RESOLVED, mind=mind))

    assert f" · {words} · " in str(message)


@pytest.mark.parametrize(("alerts", "told"), [(1, False), (14, True)])
def test_folded_alerts_are_counted_when_there_are_several(alerts: int, told: bool) -> None:
    message = incident.card(incident_card(IncidentState.INVESTIGATING, alerts=alerts))

    assert ("alerts folded" in str(message)) is told


def test_an_unexplained_incident_shows_what_was_seen_and_what_was_not() -> None:
    message = incident.card(samples.INCIDENTS["no_plan"])

    shown = str(message)
    assert "No known cause" in shown
    assert "3 of 3 pods of checkout crash" in shown
    assert "AccessDenied for ecs:DescribeServices" in shown


@pytest.mark.parametrize(("trust", "linked"), [(Trust.STATUS, True), (Trust.TEXT, False)])
def test_only_a_providers_own_address_becomes_a_link(trust: Trust, linked: bool) -> None:
    piece = samples.LOGS.model_copy(update={"trust": trust})
    seen = samples.REPORT.model_copy(update={"evidence": (piece,)})

    message = evidence.report(seen)

    assert ("<https://logs.example/evil|" in str(message)) is linked
    assert ("text that outsiders can write" in str(message)) is not linked


def test_a_finding_whose_evidence_is_missing_is_still_shown() -> None:
    message = evidence.report(samples.REPORT.model_copy(update={"evidence": ()}))

    assert samples.FINDING.title in str(message)


@pytest.mark.parametrize(
    ("reason", "taken"), [(None, False), ("", False), ("  x  ", False), ("too risky now", True), ("why", True)]
)
def test_a_rejection_needs_a_reason(reason: str | None, taken: bool) -> None:
    errors = modals.reason_errors(reason)

    assert (errors == {}) is taken
    assert taken or set(errors) == {"why"}


def test_a_long_timeline_keeps_the_newest_and_counts_the_rest() -> None:
    entries = tuple(TimelineEntry(at=after(n), actor="sayso", event=f"event {n};") for n in range(100))

    view = modals.timeline(Timeline(incident_id="INC-142", entries=entries))

    assert "40 earlier entries" in str(view)
    assert "event 99;" in str(view)
    assert "event 39;" not in str(view)


def test_details_show_every_step_whole_and_the_evidence_for_each_finding() -> None:
    view = modals.details(samples.PLANS["pending"], (samples.FINDING,), (samples.STATUS, samples.LOGS))

    shown = str(view)
    assert all(step.command in shown for step in samples.PLANS["pending"].steps)
    assert "CrashLoopBackOff" in shown
    assert samples.DIGEST in shown


@pytest.mark.parametrize(("rows", "more"), [(15, None), (16, "… and 1 more"), (40, "… and 25 more")])
def test_a_long_list_is_cut_and_says_so(rows: int, more: str | None) -> None:
    message = lists.incidents([samples.INCIDENT_ROW] * rows)

    assert str(message).count("HighErrorRate") == min(rows, 15)
    assert (more or "… and") in str(message) if more else "… and" not in str(message)


def test_home_offers_each_waiting_plan_to_whoever_may_decide_it() -> None:
    view = home.view(samples.HOME)

    assert str(view).count(f"'value': '{samples.REFERENCE}'") == 1


def test_a_quiet_home_says_so() -> None:
    view = home.view(home.Home(render=0, updated_at=NOON))

    assert "Nothing waits for you." in str(view)
    assert "All quiet." in str(view)
