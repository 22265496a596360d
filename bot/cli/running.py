"""`sayso run`, `sayso doctor`, `sayso settings`: starting it, and what it takes to start it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from bot.cli.printing import Unusable, as_json, complaining, environment, print_json, print_table

if TYPE_CHECKING:
    from bot.settings import Variable

SIGNS = {"ok": "✔", "missing": "✘", "broken": "✘", "warning": "!", "skipped": "–"}


@click.command()
def run() -> None:
    """Run sayso until it is stopped (Ctrl-C or SIGTERM). `sayso doctor` says beforehand whether it can."""
    settings = environment()
    with complaining():
        settings.require_slack()
    from bot import app
    from policies.documents import PolicyError
    from storage.database import DatabaseInUse
    from tools.errors import PermanentError

    try:
        app.run(settings)
    except (DatabaseInUse, PolicyError, PermanentError) as error:
        raise Unusable(f"sayso cannot start: {error}") from error


@click.command()
@as_json
def doctor(as_json: bool) -> None:
    """Check that everything sayso needs is there. Changes nothing; exit code 1 when something is not right."""
    from bot.doctor import Status, examine

    checks = examine(environment())
    if as_json:
        print_json([check.model_dump(mode="json") for check in checks])
    else:
        rows = [(SIGNS[check.status], check.name, check.status, check.detail, check.fix) for check in checks]
        print_table(("", "what", "status", "seen", "what to do"), rows, empty="Nothing was looked at.")
    wrong = [check.name for check in checks if check.status in (Status.MISSING, Status.BROKEN)]
    if not as_json:
        click.echo(
            f"\nTo be put right: {', '.join(wrong)}." if wrong else "\nNothing is missing: `sayso run` can start."
        )
    if wrong:
        sys.exit(1)


@click.command()
@click.option("--markdown", is_flag=True, help="Print the table as the README shows it.")
@as_json
def settings(markdown: bool, as_json: bool) -> None:
    """List every environment variable: what it is for, its default, and where to get it."""
    from bot.settings import DESCRIBED

    variables = tuple(DESCRIBED.values())
    if as_json:
        print_json([variable.model_dump(mode="json") for variable in variables])
    elif markdown:
        click.echo(_markdown(variables))
    else:
        rows = [(each.name, each.purpose, each.default or "–", each.where or "–") for each in variables]
        print_table(("variable", "what it is for", "default", "where to get it"), rows, empty="")


def _markdown(variables: tuple[Variable, ...]) -> str:
    lines = ["| variable | what it is for | default | where to get it |", "|---|---|---|---|"]
    lines += [f"| `{each.name}` | {each.purpose} | {each.default} | {each.where} |" for each in variables]
    return "\n".join(lines)
