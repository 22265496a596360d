"""`sayso dead-letters`: Slack events that were tried until the end and could not be handled, and trying one again."""

from __future__ import annotations

import getpass

import click

from bot.cli.printing import ListedByDefault, Unusable, as_json, print_json, print_table, words
from bot.cli.reading import limit, opened, reading


@click.group("dead-letters", cls=ListedByDefault)
def dead_letters() -> None:
    """List Slack events sayso gave up on (`list` may be left out), or let one be tried again."""


@dead_letters.command("list")
@limit
@as_json
def list_dead(limit: int, as_json: bool) -> None:
    """List them, newest first, with what went wrong the last time."""
    from storage import inbox

    with reading() as session:
        rows = [
            (each.key, each.kind, words(each.received_at), str(each.attempts), words(each.error or ""))
            for each in inbox.dead(session, limit)
        ]
    headings = ("key", "kind", "received", "attempts", "error")
    if as_json:
        print_json([dict(zip(headings, row, strict=True)) for row in rows])
    else:
        print_table(headings, rows, empty="No dead letters: every event was handled.")


@dead_letters.command("retry")
@click.argument("key", metavar="KEY")
def retry_dead(key: str) -> None:
    """Let the running sayso try this one again, at once. Put right what went wrong first."""
    from datetime import UTC, datetime

    from storage import inbox

    with opened() as database, database.writing() as session:
        revived = inbox.retry(session, key, datetime.now(UTC), f"cli:{getpass.getuser()}")
    if not revived:
        raise Unusable(f"there is no dead letter {key}; `sayso dead-letters` lists them")
    click.echo(f"{key} is tried again within a second, if sayso runs.")
