"""`sayso audit verify`, `export`, `plan` and `incident`, as a person or a script uses them."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlmodel import Session

from bot.cli import sayso
from bot.settings import VARIABLES
from bot.witness.memory import Memory, Remembered
from storage import audit, executions, plans
from storage.audit import checkpoints, keys
from storage.database import Database, migrate
from storage.tables import ExecutionStatus, Phase, Plan, PlanStatus, Verdict
from tests.bot.test_cli import ROOT
from tests.storage.records import rewrite, tamper
from tests.storage.samples import AT, a_plan, an_incident

Sayso = Callable[..., Result]
ALICE, MALLORY = "U0ALICE001", "U0MALLORY1"


def fill(session: Session) -> None:
    """A plan that a stranger clicked in vain, somebody approved, and that helped."""
    plan = a_plan(session, an_incident(session).id or 0, requester="U0BOB00001")
    refused = {"reason": "=HYPERLINK(1)", "verdict": "approve", "digest": plan.digest[:16]}
    audit.append(session, actor=MALLORY, event="click.refused", subject=f"plan:{plan.id}", payload={**refused}, at=AT)
    plans.cast_vote(
        session, plan, user_id=ALICE, groups=("sre-oncall",), verdict=Verdict.APPROVE, reason="go on", at=AT
    )
    plans.move(session, plan, PlanStatus.APPROVED, AT + timedelta(minutes=1), actor=ALICE)
    plans.claim(session, plan, "run-1", AT + timedelta(minutes=1))
    carried_out(session, plan)
    plans.move(session, plan, PlanStatus.VERIFYING, AT + timedelta(minutes=2))
    plans.move(session, plan, PlanStatus.SUCCEEDED, AT + timedelta(days=1))


def carried_out(session: Session, plan: Plan) -> None:
    key = executions.intend(session, plan, 0, Phase.APPLY, AT).key
    executions.take(session, key, "here")
    done = {"after": '{"replicas":4}', "request": "req-0815"}
    executions.settle(session, key, ExecutionStatus.DONE, AT + timedelta(minutes=1), **done)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("record")
    database = Database(f"sqlite:///{folder / 'sayso.sqlite'}")
    migrate(database)
    with database.writing() as session:
        fill(session)
    sign(database, folder)
    database.close()
    return folder


def sign(database: Database, folder: Path) -> None:
    """As the witness does it: a checkpoint, the public key, and what the signer remembers."""
    key = Ed25519PrivateKey.generate()
    keys.publish(key, folder / "sayso.audit.pub")
    with database.writing() as session:
        size, head = audit.size(session)
        signed = checkpoints.sign(key, size=size, head=head, after=None, at=datetime.now(UTC))
        number = checkpoints.keep(session, signed, None)
    seen = Remembered(size=size, head=head, checkpoint=number or 0, signature=signed.signature)
    Memory(folder / "sayso.audit.seen").keep(seen)


@pytest.fixture
def size(filled: Path) -> int:
    """How many entries that left: others may add some for what they do."""
    seen = Memory(filled / "sayso.audit.seen").load()
    assert seen is not None
    return seen.size


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "kept"))


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Sayso:
    """Runs the command in this process, on the filled record and with no other settings."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    database = f"sqlite:///{folder / 'sayso.sqlite'}"

    def command(*words: str, **environ: str) -> Result:
        return CliRunner().invoke(sayso, ("audit", *words), env={"DATABASE_URL": database, **environ})

    return command


@pytest.fixture
def export(run: Sayso, folder: Path) -> Path:
    path = folder / "export.jsonl"
    assert run("export", "--output", str(path)).exit_code == 0
    return path


def test_a_signed_record_holds_and_says_who_vouches_and_what_it_did_not_see(run: Sayso, size: int) -> None:
    ended = run("verify")

    assert ended.exit_code == 0
    assert f"The chain holds: {size} entries" in ended.stdout
    assert f"Signed up to entry {size}" in ended.stdout
    assert f"What is kept outside the database agrees, up to entry {size}" in ended.stdout  # the signer's own memory


def test_without_anything_outside_it_says_what_it_cannot_see(run: Sayso, folder: Path) -> None:
    (folder / "sayso.audit.seen").unlink()

    ended = run("verify")

    assert ended.exit_code == 0
    assert "whoever has the signing key could have written all of it anew" in ended.stdout


def test_a_cut_that_the_signer_remembers_is_broken_however_well_it_was_hidden(
    run: Sayso, folder: Path, size: int
) -> None:
    tamper(
        folder / "sayso.sqlite",
        "DELETE FROM audit WHERE seq > 5",
        "UPDATE audit_head SET seq = 5, hash = (SELECT hash FROM audit WHERE seq = 5)",
        "DELETE FROM audit_checkpoint",
    )

    ended = run("verify")

    assert ended.exit_code == 1
    assert "broken at entry 6" in ended.stdout
    assert f"the signer's memory (sayso.audit.seen) says there is an entry {size}" in ended.stdout


@pytest.mark.parametrize(("after", "code"), [(0, 0), (1, 3)])
def test_entries_behind_an_old_signature_make_it_stale(run: Sayso, folder: Path, after: int, code: int) -> None:
    old = audit.EPOCH  # signed long ago
    database = Database(f"sqlite:///{folder / 'sayso.sqlite'}")
    key = Ed25519PrivateKey.generate()
    keys.publish(key, folder / "sayso.audit.pub")
    with database.writing() as session:
        size, head = audit.size(session)
        last = checkpoints.latest_checkpoint(session)
        checkpoints.keep(session, checkpoints.sign(key, size=size, head=head, after=last, at=old), 1)
        for _ in range(after):
            audit.append(session, actor="a", event="e", subject="s", payload={}, at=AT)
    database.close()

    ended = run("verify")

    assert ended.exit_code == code, ended.output
    assert ("is sayso running?" in ended.stdout) is bool(after)


def test_an_export_is_proven_by_a_bare_process_without_record_and_settings(
    export: Path, folder: Path, size: int
) -> None:
    """The malformed setting would end any command that reads settings with 2."""
    environ = {"PATH": os.environ["PATH"], "SAYSO_HTTP_PORT": "http", "DATABASE_URL": "nothing"}
    words = ["audit", "verify", "--export", str(export), "--public-key", str(folder / "sayso.audit.pub")]

    ended = subprocess.run([sys.executable, "-m", "bot", *words], cwd=ROOT, env=environ, capture_output=True, text=True)

    assert ended.returncode == 0, ended.stderr
    assert f"The chain holds: {size} entries" in ended.stdout
    assert f"Signed up to entry {size}" in ended.stdout


def test_an_export_without_a_public_key_is_vouched_for_by_nobody(run: Sayso, export: Path) -> None:
    ended = run("verify", "--export", str(export))

    assert ended.exit_code == 3
    assert "without the public key no checkpoint can be proven" in ended.stdout


@pytest.mark.parametrize(("content", "said"), [("", "holds no entries"), ("not ours\n", "line 1 of export.jsonl")])
def test_a_file_that_holds_no_record_cannot_be_read(run: Sayso, export: Path, content: str, said: str) -> None:
    export.write_text(content)

    ended = run("verify", "--export", str(export))

    assert ended.exit_code == 2
    assert said in ended.stderr


def test_a_record_written_anew_shows_against_checkpoints_kept_elsewhere_and_a_head_once_seen(
    run: Sayso, export: Path, folder: Path, size: int
) -> None:
    kept = folder / "kept.jsonl"
    kept.write_text("".join(line for line in export.read_text().splitlines(keepends=True) if "checkpoint" in line[:22]))
    head = json.loads(export.read_text().splitlines()[4])["hash"]
    (folder / "sayso.audit.seen").unlink()
    database = Database(f"sqlite:///{folder / 'sayso.sqlite'}")
    with database.writing() as session:
        rewrite(session, 3, actor=ALICE)
        session.connection().exec_driver_sql("DELETE FROM audit_checkpoint")
    database.close()

    alone = run("verify")
    by_checkpoints = run("verify", "--checkpoints", str(kept))
    by_head = run("verify", "--seen", f"5:{head[:12]}")

    assert alone.exit_code == 3
    assert (by_checkpoints.exit_code, by_head.exit_code) == (1, 1)
    assert f"the checkpoint in kept.jsonl says entry {size} was another one" in by_checkpoints.stdout
    assert "broken at entry 1: the head that was seen" in by_head.stdout


def test_a_checkpoint_elsewhere_that_nobody_believed_signed_proves_nothing(
    run: Sayso, export: Path, folder: Path
) -> None:
    forged = json.loads(export.read_text().splitlines()[-1]) | {"signature": "00" * 64}
    (folder / "kept.jsonl").write_text(json.dumps(forged))

    ended = run("verify", "--checkpoints", str(folder / "kept.jsonl"))

    assert ended.exit_code == 2
    assert "was not signed by a believed key" in ended.stderr


@pytest.mark.parametrize(
    "words", [("--seen", "8"), ("--seen", "8:xyz"), ("--against", "file:///tmp"), ("--public-key", "/none")]
)
def test_what_is_no_witness_is_refused(run: Sayso, words: tuple[str, ...]) -> None:
    assert run("verify", *words).exit_code == 2


def test_an_export_begins_and_ends_where_it_is_asked_to(run: Sayso, folder: Path, size: int) -> None:
    day = str((AT + timedelta(days=1)).date())

    later = run("export", "--since", day).stdout.splitlines()
    earlier = run("export", "--until", day).stdout.splitlines()
    never = run("export", "--since", "2030-01-01T00:00+01:00").stdout

    assert [json.loads(line)["kind"] for line in later] == ["entry", "checkpoint"]
    assert [json.loads(line)["seq"] for line in earlier] == list(range(1, size))
    assert never == ""
    (folder / "later.jsonl").write_text("\n".join(later) + "\n")
    part = run("verify", "--export", str(folder / "later.jsonl"), "--public-key", str(folder / "sayso.audit.pub"))
    assert part.exit_code == 0
    assert "The chain holds: 1 entry" in part.stdout
    assert f"what came before entry {size} is not in this file" in part.stdout


def test_no_date_is_refused_with_an_example(run: Sayso) -> None:
    ended = run("export", "--since", "yesterday")

    assert ended.exit_code == 2
    assert "2026-11-01" in ended.stderr


def test_the_table_for_auditors_says_who_asked_who_approved_what_ran_and_what_changed(run: Sayso) -> None:
    rows = list(csv.DictReader(run("export", "--format", "csv").stdout.splitlines()))

    told = [row["what"].split(";")[0] for row in rows]
    for words in ("opened the incident", "asked people to decide", "clicked and was refused", "approved", "ended well"):
        assert words in told
    assert "step 1 (apply) was done" in told
    last = rows[-1]
    assert (last["incident"], last["plan"], last["outcome"]) == ("INC-1", "P-1", "succeeded")
    assert (last["asked by"], last["approved by"]) == ("U0BOB00001", ALICE)
    assert last["runs"] == "Scale checkout to 4 replicas"
    assert "spec.replicas: 2 -> 4" in last["changes"]


def test_a_table_of_a_later_stretch_still_knows_who_asked(run: Sayso, size: int) -> None:
    rows = list(csv.DictReader(run("export", "--format", "csv", "--since", "2026-11-19").stdout.splitlines()))

    assert [(row["entry"], row["asked by"], row["approved by"]) for row in rows] == [(str(size), "U0BOB00001", ALICE)]


def test_no_cell_of_the_table_is_a_formula(run: Sayso, folder: Path) -> None:
    database = Database(f"sqlite:///{folder / 'sayso.sqlite'}")
    with database.writing() as session:
        audit.append(session, actor="=cmd|' /C calc'!A0", event="+e", subject="s", payload={}, at=AT)
    database.close()

    row = list(csv.DictReader(run("export", "--format", "csv").stdout.splitlines()))[-1]

    assert row["who"].startswith("'=cmd")
    assert row["what"].startswith("'+e")


def test_the_account_of_a_plan_tells_who_let_it_happen_and_what_they_saw(run: Sayso) -> None:
    said = run("plan", "P-1").stdout

    for words in (
        "P-1, version 1, of INC-1; succeeded",
        "what is shown here has it",
        "asked by:    U0BOB00001",
        "prod-fix: Production needs a person.",
        "1 of sre-oncall",
        f"approved by: {ALICE}",
        "1. Scale checkout to 4 replicas",
        "spec.replicas: 2 -> 4",
        "uid uid-1, generation 7",
        "touches 4 pods of checkout; to take it back: back to 2 replicas",
        f"{MALLORY}: clicked and was refused; =HYPERLINK(1)",
        f"{ALICE}: approved; as sre-oncall; go on",
        "run run-1",
        "request req-0815",
        'left {"replicas":4}',
        "ended well",
    ):
        assert words in said, words


def test_the_account_needs_nothing_but_entries(run: Sayso, folder: Path) -> None:
    before = json.loads(run("plan", "P-1", "--json").stdout)

    tamper(
        folder / "sayso.sqlite",
        "PRAGMA foreign_keys=OFF",
        "DELETE FROM vote",
        "DELETE FROM execution",
        "DELETE FROM plan",
    )

    assert json.loads(run("plan", "P-1", "--json").stdout) == before
    assert before["approvers"] == [ALICE]


def test_a_plan_shown_on_record_that_is_not_what_was_approved_is_called_so(run: Sayso, folder: Path) -> None:
    tamper(folder / "sayso.sqlite", "UPDATE audit SET payload = replace(payload, 'back to 2', 'back to 9')")

    assert "NOT of what is on record" in run("plan", "P-1").stdout


def test_the_account_of_an_incident_holds_those_of_its_plans(run: Sayso) -> None:
    said = run("incident", "INC-1").stdout
    whole = json.loads(run("incident", "1", "--json").stdout)

    assert "sayso: opened the incident" in said
    assert "P-1, version 1, of INC-1; succeeded" in said
    assert [plan["plan"] for plan in whole["plans"]] == [1]


@pytest.mark.parametrize("words", [("plan", "P-9"), ("incident", "INC-9")])
def test_what_the_record_does_not_tell_of_is_said(run: Sayso, words: tuple[str, ...]) -> None:
    ended = run(*words)

    assert ended.exit_code == 2
    assert "The record tells of no" in ended.stderr
