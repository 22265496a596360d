"""`sayso replay`: judge what was seen of an incident again with today's rules, and show what differs. Offline.

Reads the record; writes nothing and asks nobody, neither the world nor a model.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from bot.cli.printing import Unusable, as_json, print_facts, print_json, print_table
from bot.cli.reading import found, name, numbered, reading

if TYPE_CHECKING:
    from sqlmodel import Session

    from bot.evaluation.replaying import Replayed
    from storage.tables import Investigation
    from tools.values import JsonValue

MOST = 10_000
"""Investigations that `--all` judges again, the newest first."""


def _number(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    return None if value is None else numbered(context, parameter, value)


@click.command("replay")
@click.argument("number", metavar="INC-7", required=False, callback=_number)
@click.option("--look", type=click.IntRange(1), help="Which look into the incident. Default: the newest.")
@click.option("--all", "every", is_flag=True, help="Judge every investigation of the last days again.")
@click.option(
    "--days", default=30, show_default=True, type=click.IntRange(1, 3650), help="How many days --all goes back."
)
@as_json
def replay(number: int | None, look: int | None, every: bool, days: int, as_json: bool) -> None:
    """Judge what was seen of an incident again, with the rules of today, and show what differs.

    Nothing is asked of the world or of a model. Exit code 1 when the rules name another first cause than they did.
    """
    if every == (number is not None):
        raise Unusable("Say which incident (sayso replay INC-7), or --all.")
    replayed = _replayed_all(days) if every else (_replayed(number or 0, look),)
    if as_json:
        print_json([_plain(one) for one in replayed] if every else _plain(replayed[0]))
    elif every:
        _print_all(replayed)
    else:
        _print_one(replayed[0])
    if any(one.lead_changed for one in replayed):
        sys.exit(1)


def _replayed(number: int, look: int | None) -> Replayed:
    from bot.evaluation.replaying import replay as judge_again
    from storage import incidents

    with reading() as session:
        found(lambda: incidents.get(session, number))
        return judge_again(_kept(session, number, look))


def _kept(session: Session, number: int, look: int | None) -> Investigation:
    from storage import investigations

    looks = investigations.of_incident(session, number)
    if not looks:
        raise Unusable(f"{name(f'incident:{number}')} has no kept investigation.")
    wanted = [one for one in looks if look is None or one.look == look]
    if not wanted:
        known = ", ".join(str(one.look) for one in looks)
        raise Unusable(f"{name(f'incident:{number}')} has no look {look}; it has {known}.")
    return wanted[-1]


def _replayed_all(days: int) -> tuple[Replayed, ...]:
    from bot.evaluation.replaying import replay as judge_again
    from storage import investigations

    since = datetime.now(UTC) - timedelta(days=days)
    with reading() as session:
        recent = (one for one in investigations.latest(session, MOST) if one.started_at >= since)
        return tuple(judge_again(one) for one in recent)


def _print_one(one: Replayed) -> None:
    by = one.model or "the rules"
    print_facts(
        [
            (
                "incident",
                f"{name(f'incident:{one.incident}')}, look {one.look}, {one.at:%Y-%m-%d %H:%M:%S}Z, concluded by {by}",
            )
        ]
    )
    for difference in _differences(one):
        print_facts([difference])
    print_facts(("not quoted", line) for line in one.unfounded)


def _differences(one: Replayed) -> Iterator[tuple[str, object]]:
    """What a person has to read, line by line."""
    if one.now is None:
        yield "not judged", one.problem
    elif one.same:
        yield "same", f"{one.then.lead or 'no cause'}, confidence {one.then.confidence}"
    else:
        yield from (("gained", finding) for finding in one.gained)
        yield from (("lost", finding) for finding in one.lost)
        yield from (("confidence", line) for line in one.reweighed)
        yield from _changed("hypothesis", one.then.hypothesis, one.now.hypothesis)
        yield from _changed("actions", "; ".join(one.then.actions) or "none", "; ".join(one.now.actions) or "none")
        yield from _changed("first", one.then.lead or "no cause", one.now.lead or "no cause")


def _changed(what: str, then: str, now: str) -> Iterator[tuple[str, object]]:
    if then != now:
        yield what, then
        yield "  now", now


def _print_all(replayed: tuple[Replayed, ...]) -> None:
    rows = [
        (name(f"incident:{one.incident}"), one.look, one.at, one.model or "rules", one.then.lead, _outcome(one))
        for one in replayed
    ]
    print_table(
        ("incident", "look", "at", "mind", "first cause then", "now"),
        rows,
        empty="No investigation is kept from those days.",
    )


def _outcome(one: Replayed) -> str:
    """One cell: the same, or what the first cause is now."""
    if one.now is None:
        return one.problem or "not judged"
    if one.same:
        return "same"
    if one.now.lead != one.then.lead:
        return one.now.lead or "no cause"
    return f"same cause; {len(one.gained)} gained, {len(one.lost)} lost, {len(one.reweighed)} weighed otherwise"


def _plain(one: Replayed) -> dict[str, JsonValue]:
    whole: dict[str, JsonValue] = one.model_dump(mode="json")
    lists = {"gained": one.gained, "lost": one.lost, "confidence": one.reweighed}
    return {
        **whole,
        "same": one.same,
        "lead_changed": one.lead_changed,
        **{key: list(value) for key, value in lists.items()},
    }
