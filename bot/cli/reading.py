"""How commands read the record: opened for one command, rows as JSON, and the names people know things by.

What a command prints is in its own module; how printing looks is in `bot.cli.printing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from bot.cli.printing import Unusable, environment, words

if TYPE_CHECKING:
    from sqlmodel import Session

    from storage.database import Database
    from tools.values import JsonValue

Row = TypeVar("Row")
PREFIXES = {"incident": "INC-", "plan": "P-"}
"""What cards call a thing by, before its number."""

limit = click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many, newest first."
)


def numbered(_context: click.Context, parameter: click.Parameter, value: str) -> int:
    """An argument as a number, given as one or by the name a card shows: `7`, `INC-7` and `P-7` are all 7."""
    digits = value.upper().removeprefix(str(parameter.metavar).rstrip("0123456789"))
    if not (digits.isascii() and digits.isdigit() and len(digits) < 18):
        raise click.BadParameter(f"{value!r} is not one: 7 is, and so is {parameter.metavar}.")
    return int(digits)


def as_recorded(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """What audit entries are about, as the record says it: `incident:7` for `INC-7`."""
    for kind, prefix in PREFIXES.items():
        if value is not None and value.upper().startswith(prefix):
            return f"{kind}:{value[len(prefix) :]}"
    return value


def name(subject: str) -> str:
    """What cards call the subject of an audit entry: `INC-7` for `incident:7`."""
    kind, _, number = subject.partition(":")
    return f"{PREFIXES[kind]}{number}" if kind in PREFIXES else subject


@contextmanager
def reading() -> Iterator[Session]:
    """The record, for reading. Ends the command with exit code 2 when there is none or it cannot be read."""
    with opened() as database, database.reading() as session:
        yield session


@contextmanager
def opened() -> Iterator[Database]:
    """The record, for commands that also write. Ends the command with exit code 2 as `reading` does."""
    from sqlalchemy.exc import SQLAlchemyError

    from storage.database import Database, is_of_another_version, is_sqlite, sqlite_path

    url = environment().database_url
    if is_sqlite(url) and not sqlite_path(url).exists():
        raise Unusable(
            f"There is no record at {sqlite_path(url)} yet; the first `sayso run` makes it. DATABASE_URL says where."
        )
    database = Database(url)
    try:
        yield database
    except SQLAlchemyError as error:
        if is_of_another_version(database):
            raise Unusable(
                "The record was written by another version of sayso. `sayso run` brings an older one up to date."
            ) from error
        raise Unusable(f"The record cannot be read: {words(str(error).splitlines()[0])}") from error
    finally:
        database.close()


def found(get: Callable[[], Row]) -> Row:
    """What `get` finds; ends the command with exit code 2 when it finds nothing."""
    try:
        return get()
    except KeyError as error:
        raise Unusable(str(error.args[0])) from error


def whole(row: object, without: frozenset[str] = frozenset()) -> dict[str, JsonValue]:
    """A row as JSON."""
    from sqlmodel import SQLModel

    assert isinstance(row, SQLModel)
    # Rows come from the database with their words as plain strings, about which pydantic would warn.
    return row.model_dump(mode="json", exclude=set(without), warnings=False)
