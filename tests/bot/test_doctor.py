"""What `sayso doctor` sees, against the sandbox's own Slack, cluster, AWS and model, and against nothing at all."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot import doctor
from bot.doctor import Check, Status, examine
from bot.settings import Settings
from bot.slack_scopes import BOT_SCOPES
from deploy.sandbox.aws import Aws
from deploy.sandbox.cluster import Cluster
from deploy.sandbox.model import KEY, NAME, ScriptedModel
from deploy.sandbox.workspace import APP_TOKEN, BOT_TOKEN, CallFault, Workspace
from deploy.sandbox.workspace.directory import INCIDENTS, SHARED
from storage import audit
from storage.audit import checkpoints, keys
from storage.database import Database, migrate
from tests.storage.records import tamper
from tools.reads.aws.table import READS as AWS_TABLE
from tools.writes import aws as aws_writes
from tools.writes import kubernetes as kubernetes_writes
from tools.writes.write import Write

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with Workspace() as running:
        yield running


@pytest.fixture
def silent() -> Iterator[str]:
    """An address that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def record(tmp_path: Path) -> str:
    """A migrated record with two entries in its chain."""
    url = f"sqlite:///{tmp_path / 'sayso.sqlite'}"
    database = Database(url)
    migrate(database)
    with database.writing() as session:
        for number in (1, 2):
            audit.append(
                session,
                actor="sayso",
                event="x",
                subject=f"plan:{number}",
                payload={},
                at=datetime(2026, 1, 1, tzinfo=UTC),
            )
    database.close()
    return url


def slack_environ(workspace: Workspace, **changes: str) -> dict[str, str]:
    return {
        "SLACK_API_URL": workspace.api_url,
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_APP_TOKEN": APP_TOKEN,
        "SAYSO_ALERT_CHANNEL": INCIDENTS,
        "SAYSO_APPROVERS": "S0ONCALL01",
        **changes,
    }


def seen(tmp_path: Path, **environ: str) -> dict[str, Check]:
    """Every check by its name. The record is one that does not exist yet, unless named."""
    return {
        check.name: check
        for check in examine(Settings.load({"DATABASE_URL": f"sqlite:///{tmp_path}/none.sqlite", **environ}))
    }


def test_where_nothing_is_configured_slack_is_missing_and_the_rest_is_skipped(tmp_path: Path) -> None:
    checks = seen(tmp_path)

    assert checks["slack SLACK_BOT_TOKEN"].status is Status.MISSING
    assert "OAuth & Permissions" in checks["slack SLACK_BOT_TOKEN"].fix
    assert {name: checks[name].status for name in ("cluster", "aws", "model")} == {
        "cluster": Status.SKIPPED,
        "aws": Status.SKIPPED,
        "model": Status.SKIPPED,
    }


def test_a_complete_workspace_is_fine(workspace: Workspace, tmp_path: Path) -> None:
    checks = seen(tmp_path, **slack_environ(workspace, SAYSO_OWNERS="S0LEADS001"))

    slack = {name: check for name, check in checks.items() if name.startswith("slack")}
    assert {check.status for check in slack.values()} == {Status.OK}
    assert slack["slack channel"].detail == "#incidents"
    assert slack["slack SAYSO_APPROVERS"].detail == "2 people in S0ONCALL01"
    assert slack["slack SAYSO_OWNERS"].detail == "1 person in S0LEADS001"


def test_looking_posts_nothing_in_the_workspace(workspace: Workspace, tmp_path: Path) -> None:
    seen(tmp_path, **slack_environ(workspace))

    assert workspace.messages(INCIDENTS) == []


@pytest.mark.parametrize(
    ("change", "check", "words"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-of-nobody"}, "slack token", "invalid_auth"),
        ({"SLACK_APP_TOKEN": "xapp-of-nobody"}, "slack app token", "invalid_auth"),
        ({"SAYSO_ALERT_CHANNEL": "C0NOWHERE1"}, "slack channel", "channel_not_found"),
        ({"SAYSO_ALERT_CHANNEL": SHARED}, "slack channel", "another organisation"),
        ({"SAYSO_APPROVERS": "S0NOBODY01"}, "slack SAYSO_APPROVERS", "no_such_subteam"),
        ({"SLACK_API_URL": NOWHERE}, "slack token", "refused"),
    ],
)
def test_what_is_wrong_in_slack_is_named_in_slacks_own_word_with_a_fix(
    workspace: Workspace, tmp_path: Path, change: dict[str, str], check: str, words: str
) -> None:
    found = seen(tmp_path, **{**slack_environ(workspace), **change})[check]

    assert found.status is Status.BROKEN
    assert words in found.detail
    assert found.fix


def test_a_usergroup_without_people_is_told_before_a_plan_waits_for_them(workspace: Workspace, tmp_path: Path) -> None:
    workspace.fault(CallFault(method="conversations.info", error="missing_scope"))
    workspace.order("usergroup", {"usergroup": "S0ONCALL01", "users": []})

    checks = seen(tmp_path, **slack_environ(workspace))

    assert checks["slack SAYSO_APPROVERS"].status is Status.MISSING
    assert "nobody could approve" in checks["slack SAYSO_APPROVERS"].detail
    assert "missing_scope" in checks["slack channel"].detail


def test_scopes_the_token_lacks_are_listed(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor.slack, "BOT_SCOPES", (*BOT_SCOPES, "admin.fixture:write"))

    found = seen(tmp_path, **slack_environ(workspace))["slack token"]

    assert found.status is Status.MISSING
    assert found.detail.endswith("lacks the scopes admin.fixture:write")


def test_everything_ends_in_time_when_nothing_answers(
    silent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "PATIENCE", 1.0)
    threads = threading.active_count()
    started = time.monotonic()

    checks = seen(
        tmp_path,
        SLACK_API_URL=silent,
        SLACK_BOT_TOKEN=BOT_TOKEN,
        SLACK_APP_TOKEN=APP_TOKEN,
        SAYSO_ALERT_CHANNEL=INCIDENTS,
        SAYSO_APPROVERS="S0ONCALL01",
        OPENAI_BASE_URL=silent,
        OPENAI_API_KEY="fixture",
        SAYSO_MODEL="scripted",
    )

    assert time.monotonic() - started < 1.9
    assert (checks["slack"].status, checks["slack"].detail) == (Status.BROKEN, "no answer within 1 s")
    assert (checks["model"].status, checks["model"].detail) == (Status.BROKEN, "no answer within 1 s")
    assert checks["database"].status is Status.OK
    assert all(thread.daemon for thread in threading.enumerate()[threads:])


def test_a_record_that_does_not_exist_yet_is_not_made_by_looking(tmp_path: Path) -> None:
    found = seen(tmp_path)["database"]

    assert found.status is Status.OK
    assert "the first `sayso run` makes it" in found.detail
    assert list(tmp_path.iterdir()) == []


def test_a_sound_record_is_reachable_migrated_and_unbroken(tmp_path: Path, record: str) -> None:
    checks = seen(tmp_path, DATABASE_URL=record)

    assert checks["database"].status is Status.OK
    assert "schema" in checks["database"].detail
    assert (checks["audit chain"].status, checks["audit chain"].detail) == (Status.OK, "2 entries, unbroken")


def test_a_record_nobody_has_signed_yet_is_told(tmp_path: Path, record: str) -> None:
    found = seen(tmp_path, DATABASE_URL=record)["audit signatures"]

    assert (found.status, found.detail) == (Status.OK, "none yet; the next `sayso run` signs")


def test_in_postgres_without_a_key_nobody_signs_and_that_is_told(tmp_path: Path, postgres_url: str) -> None:
    database = Database(postgres_url)
    migrate(database)
    database.close()

    found = seen(tmp_path, DATABASE_URL=postgres_url)["audit signatures"]

    assert found.status is Status.SKIPPED
    assert "no SAYSO_AUDIT_KEY" in found.detail


@pytest.mark.parametrize(("minutes", "status"), [(5, Status.OK), (20, Status.BROKEN)])
def test_entries_behind_an_old_signature_are_told(tmp_path: Path, record: str, minutes: int, status: Status) -> None:
    database, key = Database(record), Ed25519PrivateKey.generate()
    keys.publish(key, tmp_path / "sayso.audit.pub")
    with database.reading() as session:
        first = audit.latest(session, 1, "plan:1")[0].hash
    signed = checkpoints.sign(key, size=1, head=first, after=None, at=datetime.now(UTC) - timedelta(minutes=minutes))
    with database.writing() as session:
        checkpoints.keep(session, signed, None)
    database.close()

    found = seen(tmp_path, DATABASE_URL=record)

    assert found["audit chain"].status is Status.OK
    assert found["audit signatures"].status is status
    assert "entry 1 of 2" in found["audit signatures"].detail


def test_a_changed_record_is_named_by_its_first_bad_entry(tmp_path: Path, record: str) -> None:
    tamper(Path(record.removeprefix("sqlite:///")), "UPDATE audit SET actor = 'somebody else' WHERE seq = 2")

    found = seen(tmp_path, DATABASE_URL=record)["audit chain"]

    assert found.status is Status.BROKEN
    assert "entry 2" in found.detail


def test_an_old_schema_is_told_and_not_migrated(tmp_path: Path, record: str) -> None:
    path = record.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
        connection.commit()

    found = seen(tmp_path, DATABASE_URL=record)["database"]

    with closing(sqlite3.connect(path)) as connection:
        version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    assert found.status is Status.BROKEN
    assert "the schema is at 0000" in found.detail
    assert version == ("0000",)


def test_a_database_that_does_not_answer_shows_no_password(tmp_path: Path) -> None:
    found = seen(tmp_path, DATABASE_URL="postgresql://sayso:correct-horse@127.0.0.1:1/sayso")["database"]

    assert found.status is Status.BROKEN
    assert "refused" in found.detail
    assert "correct-horse" not in f"{found}"


def test_two_identities_with_their_own_permissions_are_fine(tmp_path: Path) -> None:
    with Cluster(speed=0, rbac=True) as cluster:
        reader = cluster.kubeconfig(tmp_path / "reader", "reader")
        writer = cluster.kubeconfig(tmp_path / "writer", "writer")

        checks = seen(tmp_path, KUBECONFIG=str(reader), SAYSO_WRITER_KUBECONFIG=str(writer))

    assert checks["cluster reader"].status is Status.OK, checks["cluster reader"].detail
    assert checks["cluster writer"].status is Status.OK, checks["cluster writer"].detail


def test_a_reader_that_could_change_things_is_told(tmp_path: Path) -> None:
    with Cluster(speed=0, rbac=True) as cluster:
        admin = cluster.kubeconfig(tmp_path / "admin", "admin")

        checks = seen(tmp_path, KUBECONFIG=str(admin))

        effects = cluster.effects()
    assert checks["cluster reader"].status is Status.MISSING
    assert "may also change Deployments" in checks["cluster reader"].detail
    assert checks["cluster writer"].status is Status.SKIPPED
    assert effects == []


def test_permissions_the_writer_lacks_are_listed(tmp_path: Path) -> None:
    with Cluster(speed=0, rbac=True) as cluster:
        reader = cluster.kubeconfig(tmp_path / "reader", "reader")

        checks = seen(tmp_path, KUBECONFIG=str(reader), SAYSO_WRITER_KUBECONFIG=str(reader))

    assert checks["cluster writer"].status is Status.MISSING
    assert "patch deployments.apps" in checks["cluster writer"].detail


def test_a_cluster_that_cannot_be_reached_or_read_is_told(tmp_path: Path) -> None:
    checks = seen(tmp_path, KUBECONFIG=str(tmp_path / "no-such-file"))

    assert checks["cluster reader"].status is Status.BROKEN
    assert "configuration" in checks["cluster reader"].detail


def test_an_aws_account_with_two_identities_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Aws() as aws:
        environ = aws.environment()
        for name, value in environ.items():
            monkeypatch.setenv(name, value)  # boto3 reads these itself
        effects = len(aws.effects)

        checks = seen(tmp_path, **{name: environ[name] for name in environ if name != "AWS_DEFAULT_REGION"})

        assert checks["aws reader"].status is Status.OK, checks["aws reader"].detail
        assert aws.url in checks["aws reader"].detail
        assert checks["aws writer"].status is Status.OK, checks["aws writer"].detail
        assert len(aws.effects) == effects

        monkeypatch.setenv("SAYSO_WRITER_AWS_PROFILE", environ["AWS_PROFILE"])
        for call in ("LookupEvents", "GetResources"):
            aws.spoil_next(call, "refuse")
        checks = seen(tmp_path, **{**environ, "SAYSO_WRITER_AWS_PROFILE": environ["AWS_PROFILE"]})
        refused, same = checks["aws reader"], checks["aws writer"]

    assert same.status is Status.MISSING
    assert "the same" in same.detail
    assert refused.status is Status.MISSING
    assert refused.detail == "AccessDenied: cloudtrail:LookupEvents, tag:GetResources"
    assert "deploy/aws/iam/reader.json" in refused.fix


def test_the_reader_is_tried_at_every_service_with_what_its_policy_grants() -> None:
    policy = (Path(__file__).parents[2] / "deploy" / "aws" / "iam" / "reader.json").read_text()

    tried = set(doctor.AWS_READS)

    assert all(f'"{permission}"' in policy for permission in tried)
    assert {one.split(":")[0] for one in tried} >= {
        one.split(":")[0] for read in AWS_TABLE for one in read.permissions
    } - {
        "acm",
        "logs",
        "s3",
    }


def test_an_aws_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOWHERE)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "fixture")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "fixture")

    found = seen(tmp_path, AWS_REGION="eu-west-1", AWS_ENDPOINT_URL=NOWHERE)["aws reader"]

    assert found.status is Status.BROKEN
    assert found.fix


@pytest.mark.parametrize(("name", "status"), [(NAME, Status.OK), ("gpt-of-tomorrow", Status.MISSING)])
def test_a_model_is_there_when_its_server_offers_it(tmp_path: Path, name: str, status: Status) -> None:
    with ScriptedModel() as model:
        found = seen(tmp_path, OPENAI_BASE_URL=model.url, OPENAI_API_KEY=KEY, SAYSO_MODEL=name)["model"]

        asked = model.requests

    assert found.status is status
    assert name in found.detail
    assert asked == ()


def test_a_model_that_does_not_answer_is_told_without_its_key(tmp_path: Path) -> None:
    found = seen(tmp_path, OPENAI_BASE_URL=NOWHERE, OPENAI_API_KEY="correct-horse", SAYSO_MODEL="gpt-x")["model"]

    assert found.status is Status.BROKEN
    assert "correct-horse" not in f"{found}"


@pytest.mark.parametrize(
    ("asked", "writes"),
    [(doctor.KUBERNETES_WRITES, kubernetes_writes.WRITES), (doctor.AWS_WRITES, aws_writes.WRITES)],
    ids=["kubernetes", "aws"],
)
def test_the_permissions_asked_about_are_those_the_writes_declare(
    asked: tuple[str, ...], writes: Mapping[Any, Write[Any]]
) -> None:
    assert set(asked) == {permission for write in writes.values() for permission in write.permissions}
