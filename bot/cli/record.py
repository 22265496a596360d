"""`sayso incidents`, `plans`, `refused`: reading the record. Nothing here changes it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

import click

from bot.cli.printing import ListedByDefault, Unusable, as_json, print_facts, print_json, print_table, words
from bot.cli.reading import found, limit, name, numbered, reading, whole

if TYPE_CHECKING:
    from storage.tables import Incident, Plan
    from tools.values import JsonObject, JsonValue

LONG_FIELDS = frozenset(
    {"proposal", "rehearsal", "decision", "canonical", "evidence", "gaps", "advice", "second", "changes", "radius"}
)
"""What `show` prints and a list leaves out."""


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
        listed = stored.listed(session, only_open=only_open, limit=limit)
        if as_json:
            print_json([_plain(incident) for incident in listed])
            return
        rows = [
            (name(f"incident:{each.id}"), each.severity, each.status, each.service, each.opened_at, each.title)
            for each in listed
        ]
    print_table(("id", "severity", "status", "service", "opened", "title"), rows, empty="No incidents.")


@incidents.command("show")
@click.argument("number", metavar="INC-7", callback=numbered)
@as_json
def show_incident(number: int, as_json: bool) -> None:
    """Show one incident: its alerts, what was found, and its plans."""
    from storage import incidents as stored
    from storage import plans as stored_plans

    with reading() as session:
        incident = found(lambda: stored.get(session, number))
        alerts, plans = stored.alerts_of(session, number), stored_plans.of_incident(session, number)
        if as_json:
            listed: JsonObject = {"alerts": [whole(a) for a in alerts], "plans": [_plain(p) for p in plans]}
            print_json({**whole(incident), **listed})
            return
        print_facts(_incident_facts(incident))
        for alert in alerts:
            print_facts(
                [("alert", f"{alert.name} {alert.status}, {_times(alert.times)}, since {words(alert.starts_at)}")]
            )
        for plan in plans:
            print_facts([("plan", f"{_name(plan)} (version {plan.version}) {plan.status}: {_actions(plan)}")])


@incidents.command("report")
@click.argument("number", metavar="INC-7", callback=numbered)
@click.option("--post-mortem", is_flag=True, help="The draft of a post-mortem, with what people must add left open.")
@click.option(
    "--output", "-o", type=click.File("w", encoding="utf-8"), default="-", help="A file instead of the screen."
)
@as_json
def report_incident(number: int, post_mortem: bool, output: TextIO, as_json: bool) -> None:
    """Write one incident up as Markdown: cause, evidence, reach, what was done, timeline, cost."""
    from datetime import UTC, datetime

    from bot.reports import incident as reports
    from bot.reports.rendering import render

    with reading() as session:
        report = found(lambda: reports.of_incident(session, number, datetime.now(UTC)))
    if as_json:
        output.write(report.model_dump_json(indent=2) + "\n")
    else:
        output.write(render("post_mortem.md.j2" if post_mortem else "incident.md.j2", report))


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
        listed = stored.listed(session, limit)
        if as_json:
            print_json([_plain(plan) for plan in listed])
            return
        rows = [
            (_name(each), name(f"incident:{each.incident_id}"), each.status, each.proposed_at, _actions(each))
            for each in listed
        ]
    print_table(("id", "incident", "status", "proposed", "actions"), rows, empty="No plans.")


@click.group()
def plan() -> None:
    """Look at one plan."""


@click.command("show")
@click.argument("number", metavar="P-7", callback=numbered)
@as_json
def show_plan(number: int, as_json: bool) -> None:
    """Show one plan: what it does, who said what, and what was carried out."""
    from storage import executions
    from storage import plans as stored

    with reading() as session:
        plan = found(lambda: stored.get(session, number))
        votes, calls = stored.votes(session, plan), executions.of_plan(session, number)
        if as_json:
            listed: JsonObject = {"votes": [whole(v) for v in votes], "executions": [whole(c) for c in calls]}
            print_json({**whole(plan), **listed})
            return
        print_facts(_plan_facts(plan))
        for vote in votes:
            print_facts([("vote", f"{vote.user_id} {vote.verdict} {words(vote.given_at)} {vote.reason or ''}".strip())])
        for call in calls:
            print_facts([("call", f"step {call.step + 1} {call.phase} {call.status} {call.error or ''}".strip())])


plans.add_command(show_plan)
plan.add_command(show_plan)


@click.group(cls=ListedByDefault)
def refused() -> None:
    """List webhook bodies that could not be used (`list` may be left out), or show one as it came."""


@refused.command("list")
@limit
@as_json
def list_refused(limit: int, as_json: bool) -> None:
    """List them, newest first."""
    from storage import inbox

    with reading() as session:
        rows = [
            (f"{each.id}", each.source, each.received_at, f"{len(each.body)} bytes", each.reason)
            for each in inbox.refused(session, limit)
        ]
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


def _plain(row: Incident | Plan) -> dict[str, JsonValue]:
    return whole(row, LONG_FIELDS)


def _incident_facts(incident: Incident) -> list[tuple[str, object]]:
    return [
        ("incident", f"{name(f'incident:{incident.id}')} {incident.title}"),
        ("status", f"{incident.status}, {incident.severity}"),
        ("service", f"{incident.service or '–'} in {incident.environment}"),
        ("opened", incident.opened_at),
        ("resolved", incident.resolved_at),
        ("cause", incident.proposal.hypothesis if incident.proposal else None),
        ("mind", (incident.mind.model or "rules") if incident.mind else None),
        ("could not see", "; ".join(incident.gaps or ())),
        ("also", "; ".join(incident.remarks or ())),
        ("note", incident.note),
    ]


def _plan_facts(plan: Plan) -> list[tuple[str, object]]:
    from policies.explanation import summary

    return [
        ("plan", f"{_name(plan)} (version {plan.version}) of {name(f'incident:{plan.incident_id}')}"),
        ("status", plan.status),
        *(("action", step.title) for step in plan.rehearsal.steps),
        *(("until", str(criterion)) for criterion in plan.proposal.success_criteria),
        ("policy", summary(plan.decision)),
        ("digest", plan.digest),
        ("proposed", f"{words(plan.proposed_at)} by {plan.requester}"),
        ("expires", plan.not_after),
        ("finished", plan.finished_at),
        ("outcome", plan.outcome),
    ]


def _name(plan: Plan) -> str:
    return name(f"plan:{plan.id}")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _actions(plan: Plan) -> str:
    return "; ".join(step.title for step in plan.rehearsal.steps)
