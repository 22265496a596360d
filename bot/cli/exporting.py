"""`sayso audit export`: the record, or a stretch of it, as a file for auditors.

JSON lines hold every column and the checkpoints, so that `sayso audit verify --export` can prove them without the
database; CSV is for people with spreadsheets.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.reading import reading

if TYPE_CHECKING:
    from sqlmodel import Session


def _moment(_context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """A date or a moment; without a zone it is UTC."""
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError as error:
        example = "2026-11-01 or 2026-11-01T09:30+01:00"
        raise click.BadParameter(f"{value!r} is no date: {example} is one.") from error
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


@click.command()
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("--since", callback=_moment, help="Only entries from this date or moment on (UTC unless it says).")
@click.option("--until", callback=_moment, help="Only entries before this date or moment.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file; standard output without it.")
def export(form: str, since: datetime | None, until: datetime | None, output: Path | None) -> None:
    """Write the record out: `jsonl` to be proven anywhere, `csv` to be read by people."""
    with reading() as session:
        lines = _csv(session, since, until) if form == "csv" else _json_lines(session, since, until)
        if output is None:
            sys.stdout.writelines(lines)
            return
        with output.open("w", encoding="utf-8") as file:
            file.writelines(lines)


def _csv(session: Session, since: datetime | None, until: datetime | None) -> Iterator[str]:
    from bot.record.compliance import rows
    from storage.audit import proof

    first, last = _stretch(session, since, until)
    # A plan decided inside the stretch may have been proposed before it: that is read too, and not written.
    lines = rows(proof.stored(session, 1, last))
    yield next(lines)
    for number, text in enumerate(lines, start=1):
        if number >= first:
            yield text


def _json_lines(session: Session, since: datetime | None, until: datetime | None) -> Iterator[str]:
    from storage.audit import checkpoints, proof
    from storage.audit.export import written

    first, last = _stretch(session, since, until)
    if not last:
        return
    # A stretch that begins later begins without the checkpoints of what came before it.
    signed = (one for one in checkpoints.all_checkpoints(session) if first == 1 or one.size >= first)
    if until is not None:
        signed = takewhile(lambda one: one.size <= last, signed)  # type: ignore[assignment]
    yield from written(proof.interleaved(proof.stored(session, first, last), signed))


def _stretch(session: Session, since: datetime | None, until: datetime | None) -> tuple[int, int]:
    from storage.audit import proof
    from storage.audit.entries import within

    proof.at_one_moment(session)
    return within(session, since, until)
