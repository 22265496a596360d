"""What doctor says of the rules: how the file stands to the version in force, and whether there are people to spare."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from bot.cli import sayso
from bot.doctor import Check, Status
from bot.doctor.rules import look, rosters
from bot.policy import policy_change, rulebook
from bot.policy.policy_change import Fate, Submission
from bot.rehearsal import catalogue
from bot.settings import VARIABLES, Settings
from deploy.sandbox.workspace import APP_TOKEN, BOT_TOKEN, Workspace
from deploy.sandbox.workspace.directory import INCIDENTS
from storage import audit, policies
from storage.database import Database, migrate
from storage.tables import PolicyVersion
from tests.bot.desks import ALICE, BOB, either_database
from tests.bot.rewriting import FIRST, rewritten
from tests.storage.samples import AT

ONCALL = "S0ONCALL01"
LOOSER, TIGHTER = 30, 5


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty record, of either kind."""
    with either_database(request) as database:
        yield database


@pytest.fixture(scope="module")
def ws() -> Iterator[Workspace]:
    with Workspace() as running:
        yield running


@pytest.fixture
def workspace(ws: Workspace) -> Workspace:
    ws.reset()
    return ws


@pytest.fixture
def begun(database: Database) -> Database:
    """A record in which the first version is in force."""
    rulebook.opened(database, rewritten(FIRST), "rules.yaml", catalogue(), AT)
    return database


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    """Writes the rules of this process."""

    def written(text: str) -> Path:
        path = tmp_path / "rules.yaml"
        path.write_text(text)
        return path

    return written


def settings(database: str, rules: Path | None, **environ: str) -> Settings:
    """The settings of a process with this record and these rules."""
    named = {} if rules is None else {"SAYSO_RULES": str(rules)}
    return Settings.load({"DATABASE_URL": database, **named, **environ})


def slack_environ(workspace: Workspace) -> dict[str, str]:
    return {
        "SLACK_API_URL": workspace.api_url,
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_APP_TOKEN": APP_TOKEN,
        "SAYSO_ALERT_CHANNEL": INCIDENTS,
        "SAYSO_APPROVERS": ONCALL,
    }


def compared(database: Database, rules: Path) -> Check:
    (check,) = look(settings(str(database.url), rules))
    return check


def consider(database: Database, text: str) -> Fate:
    wanted = Submission(text=text, name="rules.yaml", origin="file")
    return policy_change.consider(wanted, database, catalogue(), AT).fate


def test_before_the_first_start_the_file_is_what_will_be_in_force(tmp_path: Path, file: Callable[[str], Path]) -> None:
    (check,) = look(settings(f"sqlite:///{tmp_path / 'none.sqlite'}", file(rewritten(FIRST))))

    assert check.status is Status.OK
    assert check.detail == f"rules.yaml is version {FIRST}; the first `sayso run` puts it in force"
    assert not (tmp_path / "none.sqlite").exists()


def test_a_file_that_is_in_force_is_fine(begun: Database, file: Callable[[str], Path]) -> None:
    check = compared(begun, file(rewritten(FIRST)))

    assert (check.status, check.detail) == (Status.OK, f"rules.yaml is version {FIRST}, which is in force")


@pytest.mark.parametrize("minutes", [LOOSER, TIGHTER])
def test_a_file_nobody_has_seen_yet_differs_and_is_taken_up_at_the_start(
    begun: Database, file: Callable[[str], Path], minutes: int
) -> None:
    check = compared(begun, file(rewritten(FIRST + 1, minutes)))

    assert check.status is Status.WARNING
    assert f"rules.yaml differs from version {FIRST}, which is in force: sayso takes it up" in check.detail
    assert "policy diff" in check.fix


def test_a_file_people_are_asked_about_differs_and_waits_for_them(begun: Database, file: Callable[[str], Path]) -> None:
    assert consider(begun, rewritten(FIRST + 1, LOOSER)) is Fate.PROPOSED

    check = compared(begun, file(rewritten(FIRST + 1, LOOSER)))

    assert check.status is Status.WARNING
    assert f"differs from version {FIRST}" in check.detail
    assert f"it is version {FIRST + 1}, which waits for people to approve it" in check.detail


def test_a_file_that_was_in_force_before_is_not_taken_up_again(begun: Database, file: Callable[[str], Path]) -> None:
    assert consider(begun, rewritten(FIRST + 1, TIGHTER)) is Fate.ACTIVATED

    check = compared(begun, file(rewritten(FIRST)))

    assert check.status is Status.WARNING
    assert f"differs from version {FIRST + 1}" in check.detail
    assert "which was retired before, so sayso does not take it up again" in check.detail
    assert f"policy show {FIRST + 1}" in check.fix


@pytest.mark.parametrize(
    ("text", "words"),
    [(rewritten(FIRST, TIGHTER), f"must be higher than the active version {FIRST}"), ("rules: [", "rules.yaml:1")],
)
def test_a_file_sayso_would_refuse_is_broken(
    begun: Database, file: Callable[[str], Path], text: str, words: str
) -> None:
    check = compared(begun, file(text))

    assert check.status is Status.BROKEN
    assert words in check.detail
    assert "policy check" in check.fix


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_broken(begun: Database, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_bytes(content)

    check = compared(begun, path)

    assert check.status is Status.BROKEN
    assert "mine.yaml" in check.fix


def test_rules_in_force_that_another_sayso_wrote_are_told(begun: Database, file: Callable[[str], Path]) -> None:
    text = rewritten(FIRST).replace("apiVersion: sayso.policy/v1", "apiVersion: sayso.policy/v2")
    with begun.writing() as session:
        session.execute(sa.update(PolicyVersion).values(text=text, sha256=policies.fingerprint(text)))

    check = compared(begun, file(rewritten(FIRST)))

    assert check.status is Status.BROKEN
    assert f"this sayso cannot read version {FIRST}, which is in force" in check.detail
    assert "run the sayso that wrote it" in check.fix


def test_with_a_record_that_cannot_be_read_nothing_is_compared(sqlite_url: str, file: Callable[[str], Path]) -> None:
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        connection.execute("CREATE TABLE of_somebody_else (id INTEGER)")
        connection.commit()

    (check,) = look(settings(sqlite_url, file(rewritten(FIRST))))

    assert (check.status, check.fix) == (Status.SKIPPED, "")
    assert "the record cannot be read" in check.detail


def test_looking_puts_nothing_in_force_and_on_record(begun: Database, file: Callable[[str], Path]) -> None:
    def kept() -> tuple[int, int]:
        with begun.reading() as session:
            return len(policies.listed(session, 100)), audit.size(session)[0]

    before = kept()

    compared(begun, file(rewritten(FIRST + 1, TIGHTER)))

    assert kept() == before


@pytest.mark.parametrize(("people", "status"), [((ALICE,), Status.WARNING), ((ALICE, BOB), Status.OK)])
def test_rules_with_nobody_to_spare_are_warned_of(
    workspace: Workspace,
    sqlite_url: str,
    file: Callable[[str], Path],
    people: tuple[str, ...],
    status: Status,
) -> None:
    workspace.set_usergroup(ONCALL, *people)

    (check,) = rosters(settings(sqlite_url, file(rewritten(FIRST)), **slack_environ(workspace)))

    assert check.status is status
    assert ("rule prod-fix: 1 people in owner, sre-oncall" in check.detail) is (status is Status.WARNING)


def test_people_are_counted_for_the_rules_in_force_and_not_for_the_file(begun: Database, workspace: Workspace) -> None:
    """The shipped rules, which are the file here, have one rule for which two people are too few."""
    workspace.set_usergroup(ONCALL, ALICE, BOB)

    (check,) = rosters(settings(str(begun.url), None, **slack_environ(workspace)))

    assert check.status is Status.OK, check.detail


def test_of_many_thin_rules_some_are_named_and_the_rest_counted(workspace: Workspace, sqlite_url: str) -> None:
    workspace.set_usergroup(ONCALL)

    (check,) = rosters(settings(sqlite_url, None, **slack_environ(workspace)))

    assert check.detail.count("rule ") == 3
    assert check.detail.endswith("; and 6 more")


def test_user_groups_slack_cannot_answer_for_are_told(workspace: Workspace, sqlite_url: str) -> None:
    environ = {**slack_environ(workspace), "SAYSO_APPROVERS": "S0NOBODY01"}

    (check,) = rosters(settings(sqlite_url, None, **environ))

    assert check.status is Status.BROKEN
    assert "usergroups.users.list" in check.detail


def test_where_slack_or_the_rules_cannot_be_asked_no_roster_is_spoken_of(
    workspace: Workspace, sqlite_url: str, file: Callable[[str], Path]
) -> None:
    without_slack = settings(sqlite_url, file(rewritten(FIRST)))
    assert list(rosters(without_slack)) == []

    without_rules = settings(sqlite_url, file("rules: ["), **slack_environ(workspace))
    assert list(rosters(without_rules)) == []


def test_a_warning_is_shown_and_is_no_reason_not_to_start(
    workspace: Workspace, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    database = Database(sqlite_url)
    migrate(database)
    database.close()
    workspace.set_usergroup(ONCALL, ALICE, BOB)

    ended = CliRunner().invoke(sayso, ["doctor"], env={"DATABASE_URL": sqlite_url, **slack_environ(workspace)})

    row = next(line for line in ended.stdout.splitlines() if "rosters" in line)
    assert row.split()[:3] == ["!", "rosters", "warning"]
    assert "Nothing is missing" in ended.stdout
    assert ended.exit_code == 0
