"""What the record of a running bot proves, and to whom: the bot signs it, and people need nothing of ours to check."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from deploy.sandbox.bot import REPOSITORY
from deploy.sandbox.workspace.directory import PEOPLE
from storage import audit
from storage.audit import checkpoints
from storage.database import Database, sqlite_path
from tests.journeys.scene import APPROVE, Scene
from tests.storage.records import tamper

ALICE = next(person.id for person in PEOPLE if person.name == "alice")


def sayso(scene: Scene, *words: str) -> subprocess.CompletedProcess[str]:
    """The command beside the running bot."""
    command = [sys.executable, "-m", "bot", "audit", *words]
    environ = scene.bot.environment
    return subprocess.run(command, env=environ, cwd=REPOSITORY, capture_output=True, text=True)


def test_a_plan_that_ran_is_signed_told_exported_and_proven(scene: Scene, tmp_path: Path) -> None:
    trouble = scene.trouble(1, "payouts")
    trouble.asks()
    trouble.click("alice", APPROVE)
    trouble.card("Succeeded")
    plan = f"P-{trouble.plan().id}"
    running = sayso(scene, "verify")

    scene.bot.stop()

    told, stopped = sayso(scene, "plan", plan), sayso(scene, "verify", "--json")
    record = sqlite_path(scene.bot.environment["DATABASE_URL"])
    export, public = tmp_path / "export.jsonl", record.with_name(f"{record.stem}.audit.pub")
    sayso(scene, "export", "--output", str(export))
    offline = sayso(scene, "verify", "--export", str(export), "--public-key", str(public))
    assert (running.returncode, stopped.returncode, offline.returncode) == (0, 0, 0), running.stdout + offline.stderr
    report = json.loads(stopped.stdout)
    assert report["signed_to"] == report["entries"]  # what came since was signed when it stopped
    assert f"approved by: {ALICE}" in told.stdout
    assert "what is shown here has it" in told.stdout
    assert "ended well" in told.stdout


def test_a_bot_that_finds_its_record_cut_says_so_in_the_channel_and_signs_no_more(scene: Scene) -> None:
    record = sqlite_path(scene.bot.environment["DATABASE_URL"])
    tamper(
        record,
        "DELETE FROM audit WHERE seq > 3",
        "DELETE FROM audit_checkpoint WHERE size > 3",
        "UPDATE audit_head SET seq = 3, hash = (SELECT hash FROM audit WHERE seq = 3)",
    )
    database = Database(scene.bot.environment["DATABASE_URL"])
    with database.reading() as session:
        before = checkpoints.last_id(session)

    scene.bot.start()

    alarm = scene.root("The audit record is not what it was")
    scene.bot.stop()
    with database.reading() as session:
        after, newest = checkpoints.last_id(session), audit.latest(session, 50)
    database.close()
    assert "entries were signed: some were cut off" in alarm.everything
    assert after == before
    assert "audit.alarm" in {entry.event for entry in newest}
