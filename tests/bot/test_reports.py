"""Documents people forward: an incident from its first alert to its end, and the draft of a post-mortem."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.reports import incident as reports
from bot.reports.rendering import escaped, fenced, quoted, render, span, wrapped
from bot.views import limits
from bot.views import report as report_view
from storage import incidents
from storage.tables import IncidentStatus, Verdict
from tests.bot.desks import ALICE, Bench
from tests.bot.waiting import put_forward
from tests.bot.waiting import say as vote
from tests.storage.samples import AT
from tools import resources
from tools.changes import Change
from tools.evidence import Finding, Proposal, Role, Severity, Trust, evidence
from tools.radius import BlastRadius, Checked

CHECKOUT = resources.kubernetes("shop", "Deployment", "checkout")
LOG = evidence(
    tool="kubernetes.logs",
    query="shop/pods/checkout-1 log of app, previous run",
    summary="last lines of the previous run",
    excerpt="ERROR ``` DATABASE_URL is not set\n# not a heading",
    at=AT,
    trust=Trust.TEXT,
)
FOUND = Finding(
    code="k8s.missing_env",
    title="checkout lacks DATABASE_URL",
    statement="Container app exits because DATABASE_URL is not set | <b>*now*</b>",
    severity=Severity.SEV1,
    confidence=9,
    resource=CHECKOUT,
    evidence_ids=(LOG.id,),
    role=Role.CHANGE,
)


@pytest.fixture
def over(desk: Bench) -> Bench:
    """An incident that was explained, decided by alice, and is over."""
    plan = put_forward(desk, env="prod")
    vote(desk, plan, Verdict.APPROVE)
    with desk.database.writing() as session:
        incident = incidents.get(session, 1)
        incident.proposal = Proposal(hypothesis=FOUND.statement, findings=(FOUND,), confidence=9)
        incident.evidence = (LOG,)
        incident.changes = (Change(at=AT - timedelta(minutes=4), resource=CHECKOUT, what="env gone", source="rollout"),)
        incident.radius = BlastRadius(affected=(Checked(resource=CHECKOUT, detail="0 of 2 available"),))
        incident.gaps = ("nodes could not be read: forbidden",)
        session.add(incident)
        desk.clock.pass_(minutes=9)
        incidents.move(session, 1, IncidentStatus.RESOLVED, desk.clock())
    return desk


def report_of(desk: Bench) -> reports.IncidentReport:
    with desk.database.reading() as session:
        return reports.of_incident(session, 1, desk.clock())


@pytest.mark.parametrize("template", ["incident.md.j2", "post_mortem.md.j2"])
def test_a_report_tells_cause_evidence_reach_actions_and_timeline(over: Bench, template: str) -> None:
    text = render(template, report_of(over))

    for told in (
        "INC-1",
        "DATABASE\\_URL is not set",
        "0 of 2 available",
        "P-1",
        ALICE,
        "env gone",
        "9 min",
        "forbidden",
    ):
        assert told in text, told
    assert "k8s.missing_env" in text


def test_the_timeline_puts_alerts_changes_and_decisions_in_one_order(over: Bench) -> None:
    moments = report_of(over).moments

    assert [one.at for one in moments] == sorted(one.at for one in moments)
    told = [one.words for one in moments]
    assert told.index("shop/Deployment/checkout: env gone") < told.index("alert KubePodCrashLooping began")
    assert told[-1].startswith("incident resolved")


def test_what_was_read_from_outside_is_no_markup(over: Bench) -> None:
    text = render("incident.md.j2", report_of(over))

    assert "\\<b\\>\\*now\\*" in text
    assert "````text" in text  # the excerpt's own fence cannot close it
    assert "\n# not a heading" not in text.replace("   # not a heading", "")


def test_an_open_incident_says_that_its_draft_is_not_the_end(desk: Bench) -> None:
    put_forward(desk, env="prod")

    text = render("post_mortem.md.j2", report_of(desk))

    assert "not over" in text


def test_an_unknown_incident_is_a_key_error(desk: Bench) -> None:
    with desk.database.reading() as session, pytest.raises(KeyError, match="no incident 7"):
        reports.of_incident(session, 7, AT)


def test_the_modal_takes_a_draft_of_any_length() -> None:
    draft = "\n".join(f"line {number} " + "x" * 200 for number in range(2000))
    shown = report_view.Report(incident_id="INC-7", facts=(("Service", "checkout"),), cause="why", draft=draft)

    view = report_view.modal(shown)

    assert limits.view_violations(view) == []
    assert "line 0 " in str(view)


@pytest.mark.parametrize(
    ("length", "told"),
    [
        (None, "–"),
        (timedelta(seconds=42), "42 s"),
        (timedelta(seconds=119), "119 s"),
        (timedelta(minutes=7), "7 min"),
        (timedelta(hours=2, minutes=5), "2 h 05 min"),
    ],
)
def test_lengths_of_time_are_told_as_people_say_them(length: timedelta | None, told: str) -> None:
    assert span(length) == told


def test_long_excerpts_show_their_end() -> None:
    text = "\n".join(f"line {number}" for number in range(40))

    assert quoted(text).splitlines()[0] == "│ … 28 lines before"
    assert quoted(text).splitlines()[-1] == "│ line 39"
    assert fenced(text).splitlines()[1] == "… 28 lines before"


def test_words_are_wrapped_behind_their_margin() -> None:
    lines = wrapped("word " * 60, 5, "  1. ").splitlines()

    assert lines[0].startswith("  1. word")
    assert all(line.startswith("     word") for line in lines[1:])
    assert max(map(len, lines)) <= 100


def test_nothing_in_escaped_words_is_markdown() -> None:
    assert escaped("a|b *c* [d](e) `f` <g>\nh") == "a\\|b \\*c\\* \\[d\\](e) \\`f\\` \\<g\\> h"
