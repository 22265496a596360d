"""Copies of the record outside its database, over a real S3 API with versions and Object Lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from bot.witness.anchor import Anchor, Place, marks
from storage import audit
from storage.audit import Checkpoint, checkpoints, keys
from storage.audit.export import Unreadable
from storage.database import Database
from tests.bot.desks import either_database
from tests.bot.s3 import locked_bucket
from tests.bot.watching import Watch, cut_with_checkpoints, watch_over
from tests.storage.records import rewrite
from tools.clients.aws import AwsReader, AwsWriter


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    with either_database(request) as opened:
        yield opened


@pytest.fixture
def watch(database: Database, tmp_path: Path) -> Watch:
    return watch_over(database, tmp_path)


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The name of a bucket with Object Lock, in a moto of this module's own."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patched:
        yield stack.enter_context(locked_bucket(patched))


PLACES = iter(range(1000))


@pytest.fixture
def place(bucket: str) -> Place:
    return Place.of(f"s3://{bucket}/record-{next(PLACES)}")


def objects(place: Place) -> list[str]:
    listed = AwsReader.from_profile(None).s3().list_objects_v2(Bucket=place.bucket, Prefix=place.prefix)
    return [each["Key"].removeprefix(place.prefix) for each in listed.get("Contents", ())]


def anchored(watch: Watch, place: Place) -> Watch:
    return watch.colleague(anchor=Anchor(place, AwsWriter.from_profile(None)))


def proven(watch: Watch, place: Place) -> audit.ChainReport:
    believed = {keys.key_id(watch.key.public_key()): watch.key.public_key()}
    with watch.database.reading() as session:
        return audit.verify_all(session, believed=believed, marks=marks(place, AwsReader.from_profile(None)))


def test_every_checkpoint_leaves_with_the_entries_since_the_last(watch: Watch, place: Place) -> None:
    process = anchored(watch, place)
    for count in (3, 0, 4):
        process.add(count)
        process.witness.look()
        process.clock.pass_(minutes=5)

    names = objects(place)

    assert [name[:25] for name in names] == [
        "000000000001-000000000003",
        "000000000004-000000000003",
        "000000000004-000000000007",
    ]
    head = AwsWriter.from_profile(None).s3().head_object(Bucket=place.bucket, Key=place.prefix + names[0])
    assert head["ObjectLockMode"] == "COMPLIANCE"
    assert head["ObjectLockRetainUntilDate"] - watch.clock() > timedelta(days=364)
    assert proven(watch, place).marked_to == 7


def test_a_copy_whose_answer_was_lost_is_put_again_without_harm(watch: Watch, place: Place) -> None:
    process = anchored(watch, place)
    process.add(3)
    process.witness.look()
    watch.tamper("UPDATE audit_checkpoint SET anchored_at = NULL")

    process.witness.look()

    versions = AwsReader.from_profile(None).s3().list_object_versions(Bucket=place.bucket, Prefix=place.prefix)
    assert len(versions["Versions"]) == 1
    with watch.database.reading() as session:
        assert checkpoints.not_anchored(session) == []


def test_a_bucket_that_does_not_answer_is_tried_again_a_minute_later(watch: Watch, place: Place) -> None:
    nowhere = anchored(watch, Place("no-such-bucket", place.prefix))
    nowhere.add(3)
    nowhere.witness.look()

    with watch.database.reading() as session:
        waiting = checkpoints.not_anchored(session)
    anchored(watch, place).witness.look()

    assert [one.size for _, one in waiting] == [3]
    assert proven(watch, place).marked_to == 3


def with_the_key(watch: Watch) -> None:
    """Everything written anew from entry 2 on, and signed as if it had always been so."""
    with watch.database.writing() as session:
        rewrite(session, 2, actor="U0MALLORY1")
        last: Checkpoint | None = None
        old = list(checkpoints.all_checkpoints(session))
        session.connection().exec_driver_sql("DELETE FROM audit_checkpoint")
        for one in old:
            head = session.connection().exec_driver_sql(f"SELECT hash FROM audit WHERE seq = {one.size}").scalar_one()
            last = checkpoints.sign(watch.key, size=one.size, head=head, after=last, at=audit.moment_of(one.at))
            checkpoints.keep(session, last, checkpoints.last_id(session))


@pytest.mark.parametrize(("done", "seq"), [(with_the_key, 2), (cut_with_checkpoints, 6)])
def test_a_copy_outside_shows_what_even_the_key_could_hide(
    watch: Watch, place: Place, done: Callable[[Watch], None], seq: int
) -> None:
    process = anchored(watch, place)
    for count in (5, 5):
        process.add(count)
        process.witness.look()
        process.clock.pass_(minutes=5)
    before = proven(watch, place).fault

    done(watch)

    fault = proven(watch, place).fault
    assert before is None
    assert fault is not None
    assert fault.seq == seq
    assert f"the copy in {place}" in fault.fault


def test_a_copy_that_was_put_over_or_hidden_is_read_as_it_was_first(watch: Watch, place: Place) -> None:
    process = anchored(watch, place)
    process.add(3)
    process.witness.look()
    (name,) = objects(place)
    client = AwsWriter.from_profile(None).s3()
    client.put_object(Bucket=place.bucket, Key=place.prefix + name, Body=b"nothing")
    client.delete_object(Bucket=place.bucket, Key=place.prefix + name)

    report = proven(watch, place)

    assert objects(place) == []
    assert (report.fault, report.marked_to) == (None, 3)


def test_a_place_without_copies_is_no_proof(watch: Watch, place: Place) -> None:
    with pytest.raises(Unreadable, match="no copy of the record"):
        proven(watch, place)
