"""The `sayso` command as a person or a script uses it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli import sayso
from bot.settings import VARIABLES
from policies.decisions import Decision, Effect, Obligation, Reason
from storage import inbox, incidents, plans
from storage.database import Database, hold_alone, migrate
from storage.incidents import AlertNews
from storage.tables import AlertStatus, PlanStatus, Verdict
from tests.storage.records import tamper
from tools import resources
from tools.actions import UndoRollout
from tools.criteria import RolloutDone
from tools.evidence import Proposal, Severity
from tools.previews import Change, Observed, Preview, Rehearsal, RehearsedStep
from tools.subjects import KubernetesSubject

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
HEAVY = ("langchain", "kubernetes", "boto3", "dbos", "sqlmodel", "sqlalchemy", "pydantic", "flask", "slack_sdk", "rich")
Sayso = Callable[..., Result]


def news() -> AlertNews:
    return AlertNews(
        fingerprint="fp1",
        source="alertmanager",
        name="KubePodCrashLooping",
        severity=Severity.SEV2,
        status=AlertStatus.FIRING,
        service="checkout",
        environment="prod",
        labels={"namespace": "shop"},
        annotations={"summary": "checkout \x1b[31mrestarts"},
        starts_at=AT,
        ends_at=None,
        generator_url=None,
        subject=KubernetesSubject(namespace="shop", deployment="checkout"),
    )


def rehearsal(action: UndoRollout) -> Rehearsal:
    observed = Observed(
        target=resources.kubernetes("shop", "Deployment", "checkout"),
        uid="uid-1",
        generation=4,
        spec_digest="0" * 64,
        before="{}",
    )
    preview = Preview(
        changes=(Change(path="image", before="web:42", after="web:41"),),
        blast_radius="3 pods",
        undo="roll forward",
        command="kubectl rollout undo",
        dry_run="accepted by the API server",
    )
    return Rehearsal(steps=(RehearsedStep(action=action, observed=observed, preview=preview),))


def decision() -> Decision:
    return Decision(
        effect=Effect.APPROVE,
        obligations=(Obligation(rule="prod", approvals=1, groups=("sre-oncall",)),),
        expires_s=900,
        because=(Reason(rule="prod", why="production needs a person"),),
        trace=(),
        policy_version=1,
        policy_sha256="0" * 64,
        facts=(),
    )


def fill(database: Database) -> None:
    """One incident, with a plan somebody rejected, and one webhook body that could not be used."""
    action = UndoRollout(namespace="shop", deployment="checkout", to_revision=3)
    done = RolloutDone(namespace="shop", deployment="checkout")
    proposal = Proposal(hypothesis="Revision 4 crashes", actions=(action,), success_criteria=(done,), confidence=9)
    with database.writing() as session:
        received = incidents.receive(session, news(), channel="C0ALERTS01", at=AT)
        assert received.incident_id is not None
        plan = plans.propose(
            session,
            incident_id=received.incident_id,
            look=1,
            proposal=proposal,
            rehearsal=rehearsal(action),
            decision=decision(),
            status=PlanStatus.PENDING,
            requester="sayso",
            not_after=AT + timedelta(minutes=15),
            nonce="fixture",
            at=AT,
        )
        vote = {"user_id": "U0ALICE001", "groups": ("sre-oncall",), "verdict": Verdict.REJECT, "reason": "not now"}
        plans.cast_vote(session, plan, at=AT, **vote)  # type: ignore[arg-type]
        plans.move(session, plan, PlanStatus.REJECTED, AT, actor="U0ALICE001", outcome="Rejected: not now")
        inbox.keep_refused(session, source="alertmanager", body=b"\xff{", reason="the body is not JSON", at=AT)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("record") / "sayso.sqlite"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    fill(database)
    database.close()
    return path


@pytest.fixture
def record(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(filled, tmp_path / "sayso.sqlite"))


@pytest.fixture
def run(record: Path, monkeypatch: pytest.MonkeyPatch) -> Sayso:
    """Runs the command in this process, on the filled record and with no other settings."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)

    def command(*words: str, **environ: str) -> Result:
        return CliRunner().invoke(sayso, words, env={"DATABASE_URL": f"sqlite:///{record}", **environ})

    return command


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_help_answers_at_once_and_loads_nothing_heavy() -> None:
    script = f"""
import pathlib, runpy, sys, time
sys.argv = ["sayso", "--help"]
try:
    runpy.run_module("bot", run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
heavy = sorted({{name.partition(".")[0] for name in sys.modules}} & set({HEAVY!r}))
peak = next(line for line in pathlib.Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(heavy, time.process_time(), int(peak.split()[1]) / 1024, file=sys.stderr)
"""

    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    heavy, seconds, megabytes = ended.stderr.rsplit(maxsplit=2)
    assert heavy == "[]"
    assert float(seconds) < 0.4
    assert float(megabytes) < 60
    assert "acts only on your say-so" in ended.stdout


def test_reading_the_record_needs_no_slack_and_loads_no_client(record: Path) -> None:
    script = """
import sys
from bot.cli import sayso
try:
    sayso(["incidents"])
except SystemExit as end:
    assert not end.code, end.code
print(sorted({"langchain", "kubernetes", "boto3", "dbos", "slack_sdk", "flask"} & set(sys.modules)), file=sys.stderr)
"""
    environ = {"DATABASE_URL": f"sqlite:///{record}", "PATH": ""}

    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )

    assert "checkout" in ended.stdout
    assert ended.stderr.strip() == "[]"


def test_running_without_settings_names_every_missing_one_and_ends_with_2(run: Sayso) -> None:
    ended = run("run")

    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert "SLACK_BOT_TOKEN is missing" in ended.stderr
    assert "SAYSO_APPROVERS is missing" in ended.stderr


def test_a_second_process_on_one_file_is_told_what_to_do(record: Path) -> None:
    environ = {
        "DATABASE_URL": f"sqlite:///{record}",
        "SLACK_BOT_TOKEN": "xoxb-fixture",
        "SLACK_APP_TOKEN": "xapp-fixture",
        "SLACK_API_URL": "http://127.0.0.1:1/api/",
        "SAYSO_ALERT_CHANNEL": "C0ALERTS01",
        "SAYSO_APPROVERS": "S0ONCALL01",
    }
    held = hold_alone(environ["DATABASE_URL"])

    # A process of its own: `run` takes over signals and logging.
    ended = subprocess.run([sys.executable, "-m", "bot", "run"], cwd=ROOT, env=environ, capture_output=True, text=True)

    assert held is not None
    held.close()
    assert ended.returncode == 2
    assert "another sayso process is using" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("words", [("incidents",), ("audit", "verify"), ("doctor",), ("policy", "check")])
def test_a_malformed_setting_ends_every_command_with_2_and_no_traceback(run: Sayso, words: tuple[str, ...]) -> None:
    ended = run(*words, SAYSO_HTTP_PORT="http")

    assert ended.exit_code == 2
    assert "SAYSO_HTTP_PORT" in ended.stderr
    assert "Traceback" not in ended.output


@pytest.mark.parametrize("words", [(), ("list",)])
def test_incidents_are_listed_with_or_without_the_word(run: Sayso, words: tuple[str, ...]) -> None:
    ended = run("incidents", *words)

    assert ended.exit_code == 0
    assert "checkout restarts" in ended.stdout
    assert "\x1b" not in ended.stdout


def test_only_open_incidents_when_asked(run: Sayso, record: Path) -> None:
    with closing(sqlite3.connect(record)) as connection:
        connection.execute("UPDATE incident SET open_key = NULL, status = 'resolved'")
        connection.commit()

    assert "checkout" in run("incidents").stdout
    assert run("incidents", "--open").stdout == "No incidents.\n"


def test_one_incident_is_shown_with_its_alerts_and_plans(run: Sayso) -> None:
    ended = run("incidents", "show", "1")

    assert ended.exit_code == 0
    assert "KubePodCrashLooping firing, once" in ended.stdout
    assert "plan:        P-1 (version 1) rejected" in ended.stdout


@pytest.mark.parametrize("words", [("plans", "show", "1"), ("plan", "show", "1"), ("plan", "show", "P-1")])
def test_one_plan_is_shown_with_its_actions_votes_and_policy(run: Sayso, words: tuple[str, ...]) -> None:
    ended = run(*words)

    assert ended.exit_code == 0
    assert "Roll checkout back to revision 3" in ended.stdout
    assert "U0ALICE001 reject 2026-11-21 09:00:00Z not now" in ended.stdout
    assert "production needs a person" in ended.stdout
    assert "Rejected: not now" in ended.stdout


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (("incidents", "--json"), {"id", "title", "severity", "status"}),
        (("plans", "--json"), {"id", "incident_id", "status", "digest"}),
        (("audit", "--json"), {"seq", "actor", "event", "hash", "previous_hash"}),
        (("refused", "--json"), {"id", "source", "reason"}),
        (("settings", "--json"), {"name", "default", "where"}),
    ],
)
def test_lists_are_json_on_request(run: Sayso, words: tuple[str, ...], keys: set[str]) -> None:
    listed = json.loads(run(*words).stdout)

    assert listed
    assert keys <= set(listed[0])


def test_things_shown_as_json_are_whole(run: Sayso) -> None:
    incident, plan = (
        json.loads(run("incidents", "show", "1", "--json").stdout),
        json.loads(run("plan", "show", "1", "--json").stdout),
    )

    assert incident["alerts"][0]["fingerprint"] == "fp1"
    assert incident["plans"][0]["id"] == 1
    assert plan["proposal"]["actions"][0]["to_revision"] == 3
    assert plan["votes"][0]["verdict"] == "reject"


@pytest.mark.parametrize("words", [("incidents", "show", "99"), ("plan", "show", "99"), ("refused", "show", "99")])
def test_what_does_not_exist_is_told_in_a_sentence(run: Sayso, words: tuple[str, ...]) -> None:
    ended = run(*words)

    assert ended.exit_code == 2
    assert "there is no" in ended.stderr
    assert "99" in ended.stderr


@pytest.mark.parametrize("words", [("plan", "show", "INC-1"), ("plan", "show", "one"), ("incidents", "show", "P-1")])
def test_a_name_of_something_else_is_refused(run: Sayso, words: tuple[str, ...]) -> None:
    ended = run(*words)

    assert ended.exit_code == 2
    assert f"{words[-1]!r} is not one" in ended.stderr


def test_audit_entries_can_be_asked_for_by_subject_newest_first(run: Sayso) -> None:
    entries = json.loads(run("audit", "--json", "--subject", "plan:1").stdout)

    assert [entry["event"] for entry in entries] == ["plan.rejected", "vote.reject", "plan.pending"]


@pytest.mark.parametrize("subject", ["P-1", "p-1", "plan:1"])
def test_entries_are_asked_for_by_the_name_a_card_shows(run: Sayso, subject: str) -> None:
    entries = json.loads(run("audit", "--json", "--subject", subject).stdout)

    assert {entry["subject"] for entry in entries} == {"plan:1"}


def test_the_audit_table_fits_120_columns_and_says_who_did_what_in_words(run: Sayso) -> None:
    lines = run("audit").stdout.splitlines()

    assert lines[0].split() == ["entry", "at", "who", "what", "about", "detail"]
    assert max(map(len, lines)) <= 120
    assert [line.split(maxsplit=5)[3:] for line in lines[1:]] == [
        ["U0ALICE001", "plan.rejected", "P-1    Rejected: not now"],
        ["U0ALICE001", "vote.reject", "P-1    as sre-oncall; not now"],
        ["sayso", "plan.pending", "P-1    Roll checkout back to revision 3"],
        ["sayso", "incident.opened", "INC-1  KubePodCrashLooping"],
    ]


def test_json_has_all_of_an_entry_also_what_the_table_leaves_out(run: Sayso) -> None:
    entries = json.loads(run("audit", "--json").stdout)

    proposed = next(json.loads(entry["payload"]) for entry in entries if entry["event"] == "plan.pending")
    assert {"canonical", "digest", "actions"} <= set(proposed)


def test_an_entry_somebody_spoiled_is_listed_as_it_is(run: Sayso, record: Path) -> None:
    tamper(record, "UPDATE audit SET payload = 'no json' WHERE seq = 4")

    ended = run("audit")

    assert ended.exit_code == 0
    assert "no json" in ended.stdout


def test_an_untouched_chain_holds_and_while_unsigned_nobody_vouches_for_it(run: Sayso) -> None:
    ended, report = run("audit", "verify"), json.loads(run("audit", "verify", "--json").stdout)

    assert ended.exit_code == 3
    assert "The chain holds: 4 entries" in ended.stdout
    assert "Nobody vouches for it: there is no checkpoint" in ended.stdout
    assert (report["entries"], report["fault"], report["verdict"]) == (4, None, "stale")


@pytest.mark.parametrize(
    ("tampering", "seq"),
    [
        ("UPDATE audit SET actor = 'U0MALLORY1' WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 3", 3),
        ("DELETE FROM audit WHERE seq = 4", 4),
    ],
)
def test_a_tampered_chain_ends_with_1_naming_the_first_bad_entry(
    run: Sayso, record: Path, tampering: str, seq: int
) -> None:
    tamper(record, tampering)

    ended, report = run("audit", "verify"), run("audit", "verify", "--json")

    assert (ended.exit_code, report.exit_code) == (1, 1)
    assert f"broken at entry {seq}" in ended.stdout
    assert json.loads(report.stdout)["fault"]["seq"] == seq


@pytest.mark.parametrize("words", [("incidents",), ("plans",), ("audit", "verify"), ("refused",)])
def test_a_record_that_is_not_there_is_not_made_by_reading(run: Sayso, tmp_path: Path, words: tuple[str, ...]) -> None:
    path = tmp_path / "other" / "none.sqlite"

    ended = run(*words, DATABASE_URL=f"sqlite:///{path}")

    assert ended.exit_code == 2
    assert "There is no record" in ended.stderr
    assert not path.parent.exists()


def test_a_file_that_is_no_record_is_told_without_a_traceback(run: Sayso, tmp_path: Path) -> None:
    path = tmp_path / "empty.sqlite"
    path.touch()

    ended = run("incidents", DATABASE_URL=f"sqlite:///{path}")

    assert ended.exit_code == 2
    assert "The record cannot be read" in ended.stderr


def test_a_refused_body_comes_back_exactly_as_it_came(run: Sayso) -> None:
    ended = run("refused", "show", "1")

    assert ended.stdout_bytes == b"\xff{"
    assert "the body is not JSON" in run("refused").stdout


def test_the_shipped_rules_are_accepted(run: Sayso) -> None:
    ended = run("policy", "check")

    assert ended.exit_code == 0, ended.stderr
    assert "tests pass" in ended.stdout


def test_rules_that_are_refused_say_where_and_why(run: Sayso, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("version: 1\nversion: 2\n")

    ended, as_json = run("policy", "check", str(path)), run("policy", "check", str(path), "--json")

    assert (ended.exit_code, as_json.exit_code) == (1, 1)
    assert "mine.yaml:2" in ended.stderr
    assert json.loads(as_json.stdout)["accepted"] is False


def test_rules_that_cannot_be_read_are_told(run: Sayso, tmp_path: Path) -> None:
    ended = run("policy", "check", str(tmp_path / "none.yaml"))

    assert ended.exit_code == 2
    assert "none.yaml cannot be read" in ended.stderr


def test_the_table_of_settings_names_every_variable_for_the_readme(run: Sayso) -> None:
    rows = run("settings", "--markdown").stdout.splitlines()

    assert [row.split("|")[1].strip(" `") for row in rows[2:]] == list(VARIABLES)
    assert all(row.count("|") == 5 for row in rows)


def test_settings_never_print_a_value(run: Sayso) -> None:
    ended = run("settings", SLACK_BOT_TOKEN="xoxb-keep-this-hidden")

    assert ended.exit_code == 0
    assert "keep-this-hidden" not in ended.output


def test_doctor_ends_with_1_while_something_is_missing(run: Sayso) -> None:
    ended, report = run("doctor"), run("doctor", "--json")

    assert (ended.exit_code, report.exit_code) == (1, 1)
    assert "SLACK_BOT_TOKEN" in ended.stdout
    assert {check["name"]: check["status"] for check in json.loads(report.stdout)}["database"] == "ok"


def test_the_causes_sayso_knows_are_listed_and_explained(run: Sayso) -> None:
    listed = run("causes", "--json")
    shown = run("causes", "k8s.oom_killed")
    near = run("causes", "k8s.oom_kiled")

    assert len(json.loads(listed.stdout)) > 100
    assert "silent on:" in shown.output
    assert near.exit_code == 2
    assert "Near: k8s.oom_killed" in near.output
