"""`sayso replay`: what was seen is judged again with the rules of today, and the difference is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli import sayso
from bot.evaluation import worlds
from bot.evaluation.cases import find
from bot.evaluation.replaying import Replayed, replay
from bot.investigation import rules
from bot.investigation.rules import Conclusion
from bot.settings import VARIABLES
from storage import investigations
from storage.database import Database
from storage.tables import Incident, IncidentStatus, Investigation, Mind
from tools.clients import Readers
from tools.evidence import Severity
from tools.subjects import KubernetesSubject

CASES = Path(__file__).parents[1] / "cases"
SUBJECT = KubernetesSubject(namespace="shop", deployment="catalog")
NOW = datetime.now(UTC)
MODEL = Mind(model="some-model", calls=3)
Sayso = Callable[..., Result]


@pytest.fixture(scope="module")
def seen() -> Conclusion:
    """What the rules conclude of a cluster in which catalog runs out of memory."""
    (case,) = find(CASES, "kubernetes/oom-after-limit-lowered")
    return rules.investigate(SUBJECT, case.at, Readers(kubernetes=worlds.cluster(case, CASES), aws=None))


@pytest.fixture
def run(database: Database, monkeypatch: pytest.MonkeyPatch) -> Sayso:
    """Runs the command in this process, on a record with one incident, INC-1, that has no investigation yet."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    incident = Incident(
        title="catalog is killed",
        environment="prod",
        severity=Severity.SEV2,
        status=IncidentStatus.NEEDS_HUMAN,
        opened_at=NOW,
        active_at=NOW,
        channel="C0ALERTS01",
    )
    with database.writing() as session:
        session.add(incident)
    return lambda *words: CliRunner().invoke(sayso, ["replay", *words], env={"DATABASE_URL": database.url})


def test_a_picture_gives_the_same_until_a_rule_changes(run: Sayso, database: Database, seen: Conclusion) -> None:
    keep(database, kept(seen))

    told = run("INC-1")

    assert told.exit_code == 0, told.output
    assert "INC-1, look 1" in told.stdout
    assert "same:        k8s.oom_killed on Deployment/catalog" in told.stdout


def test_another_first_cause_than_then_ends_with_1_and_says_what_differs(
    run: Sayso, database: Database, seen: Conclusion
) -> None:
    keep(database, kept(misjudged(seen)))

    told = run("INC-1")

    assert told.exit_code == 1
    assert "gained:      k8s.oom_killed on Deployment/catalog" in told.stdout
    assert "lost:        k8s.crash_loop on Deployment/catalog" in told.stdout
    assert "actions:     none" in told.stdout
    assert "  now:       k8s.oom_killed on Deployment/catalog" in told.stdout


def test_all_of_the_last_days_are_one_table_and_end_with_1_when_a_first_cause_changed(
    run: Sayso, database: Database, seen: Conclusion
) -> None:
    keep(database, kept(seen), kept(misjudged(seen), look=2), kept(misjudged(seen), look=3, days_ago=90))

    told = run("--all")

    rows = told.stdout.splitlines()[1:]
    assert told.exit_code == 1
    assert [("same" in row, "k8s.crash_loop" in row) for row in rows] == [(False, True), (True, False)]


def test_a_look_is_chosen_by_number_and_the_newest_without(run: Sayso, database: Database, seen: Conclusion) -> None:
    keep(database, kept(seen), kept(misjudged(seen), look=2))

    first, newest, none = run("INC-1", "--look", "1"), run("INC-1"), run("INC-1", "--look", "7")

    assert (first.exit_code, newest.exit_code, none.exit_code) == (0, 1, 2)
    assert "has no look 7; it has 1, 2" in none.stderr


def test_json_holds_both_standings(run: Sayso, database: Database, seen: Conclusion) -> None:
    keep(database, kept(misjudged(seen)))

    told = json.loads(run("INC-1", "--json").stdout)

    assert told["then"]["lead"] == "k8s.crash_loop on Deployment/catalog"
    assert told["now"]["lead"] == "k8s.oom_killed on Deployment/catalog"
    assert (told["same"], told["lead_changed"]) == (False, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("INC-1",), "INC-1 has no kept investigation"),
        (("INC-9",), "9"),
        ((), "Say which incident"),
        (("INC-1", "--all"), "Say which incident"),
    ],
)
def test_what_cannot_be_replayed_is_told_in_a_sentence(words: tuple[str, ...], message: str, run: Sayso) -> None:
    told = run(*words)

    assert told.exit_code == 2
    assert message in told.stderr
    assert "Traceback" not in told.output


@pytest.mark.parametrize(
    ("picture", "problem"),
    [
        (None, "nothing was seen then"),
        (b"not compressed", "cannot be read"),
        (investigations.packed(SUBJECT), "no longer fits"),
    ],
)
def test_a_picture_that_no_longer_fits_is_said_so(picture: bytes | None, problem: str, seen: Conclusion) -> None:
    told = judged(kept(seen), picture=picture)

    assert told.now is None
    assert problem in (told.problem or "")
    assert not told.lead_changed


def test_a_model_that_named_another_cause_is_shown_and_not_held_against_the_rules(seen: Conclusion) -> None:
    told = judged(kept(misjudged(seen), mind=MODEL))

    assert told.model == "some-model"
    assert told.gained == ("k8s.oom_killed on Deployment/catalog",)
    assert not told.lead_changed


def test_what_a_model_said_is_checked_against_the_kept_evidence(seen: Conclusion) -> None:
    lead = seen.proposal.findings[0].model_copy(update={"statement": "Container app needs 900Mi."})
    proposal = seen.proposal.model_copy(update={"findings": (lead,)})

    sound = judged(kept(seen, mind=MODEL))
    told = judged(kept(seen.model_copy(update={"proposal": proposal}), mind=MODEL))
    bare = judged(kept(seen.model_copy(update={"evidence": ()}), mind=MODEL))

    assert sound.unfounded == ()
    assert told.unfounded == ("k8s.oom_killed says '900Mi', its evidence does not",)
    assert bare.unfounded == ("k8s.oom_killed cites evidence that was not kept",)


def test_a_finding_weighed_otherwise_is_told_with_both_weights(seen: Conclusion) -> None:
    lead = seen.proposal.findings[0]
    unsure = lead.model_copy(update={"confidence": 2})
    proposal = seen.proposal.model_copy(update={"findings": (unsure, *seen.proposal.findings[1:])})

    told = judged(kept(seen.model_copy(update={"proposal": proposal})))

    assert told.reweighed == (f"k8s.oom_killed on Deployment/catalog: 2 -> {lead.confidence}",)
    assert not told.lead_changed


def misjudged(seen: Conclusion) -> Conclusion:
    """As if older rules had called it a plain crash and known no fix."""
    lead = seen.proposal.findings[0].model_copy(update={"code": "k8s.crash_loop"})
    proposal = seen.proposal.model_copy(update={"findings": (lead,), "actions": (), "success_criteria": ()})
    return seen.model_copy(update={"proposal": proposal})


def kept(seen: Conclusion, *, look: int = 1, mind: Mind | None = None, days_ago: int = 0) -> Investigation:
    assert seen.picture is not None
    at = NOW - timedelta(days=days_ago, seconds=60 - look)
    return Investigation(
        incident_id=1,
        look=look,
        started_at=at,
        finished_at=at,
        version="0.0.9",
        mind=mind or Mind(),
        subject=SUBJECT,
        picture=investigations.packed(seen.picture),
        proposal=seen.proposal,
        evidence=seen.evidence,
        reads=(),
    )


def judged(investigation: Investigation, **members: bytes | None) -> Replayed:
    """One investigation judged again, with what was kept exchanged first."""
    for name, value in members.items():
        setattr(investigation, name, value)
    return replay(investigation)


def keep(database: Database, *looks: Investigation) -> None:
    with database.writing() as session:
        for one in looks:
            investigations.keep(session, one)
