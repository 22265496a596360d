"""`sayso policy` as a person or a script uses it: what rules say, what a change of them would do, and changing them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli import sayso
from bot.policy.rulebook import opened
from bot.rehearsal import catalogue
from bot.settings import VARIABLES
from policies.engine import decide_all
from policies.loading import SHIPPED
from storage import audit, policies
from storage.database import Database
from tests.bot.rewriting import FIRST, policy, rewritten
from tests.policies.samples import facts
from tests.storage.records import empty_sqlite
from tests.storage.samples import a_plan, an_incident

ALICE = "U0ALICE001"
NEXT = FIRST + 1
Sayso = Callable[..., Result]


@pytest.fixture
def record(sqlite_url: str) -> Database:
    """A record whose rules are in force, with one plan judged by them just now."""
    database, now = empty_sqlite(sqlite_url), datetime.now(UTC)
    opened(database, rewritten(FIRST), "rules.yaml", catalogue(), now)
    judged = decide_all(policy(FIRST), [facts(policy(FIRST), action="k8s.set_env", service="checkout", at=now)])
    with database.writing() as session:
        plan = a_plan(session, an_incident(session).id or 0, decided=judged)
        plan.proposed_at = now
        session.add(plan)
    return database


@pytest.fixture
def run(record: Database, monkeypatch: pytest.MonkeyPatch) -> Sayso:
    """Runs `sayso policy …` in this process on that record, with no other settings."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)

    def command(*words: object, **environ: str) -> Result:
        told = ["policy", *map(str, words)]
        return CliRunner().invoke(sayso, told, env={"DATABASE_URL": record.url, **environ})

    return command


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a rules file."""

    def write(text: str) -> Path:
        path = tmp_path / "new.yaml"
        path.write_text(text)
        return path

    return write


def test_the_shipped_rules_pass_their_own_tests_one_by_one(run: Sayso) -> None:
    ended = run("test")

    assert ended.exit_code == 0
    assert "✘" not in ended.stdout
    assert "staging restart" in ended.stdout
    assert ended.stdout.rstrip().splitlines()[-1].endswith("pass.")


def test_a_failing_test_says_what_was_decided_instead(run: Sayso, file: Callable[[str], Path]) -> None:
    wrong = file(rewritten(FIRST).replace("expect: {effect: auto}", "expect: {effect: deny}"))

    ended = run("test", wrong)
    told = json.loads(run("test", wrong, "--json").stdout)

    assert ended.exit_code == 1
    assert "2 of 3 pass." in ended.stdout
    assert told[0] == {
        "name": "restart",
        "decided": "Runs without asking",
        "failures": ["effect is auto"],
    }


def test_a_file_that_is_no_policy_is_refused_with_its_line(run: Sayso, file: Callable[[str], Path]) -> None:
    ended = run("test", file("rules: ["))

    assert ended.exit_code == 1
    assert "new.yaml:1: " in ended.stderr


def test_why_tells_the_stored_decision(run: Sayso) -> None:
    ended = run("why", "P-1")

    assert ended.exit_code == 0
    assert "APPROVE: Needs 1 approval from owner or sre-oncall" in ended.stdout
    assert "because prod-fix" in ended.stdout
    assert "not staging-restart: action is k8s.set_env, the rule needs k8s.restart_deployment" in ended.stdout
    assert run("why", "P-99").exit_code == 2


def test_a_diff_replays_the_last_decisions_and_ends_with_3_when_looser(run: Sayso, file: Callable[[str], Path]) -> None:
    looser = file(rewritten(NEXT, 30))

    ended = run("diff", looser)
    told = json.loads(run("diff", looser, "--json").stdout)

    assert ended.exit_code == 3
    assert "Rule prod-fix lets people answer for 30 min instead of 15 min." in ended.stdout
    assert "k8s.set_env in prod (of checkout" in ended.stdout
    assert (told["old"], told["new"]) == (FIRST, NEXT)
    assert (told["replay"]["replayed"], told["replay"]["looser"]) == (1, 1)


def test_a_diff_of_something_tighter_ends_with_0(run: Sayso, file: Callable[[str], Path]) -> None:
    ended = run("diff", file(rewritten(NEXT, 10)))

    assert ended.exit_code == 0
    assert "It allows nothing that the other does not." in ended.stdout
    assert "stricter:    1" in ended.stdout


def test_a_diff_may_be_against_a_version_of_before(run: Sayso, file: Callable[[str], Path]) -> None:
    run("propose", file(rewritten(NEXT, 10)), "--author", ALICE)

    against_now = run("diff", file(rewritten(NEXT + 1, 15)))
    against_first = run("diff", file(rewritten(NEXT + 1, 15)), "--against", FIRST)

    assert (against_now.exit_code, against_first.exit_code) == (3, 0)
    assert run("diff", file(rewritten(NEXT + 1)), "--against", 77).exit_code == 2


def test_without_a_record_a_diff_is_against_the_rules_that_would_be_used(
    run: Sayso, tmp_path: Path, file: Callable[[str], Path]
) -> None:
    nowhere = f"sqlite:///{tmp_path / 'none.sqlite'}"

    same = run("diff", SHIPPED, DATABASE_URL=nowhere)
    mine = run("diff", file(rewritten(NEXT, 30)), DATABASE_URL=nowhere, SAYSO_RULES=str(file(rewritten(NEXT, 30))))

    assert (same.exit_code, mine.exit_code) == (0, 0)


def test_a_tighter_proposal_is_in_force_at_once_and_the_history_tells_it(
    run: Sayso, file: Callable[[str], Path], record: Database
) -> None:
    ended = run("propose", file(rewritten(NEXT, 10)), "--author", ALICE)

    history = json.loads(run("history", "--json").stdout)
    assert ended.exit_code == 0
    assert f"Version {NEXT} is in force" in ended.stdout
    assert [(row["version"], row["status"], row["author"]) for row in history] == [
        (NEXT, "active", ALICE),
        (FIRST, "retired", None),
    ]
    assert "text" not in history[0]
    assert ALICE in run("history").stdout
    with record.reading() as session:
        assert [one.event for one in audit.latest(session, 1)] == ["policy.activated"]


def test_a_looser_proposal_waits_for_people(run: Sayso, file: Callable[[str], Path], record: Database) -> None:
    ended = run("propose", file(rewritten(NEXT, 30)), "--author", ALICE)
    again = run("propose", file(rewritten(NEXT, 30)), "--author", ALICE)

    assert ended.exit_code == 0
    assert "people are asked in Slack first" in ended.stdout
    assert "lets people answer for 30 min" in ended.stdout
    assert "Nothing changed." in again.stdout
    with record.reading() as session:
        active, waits = policies.active(session), policies.waiting(session)
    assert active is not None
    assert waits is not None
    assert (active.version, waits.version, waits.author) == (FIRST, NEXT, ALICE)


def test_a_proposal_that_is_refused_says_why_and_changes_nothing(run: Sayso, file: Callable[[str], Path]) -> None:
    ended = run("propose", file(rewritten(FIRST, 10)), "--author", ALICE)

    assert ended.exit_code == 1
    assert f"must be higher than the active version {FIRST}" in ended.stderr
    assert f"version {FIRST} stays in force" in ended.stderr


@pytest.mark.parametrize("author", ["alice", "@alice", "U1"])
def test_an_author_is_a_slack_id(run: Sayso, file: Callable[[str], Path], author: str) -> None:
    ended = run("propose", file(rewritten(NEXT)), "--author", author)

    assert ended.exit_code == 2
    assert "is no Slack user id" in ended.stderr


def test_a_rollback_is_a_new_version_with_the_old_content_and_asks_when_it_is_looser(
    run: Sayso, file: Callable[[str], Path], record: Database
) -> None:
    run("propose", file(rewritten(NEXT, 10)), "--author", ALICE)

    ended = run("rollback", FIRST, "--author", ALICE)

    assert f"Version {NEXT + 1} allows more, so people are asked" in ended.stdout
    with record.reading() as session:
        active, waits = policies.active(session), policies.waiting(session)
    assert active is not None
    assert waits is not None
    assert (active.version, waits.version, waits.origin) == (NEXT, NEXT + 1, "rollback")
    assert waits.text == rewritten(NEXT + 1)


def test_a_rollback_to_something_tighter_is_in_force_at_once(run: Sayso, file: Callable[[str], Path]) -> None:
    run("propose", file(rewritten(NEXT, why="Production is for those who answer for it.")), "--author", ALICE)

    ended = run("rollback", FIRST, "--author", ALICE)

    assert f"Version {NEXT + 1} is in force" in ended.stdout
    assert run("rollback", 77, "--author", ALICE).exit_code == 2


def test_a_version_is_shown_exactly_as_it_was_taken(run: Sayso) -> None:
    ended = run("show", FIRST)
    told = json.loads(run("show", FIRST, "--json").stdout)

    assert ended.stdout == rewritten(FIRST)
    assert (told["text"], told["votes"]) == (rewritten(FIRST), [])


def test_nothing_can_be_proposed_before_any_rules_are_in_force(
    sqlite_url: str, run: Sayso, file: Callable[[str], Path], tmp_path: Path
) -> None:
    empty = empty_sqlite(f"sqlite:///{tmp_path / 'empty.sqlite'}")

    ended = run("propose", file(rewritten(NEXT)), "--author", ALICE, DATABASE_URL=empty.url)

    assert ended.exit_code == 2
    assert "the first `sayso run` puts the file in force" in ended.stderr
