"""`sayso policy diff`, `history`, `show`, `propose`, `rollback`: the versions of the rules, and bringing in another.

Looking only reads. `propose` and `rollback` write to the record what the running sayso then asks about in Slack.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.policy import loaded, path_of, text_of
from bot.cli.printing import Unusable, as_json, environment, print_facts, print_json, print_table, words
from bot.cli.reading import found, limit, opened, reading, whole

if TYPE_CHECKING:
    from bot.policy.policy_change import Considered, Submission
    from policies.facts import Facts
    from policies.loosening import Loosening, Replay
    from policies.rules import Policy
    from storage.tables import PolicyVersion
    from tools.values import JsonValue

LOOSER = 3
"""Exit code of a comparison that found something looser."""


def _author(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    from bot.views.text import USER

    if not USER.fullmatch(value):
        raise click.BadParameter(f"{value!r} is no Slack user id (U…): Slack › profile › ⋮ › Copy member ID.")
    return value


author = click.option(
    "--author", required=True, metavar="U…", callback=_author, help="Slack id of whose change it is: they have no vote."
)


@click.command()
@click.argument("file", metavar="NEW.yaml", type=click.Path(path_type=Path))
@click.option("--against", type=int, metavar="VERSION", help="Compare with this version instead of the one in force.")
@as_json
def diff(file: Path, against: int | None, as_json: bool) -> None:
    """Show what NEW.yaml would decide otherwise in the last 30 days, and what it allows that the rules in force do not.

    Exit code 3 when it allows more: then people have to agree before it takes effect.
    """
    from policies.loosening import loosenings, replay

    old, past = _base(against)
    new = loaded(file, as_json=as_json)
    looser, counts = loosenings(old, new, past), replay(old, new, past)
    if as_json:
        print_json(
            {
                "old": old.version,
                "new": new.version,
                "looser": [one.model_dump(mode="json") for one in looser],
                "replay": counts.model_dump(mode="json"),
            }
        )
    else:
        _print_diff(old, new, looser, counts)
    if looser:
        raise SystemExit(LOOSER)


@click.command()
@limit
@as_json
def history(limit: int, as_json: bool) -> None:
    """List the versions of the rules there were, newest first."""
    from storage import policies

    with reading() as session:
        rows = policies.listed(session, limit)
    if as_json:
        print_json([_plain(row) for row in rows])
        return
    told = [
        (row.version, row.status, row.author, row.origin, row.proposed_at, row.activated_at, len(row.looser) or None)
        for row in rows
    ]
    headings = ("version", "status", "author", "from", "proposed", "in force since", "looser in")
    print_table(headings, told, empty="No version is on record yet; the first `sayso run` records one.")


@click.command()
@click.argument("version", type=int)
@as_json
def show(version: int, as_json: bool) -> None:
    """Print VERSION whole, exactly as it was taken: redirected to a file it can be used again."""
    from storage import policies

    with reading() as session:
        row = found(lambda: policies.numbered(session, version))
        votes: list[JsonValue] = [dict(whole(vote)) for vote in policies.votes(session, row)]
    if as_json:
        print_json({**whole(row), "votes": votes})
        return
    click.echo(row.text, nl=False)
    for one in row.looser:
        click.echo(words(f"allowed more: {one}"), err=True)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@author
@as_json
def propose(file: Path, author: str, as_json: bool) -> None:
    """Put FILE before the rules in force: what only tightens takes effect at once, what allows more asks people first.

    The running sayso asks them in Slack. Exit code 1 when the file is refused.
    """
    from bot.policy.policy_change import Submission

    _put(Submission(text=text_of(file), name=file.name, origin="proposal", author=author), as_json=as_json)


@click.command()
@click.argument("version", type=int)
@author
@as_json
def rollback(version: int, author: str, as_json: bool) -> None:
    """Put the content of VERSION before the rules in force, under a new, higher number. People are asked as ever."""
    from bot.policy.policy_change import Submission
    from storage import policies

    with reading() as session:
        row = found(lambda: policies.numbered(session, version))
        number = policies.highest(session) + 1
    text = renumbered(row.text, number)
    _put(Submission(text=text, name=f"version {version} again", origin="rollback", author=author), as_json=as_json)


def renumbered(text: str, number: int) -> str:
    """The same rules under another version number: only that line changes."""
    again, count = re.subn(r"^version:[ \t]*\d+", f"version: {number}", text, count=1, flags=re.MULTILINE)
    if count != 1:
        raise Unusable("that version has no line of its own that says `version:`; edit it by hand and use `propose`")
    return again


def _put(wanted: Submission, *, as_json: bool) -> None:
    """Record it, and say what comes of it."""
    from datetime import UTC, datetime

    from bot.policy.policy_change import Fate, consider
    from bot.rehearsal import catalogue
    from policies.documents import PolicyError
    from tools.errors import PermanentError

    with opened() as record:
        try:
            came = consider(wanted, record, catalogue(), datetime.now(UTC))
        except (PermanentError, PolicyError) as error:
            raise Unusable(f"It cannot be compared with the rules in force: {error}") from error
    if as_json:
        print_json(came.model_dump(mode="json"))
    else:
        _print_fate(came)
    if came.fate is Fate.REFUSED:
        raise SystemExit(1)


def _print_fate(came: Considered) -> None:
    from bot.policy.policy_change import Fate

    match came.fate:
        case Fate.REFUSED:
            click.echo("\n".join(words(one) for one in came.complaints), err=True)
            click.echo(f"Refused; version {came.version} stays in force.", err=True)
        case Fate.KNOWN:
            click.echo(f"Exactly this is on record already, as version {came.version}. Nothing changed.")
        case Fate.ACTIVATED:
            click.echo(f"Version {came.version} is in force: it allows nothing that the rules of before did not.")
        case Fate.PROPOSED:
            click.echo(f"Version {came.version} allows more, so people are asked in Slack first:")
            for one in came.looser:
                click.echo(words(f"  - {one}"))


def _print_diff(old: Policy, new: Policy, looser: tuple[Loosening, ...], counts: Replay) -> None:
    click.echo(f"Version {old.version} against version {new.version}.")
    told = [("decisions", counts.replayed), ("changed", counts.changed), ("looser", counts.looser)]
    print_facts([*told, ("stricter", counts.stricter), ("different", counts.different)])
    for one in counts.examples:
        click.echo(words(f"  - {one}"))
    click.echo("It allows more:" if looser else "It allows nothing that the other does not.")
    for each in looser:
        click.echo(words(f"  - {each}"))


def _base(against: int | None) -> tuple[Policy, list[Facts]]:
    """What to compare with, and the decisions to make again. Without a record: the rules that would be used."""
    from datetime import UTC, datetime, timedelta

    from bot.rehearsal import catalogue
    from policies.documents import PolicyError
    from policies.loading import load
    from storage import policies
    from storage.database import is_sqlite, sqlite_path

    url = environment().database_url
    if against is None and is_sqlite(url) and not sqlite_path(url).exists():
        return loaded(path_of(None)), []
    with reading() as session:
        row = policies.active(session) if against is None else found(lambda: policies.numbered(session, against))
        past = policies.judged_since(session, datetime.now(UTC) - timedelta(days=30))
    if row is None:
        return loaded(path_of(None)), past
    try:
        return load(row.text, catalogue(), name=f"version {row.version}"), past
    except PolicyError as error:
        raise Unusable(f"version {row.version} cannot be read by this sayso:\n{error}") from error


def _plain(row: PolicyVersion) -> dict[str, JsonValue]:
    return whole(row, frozenset({"text"}))
