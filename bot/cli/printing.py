"""How commands print: tables for people, JSON for programs, and one line on standard error when something is wrong.

Values arrive here finished; outside text is redacted on its way to a terminal, which also takes control codes out.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from bot.settings import Settings
    from tools.values import JsonValue

WIDE = 120
"""Columns of a table that goes into a file or a pipe."""

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


class ListedByDefault(click.Group):
    """A group whose word `list` may be left out: `sayso plans --json` is `sayso plans list --json`."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        """Put the word in where it was left out."""
        if not arguments or arguments[0] not in {*self.commands, *context.help_option_names}:
            arguments = ["list", *arguments]
        return super().parse_args(context, arguments)


class Unusable(click.ClickException):
    """The command cannot do its work as things are; exit code 2."""

    exit_code = 2

    def show(self, file: object = None) -> None:
        """Print the message alone: click's own "Error:" adds nothing."""
        click.echo(self.message, err=True)


@contextmanager
def complaining() -> Iterator[None]:
    """Settings that do not suffice end the command with exit code 2 and their message on standard error."""
    from bot.settings import SettingsError

    try:
        yield
    except SettingsError as error:
        raise Unusable(str(error)) from error


def environment() -> Settings:
    """The settings in this process's environment."""
    import os

    from bot.settings import Settings

    with complaining():
        return Settings.load(os.environ)


def print_json(value: JsonValue) -> None:
    """Print a JSON value, indented."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows under their headings, or the sentence `empty`. A column with nothing in it is left out."""
    from rich.table import Table

    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        click.echo(empty)
        return
    used = [column for column in range(len(headings)) if any(row[column] for row in cells)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in used:
        table.add_column(headings[column], overflow="fold")
    for row in cells:
        table.add_row(*(row[column] for column in used))
    _print(table)


def _print(table: Table) -> None:
    """As wide as the terminal; in a file or a pipe, without the blanks a table is padded with."""
    from rich.console import Console

    if sys.stdout.isatty():
        Console(highlight=False).print(table)
        return
    console = Console(file=io.StringIO(), width=WIDE, highlight=False)
    with console.capture() as printed:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in printed.get().splitlines()))


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Print named values of one thing, one a line; absent ones are left out."""
    for name, value in facts:
        if value not in (None, "", ()):
            click.echo(f"{name + ':':<13}{words(value)}")


def words(value: object) -> str:
    """A value as people read it on a terminal, without secrets or control codes."""
    from tools.redaction import redact

    match value:
        case None:
            return "–"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}Z"
        case _:
            return redact(str(value))


def _cell(value: object) -> Text:
    from rich.text import Text

    return Text(words(value))
