"""`sayso audit verify`: whether anybody changed the record, in the database or in an export that needs nothing else.

What is looked at and how it is walked is `storage.audit`'s; here is only where the pieces are, and what is said.
"""

from __future__ import annotations

import heapq
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.printing import Unusable, as_json, environment, print_json
from bot.cli.reading import reading

if TYPE_CHECKING:
    from storage.audit import ChainReport, Mark
    from storage.audit.keys import Believed

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
SEEN = re.compile(r"([0-9]{1,15}):([0-9a-f]{8,64})")


@click.command()
@click.option("--export", "export", type=FILE, help="Verify this export instead of the database; needs no settings.")
@click.option("--public-key", type=FILE, help="Public keys (PEM) to believe, instead of those beside the signing key.")
@click.option("--checkpoints", type=FILE, help="A copy of the checkpoints kept elsewhere, as an export writes them.")
@click.option("--against", metavar="s3://BUCKET/PREFIX", help="Compare with the copies there (AWS_PROFILE).")
@click.option("--seen", multiple=True, metavar="SIZE:HEX", help="A head once posted in Slack; may be repeated.")
@as_json
def verify(
    export: Path | None,
    public_key: Path | None,
    checkpoints: Path | None,
    against: str | None,
    seen: tuple[str, ...],
    as_json: bool,
) -> None:
    """Find whether anybody changed the record.

    Exit code 0 when it holds, 1 naming the first bad entry, 2 when something cannot be read, 3 when nothing is wrong
    but nobody vouches for its end: there is no proven checkpoint, or the last one is over 15 minutes old.
    """
    with _unreadable():
        believed = _believed(public_key, export)
        marks = _marks(checkpoints, against, seen, believed)
        report, at = _of_file(export, believed, marks) if export else _of_database(believed, marks)
    _tell(report, at, as_json, compared=bool(checkpoints or against or seen))


def _tell(report: ChainReport, at: datetime, as_json: bool, *, compared: bool) -> None:
    from bot.witness.verdict import judge, sentences

    verdict = judge(report, at)
    if as_json:
        print_json({**report.model_dump(mode="json"), "verdict": verdict.name.lower()})
    else:
        for sentence in sentences(report, at, compared=compared):
            click.echo(sentence)
    sys.exit(verdict)


def _of_file(path: Path, believed: Believed | None, marks: Iterable[Mark]) -> tuple[ChainReport, datetime]:
    """The moment of a file is that of its last entry: it may be read years later."""
    from storage import audit
    from storage.audit.export import Unreadable, read

    with path.open(encoding="utf-8", errors="surrogateescape") as lines, _progress() as progress:
        report = audit.verify(read(lines, path.name), believed=believed, marks=marks, part=True, progress=progress)
    if report.newest_at is None and report.fault is None:
        raise Unreadable(f"{path.name} holds no entries")
    return report, audit.moment_of(report.newest_at or 0)


def _of_database(believed: Believed | None, marks: Iterable[Mark]) -> tuple[ChainReport, datetime]:
    from storage import audit

    both = heapq.merge(_remembered(), marks, key=lambda mark: mark.size)  # before the database is looked at
    with reading() as session, _progress() as progress:
        report = audit.verify_all(session, believed=believed, marks=both, progress=progress)
    return report, datetime.now(UTC)


def _believed(public_key: Path | None, export: Path | None) -> Believed | None:
    from bot.witness import keyring
    from storage.audit.keys import read_public

    if public_key is not None:
        return read_public(public_key)
    return None if export is not None else keyring.believed(environment())


def _remembered() -> list[Mark]:
    """What the signer remembers, where this is its machine."""
    from bot.witness import keyring, memory
    from storage.audit import Mark

    path = keyring.key_path(environment())
    known = None if path is None else memory.read(keyring.memory_path(path))
    if path is None or known is None or not known.size:
        return []
    return [Mark(known.size, known.head, f"the signer's memory ({keyring.memory_path(path).name})")]


def _marks(
    checkpoints: Path | None, against: str | None, seen: tuple[str, ...], believed: Believed | None
) -> Iterable[Mark]:
    """What witnesses outside say, in the order of the entries."""
    from storage.audit import Mark

    said = [_posted(one) for one in seen]
    if checkpoints is not None:
        said += _kept_elsewhere(checkpoints, believed)
    ours = [Mark(*one) for one in sorted(said)]
    return heapq.merge(ours, _copies(against), key=lambda mark: mark.size) if against else ours


def _posted(one: str) -> tuple[int, str, str]:
    found = SEEN.fullmatch(one.strip().lower())
    if found is None:
        raise click.BadParameter(f"{one!r} is not SIZE:HEX, such as 4213:0a1b2c3d4e5f", param_hint="--seen")
    return int(found[1]), found[2], f"the head that was seen ({one})"


def _kept_elsewhere(path: Path, believed: Believed | None) -> Iterator[tuple[int, str, str]]:
    from storage.audit import Checkpoint
    from storage.audit.checkpoints import is_signed
    from storage.audit.export import Unreadable, read

    with path.open(encoding="utf-8", errors="surrogateescape") as lines:
        for one in read(lines, path.name):
            if not isinstance(one, Checkpoint) or not one.size:
                continue
            if believed is not None and not is_signed(one, believed):
                raise Unreadable(f"a checkpoint in {path.name} (entry {one.size}) was not signed by a believed key")
            yield one.size, one.head, f"the checkpoint in {path.name}"


def _copies(url: str) -> Iterator[Mark]:
    from bot.witness.anchor import Place, marks
    from tools.clients.aws import AwsReader

    if not url.startswith("s3://"):
        raise click.BadParameter(f"{url!r} is not s3://bucket/prefix", param_hint="--against")
    return marks(Place.of(url), AwsReader.from_profile(None))


@contextmanager
def _unreadable() -> Iterator[None]:
    """What cannot be read ends the command with exit code 2 and a sentence."""
    from storage.audit.export import Unreadable
    from storage.audit.keys import KeyFault
    from tools.errors import PermanentError, TemporaryError

    try:
        yield
    except (Unreadable, KeyFault, PermanentError, TemporaryError, OSError) as error:
        raise Unusable(str(error)) from error


@contextmanager
def _progress() -> Iterator[Callable[[int], None] | None]:
    """Tells on a terminal how far a long walk has come."""
    if not sys.stderr.isatty():
        yield None
        return
    try:
        yield lambda count: click.echo(f"\r{count:,} entries hold so far", err=True, nl=False)
    finally:
        click.echo("\r" + " " * 40 + "\r", err=True, nl=False)
