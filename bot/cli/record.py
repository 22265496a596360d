"""`sayso incidents`, `plans`, `audit`, `refused`: reading the record. Nothing here changes it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import click

from bot.cli.printing import (
    ListedByDefault,
    Unusable,
    as_json,
    environment,
    print_facts,
    print_json,
    print_table,
    words,
)

if TYPE_CHECKING:
    from sqlmodel import Session

    from storage.tables import AuditEntry, Incident, Plan
    from tools.values import JsonObject, JsonValue

LONG_FIELDS = {"proposal", "rehearsal", "decision", "canonical", "evidence", "gaps", "advice"}
"""What `show` prints and a list leaves out."""

SHOWN = 120
"""Characters of a payload in a table; `--json` has all of it."""

Row = TypeVar("Row")
limit = click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many, newest first."
)


@contextmanager
def reading() -> Iterator[Session]:
    """The record, for reading. Ends the command with exit code 2 when there is none or it cannot be read."""
    from sqlalchemy.exc import SQLAlchemyError

    from storage.database import Database, is_sqlite, sqlite_path

    url = environment().database_url
    if is_sqlite(url) and not sqlite_path(url).exists():
        raise Unusable(f"There is no record at {sqlite_path(url)} yet; the first `sayso run` makes it.")
    database = Database(url)
    try:
        with database.reading() as session:
            yield session
    except SQLAlchemyError as error:
        raise Unusable(f"The record cannot be read: {words(str(error).splitlines()[0])}") from error
    finally:
        database.close()


@click.group(cls=ListedByDefault)
def incidents() -> None:
    """List incidents (`list` may be left out), or show one."""


@incidents.command("list")
@click.option("--open", "only_open", is_flag=True, help="Only those still open.")
@limit
@as_json
def list_incidents(only_open: bool, limit: int, as_json: bool) -> None:
    """List them, newest first."""
    from storage import incidents as stored

    with reading() as session:
        found = stored.listed(session, only_open=only_open, limit=limit)
        if as_json:
            print_json([_plain(incident) for incident in found])
            return
        rows = [(f"{each.id}", each.severity, each.status, each.service, each.opened_at, each.title) for each in found]
    print_table(("id", "severity", "status", "service", "opened", "title"), rows, empty="No incidents.")


@incidents.command("show")
@click.argument("number", metavar="ID", type=int)
@as_json
def show_incident(number: int, as_json: bool) -> None:
    """Show one incident: its alerts, what was found, and its plans."""
    from storage import incidents as stored
    from storage import plans as stored_plans

    with reading() as session:
        incident = _found(lambda: stored.get(session, number))
        alerts, plans = stored.alerts_of(session, number), stored_plans.of_incident(session, number)
        if as_json:
            listed: JsonObject = {"alerts": [_whole(a) for a in alerts], "plans": [_plain(p) for p in plans]}
            print_json({**_whole(incident), **listed})
            return
        print_facts(_incident_facts(incident))
        for alert in alerts:
            print_facts(
                [("alert", f"{alert.name} {alert.status}, {alert.times} times, since {words(alert.starts_at)}")]
            )
        for plan in plans:
            print_facts([("plan", f"{plan.id} (version {plan.version}) {plan.status}")])


@click.group(cls=ListedByDefault)
def plans() -> None:
    """List plans (`list` may be left out), or show one."""


@plans.command("list")
@limit
@as_json
def list_plans(limit: int, as_json: bool) -> None:
    """List them, newest first."""
    from storage import plans as stored

    with reading() as session:
        found = stored.listed(session, limit)
        if as_json:
            print_json([_plain(plan) for plan in found])
            return
        rows = [(f"{each.id}", f"{each.incident_id}", each.status, each.proposed_at, _actions(each)) for each in found]
    print_table(("id", "incident", "status", "proposed", "actions"), rows, empty="No plans.")


@click.group()
def plan() -> None:
    """Look at one plan."""


@click.command("show")
@click.argument("number", metavar="ID", type=int)
@as_json
def show_plan(number: int, as_json: bool) -> None:
    """Show one plan: what it does, who said what, and what was carried out."""
    from storage import executions
    from storage import plans as stored

    with reading() as session:
        found = _found(lambda: stored.get(session, number))
        votes, calls = stored.votes(session, found), executions.of_plan(session, number)
        if as_json:
            listed: JsonObject = {"votes": [_whole(v) for v in votes], "executions": [_whole(c) for c in calls]}
            print_json({**_whole(found), **listed})
            return
        print_facts(_plan_facts(found))
        for vote in votes:
            print_facts([("vote", f"{vote.user_id} {vote.verdict} {words(vote.given_at)} {vote.reason or ''}".strip())])
        for call in calls:
            print_facts([("call", f"step {call.step + 1} {call.phase} {call.status} {call.error or ''}".strip())])


plans.add_command(show_plan)
plan.add_command(show_plan)


@click.group(cls=ListedByDefault)
def audit() -> None:
    """List what was recorded, or verify that nobody changed it."""


@audit.command("list")
@click.option("--subject", help="Only what concerns one subject, such as incident:7 or plan:3.")
@limit
@as_json
def list_audit(subject: str | None, limit: int, as_json: bool) -> None:
    """List them, newest first."""
    from storage import audit as stored

    with reading() as session:
        entries = stored.latest(session, limit, subject)
        if as_json:
            print_json([_whole(entry) for entry in entries])
            return
        rows = [
            (f"{each.seq}", _at(each), each.actor, each.event, each.subject, _short(each.payload)) for each in entries
        ]
    print_table(("entry", "at", "actor", "event", "subject", "payload"), rows, empty="Nothing was recorded.")


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


@click.group(cls=ListedByDefault)
def refused() -> None:
    """List webhook bodies that could not be used, kept as they came."""


@refused.command("list")
@limit
@as_json
def list_refused(limit: int, as_json: bool) -> None:
    """List them, newest first."""
    from storage import inbox

    with reading() as session:
        found = inbox.refused(session, limit)
        rows = [(f"{each.id}", each.source, each.received_at, f"{len(each.body)} bytes", each.reason) for each in found]
    headings = ("id", "source", "received", "size", "reason")
    if as_json:
        print_json([dict(zip(headings, map(words, row), strict=True)) for row in rows])
    else:
        print_table(headings, rows, empty="Nothing was refused.")


@refused.command("show")
@click.argument("number", metavar="ID", type=int)
def show_refused(number: int) -> None:
    """Write one body to standard output exactly as it came, to be read or posted again after a fix."""
    from storage.tables import RefusedDelivery

    with reading() as session:
        delivery = session.get(RefusedDelivery, number)
    if delivery is None:
        raise Unusable(f"there is no refused delivery {number}")
    sys.stdout.buffer.write(delivery.body)


def _found(get: Callable[[], Row]) -> Row:
    try:
        return get()
    except KeyError as error:
        raise Unusable(str(error.args[0])) from error


def _whole(row: Incident | Plan | AuditEntry | object, without: frozenset[str] = frozenset()) -> dict[str, JsonValue]:
    from sqlmodel import SQLModel

    assert isinstance(row, SQLModel)
    # Rows come from the database with their words as plain strings, about which pydantic would warn.
    return row.model_dump(mode="json", exclude=set(without), warnings=False)


def _plain(row: Incident | Plan) -> dict[str, JsonValue]:
    return _whole(row, frozenset(LONG_FIELDS))


def _incident_facts(incident: Incident) -> list[tuple[str, object]]:
    return [
        ("incident", f"{incident.id} {incident.title}"),
        ("status", f"{incident.status}, {incident.severity}"),
        ("service", f"{incident.service or '–'} in {incident.environment}"),
        ("opened", incident.opened_at),
        ("resolved", incident.resolved_at),
        ("cause", incident.proposal.hypothesis if incident.proposal else None),
        ("mind", (incident.mind.model or "rules") if incident.mind else None),
        ("not seen", "; ".join(incident.gaps or ())),
        ("note", incident.note),
    ]


def _plan_facts(plan: Plan) -> list[tuple[str, object]]:
    from policies.explanation import summary

    return [
        ("plan", f"{plan.id} (version {plan.version}) of incident {plan.incident_id}"),
        ("status", plan.status),
        *(("action", step.action.title) for step in plan.rehearsal.steps),
        *(("until", str(criterion)) for criterion in plan.proposal.success_criteria),
        ("policy", summary(plan.decision)),
        ("digest", plan.digest),
        ("proposed", f"{words(plan.proposed_at)} by {plan.requester}"),
        ("expires", plan.not_after),
        ("finished", plan.finished_at),
        ("outcome", plan.outcome),
    ]


def _actions(plan: Plan) -> str:
    return "; ".join(step.action.title for step in plan.rehearsal.steps)


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters)"


def _at(entry: AuditEntry) -> object:
    from storage.audit import EPOCH

    return EPOCH + timedelta(microseconds=entry.at)
