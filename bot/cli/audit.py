"""`sayso audit`: who did what and when, and whether anybody changed the record afterwards. Nothing here changes it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from bot.cli.printing import ListedByDefault, as_json, print_json, print_table
from bot.cli.reading import as_recorded, limit, name, reading, whole

if TYPE_CHECKING:
    from storage.tables import AuditEntry
    from tools.values import JsonObject, JsonValue

SAID = ("actions", "alert", "findings", "gaps", "note", "reason", "outcome", "measured", "error")
"""The members of a payload that are words for people, in the order they are shown. `--json` has every member."""
LONGEST = 160
"""Characters of them in a table."""


@click.group(cls=ListedByDefault)
def audit() -> None:
    """List what was recorded (`list` may be left out), or verify that nobody changed it."""


@audit.command("list")
@click.option("--subject", callback=as_recorded, help="Only what concerns one incident or plan, such as INC-7 or P-3.")
@limit
@as_json
def list_audit(subject: str | None, limit: int, as_json: bool) -> None:
    """List them, newest first."""
    from storage import audit as stored

    with reading() as session:
        entries = stored.latest(session, limit, subject)
        if as_json:
            print_json([whole(entry) for entry in entries])
            return
        rows = [
            (f"{each.seq}", stored.moment(each), each.actor, each.event, name(each.subject), told(each))
            for each in entries
        ]
    print_table(("entry", "at", "who", "what", "about", "detail"), rows, empty="Nothing was recorded.")


@audit.command()
@as_json
def verify(as_json: bool) -> None:
    """Walk the whole chain. Exit code 0 when it holds, 1 naming the first bad entry, 2 when it cannot be read."""
    from storage import audit as stored

    with reading() as session:
        report = stored.verify_all(session)
    if as_json:
        print_json(report.model_dump(mode="json"))
    elif report.fault is None:
        click.echo(f"The chain holds: {report.entries} entries, head {report.head}.")
    else:
        click.echo(f"The chain is broken at entry {report.fault.seq}: {report.fault.fault}.")
    sys.exit(0 if report.fault is None else 1)


def told(entry: AuditEntry) -> str:
    """What an entry says beyond who did what to which, in a few words."""
    try:
        payload = json.loads(entry.payload)
    except ValueError:  # somebody changed it; `verify` says so
        payload = None
    text = _detail(payload) if isinstance(payload, dict) else entry.payload
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _detail(payload: JsonObject) -> str:
    said = []
    if isinstance(step := payload.get("step"), int):
        said.append(f"step {step + 1}, {payload.get('phase')}")
    if mind := payload.get("mind"):
        said.append(f"by {mind}")
    if groups := payload.get("groups"):
        said.append(f"as {_words(groups)}")
    said += [_words(payload[member]) for member in SAID if payload.get(member)]
    return "; ".join(said)


def _words(value: JsonValue) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
