"""`sayso audit`: who did what and when, and whether anybody changed the record afterwards. Nothing here changes it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from bot.cli import exporting, proving
from bot.cli.printing import ListedByDefault, Unusable, as_json, print_facts, print_json, print_table, words
from bot.cli.reading import as_recorded, limit, name, numbered, reading, whole

if TYPE_CHECKING:
    from bot.record.account import Account, Happening
    from storage.tables import AuditEntry
    from tools.values import JsonObject, JsonValue

SAID = ("actions", "alert", "findings", "gaps", "note", "reason", "outcome", "measured", "error")
"""The members of a payload that are words for people, in the order they are shown. `--json` has every member."""
LONGEST = 160
"""Characters of them in a table."""


@click.group(cls=ListedByDefault)
def audit() -> None:
    """List what was recorded (`list` may be left out), tell of one plan, export it, or prove that nobody changed it."""


audit.add_command(proving.verify)
audit.add_command(exporting.export)


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


@audit.command("plan")
@click.argument("plan", metavar="P-7", callback=numbered)
@as_json
def show_plan(plan: int, as_json: bool) -> None:
    """Who let this happen, and what exactly did they see? From audit entries alone."""
    from bot.record import account
    from storage import audit as stored

    with reading() as session:
        told = account.of_plan(plan, stored.about(session, f"plan:{plan}"))
    if told is None:
        raise Unusable(f"The record tells of no plan P-{plan}.")
    if as_json:
        print_json(told.model_dump(mode="json"))
        return
    _print_account(told)


@audit.command("incident")
@click.argument("incident", metavar="INC-7", callback=numbered)
@as_json
def show_incident(incident: int, as_json: bool) -> None:
    """What happened to an incident, and the account of each of its plans. From audit entries alone."""
    from bot.record import account
    from storage import audit as stored
    from storage.audit.entries import plans_of

    with reading() as session:
        happened = [account.happening(one) for one in stored.about(session, f"incident:{incident}")]
        numbers = plans_of(session, incident)
        told = [account.of_plan(number, stored.about(session, f"plan:{number}")) for number in numbers]
    if not happened:
        raise Unusable(f"The record tells of no incident INC-{incident}.")
    accounts = [one for one in told if one is not None]
    if as_json:
        entries: list[JsonValue] = [one.model_dump(mode="json") for one in happened]
        print_json(
            {"incident": incident, "happened": entries, "plans": [one.model_dump(mode="json") for one in accounts]}
        )
        return
    click.echo(f"INC-{incident}")
    _print_happenings(happened)
    for one in accounts:
        click.echo("")
        _print_account(one)


def _print_account(told: Account) -> None:
    seen = told.seen
    print_facts(
        [
            ("plan", f"P-{told.plan}, version {told.version}, of INC-{told.incident}; {told.end.replace('_', ' ')}"),
            (
                "digest",
                f"{told.digest} ({'what is shown here has it' if told.is_intact else 'NOT of what is on record'})",
            ),
            ("asked by", ", ".join(dict.fromkeys((seen.requester, *seen.steerers)))),
            ("stood until", seen.not_after),
            ("rules", f"{told.policy}: {told.effect}"),
            *(("because", one) for one in told.because),
            *(("asks", one) for one in told.asks),
            ("approved by", ", ".join(told.approvers) or "nobody"),
            ("refused", f"{told.refused} clicks" if told.refused else None),
        ]
    )
    click.echo("What they saw:")
    for line in _seen_lines(told):
        click.echo(f"  {words(line)}")
    click.echo("What happened:")
    _print_happenings(told.happened)


def _seen_lines(told: Account) -> Iterator[str]:
    for number, title in enumerate(told.actions, start=1):
        yield f"{number}. {title}"
        if number > len(told.seen.actions):
            continue
        step = told.seen.actions[number - 1]
        yield f"   on {step.target} (uid {step.uid}, generation {step.generation})"
        yield from (f"   {change.path}: {change.before} -> {change.after}" for change in step.changes)
        yield f"   touches {step.blast_radius}; to take it back: {step.undo or 'not possible'}"
    yield from (f"facts of step {number}: {_facts(facts)}" for number, facts in enumerate(told.seen.judged_by, start=1))


def _facts(facts: JsonObject) -> str:
    return ", ".join(f"{name} {_words(value)}" for name, value in facts.items() if value is not None)


def _print_happenings(happened: Iterable[Happening]) -> None:
    for one in happened:
        click.echo(f"  {one.at:%Y-%m-%d %H:%M:%S}Z  #{one.seq}  {words(one.actor)}: {words(one.words)}")


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
