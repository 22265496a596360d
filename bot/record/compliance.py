"""The record as a table for people who audit: one line an entry, with who asked, who approved, what ran, what changed.

Reads entries one after the other, and keeps only what it knows of plans that have not ended.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bot.record.account import Account, happening, of_plan, payload_of
from storage import plans
from storage.audit import Link
from tools.redaction import redact

COLUMNS = ("entry", "when", "incident", "plan", "who", "what", "asked by", "approved by", "runs", "changes", "outcome")
STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes such a cell for a formula, and its text may be anybody's."""
ENDS = frozenset(f"plan.{status}" for status in plans.ENDS)


@dataclass
class _Known:
    """What earlier entries said about a plan."""

    account: Account | None = None
    approvers: list[str] = field(default_factory=list)


def rows(entries: Iterable[Link]) -> Iterator[str]:
    """The lines of the table, headings first, as CSV."""
    yield _line(COLUMNS)
    open_plans: dict[str, _Known] = {}
    for entry in entries:
        yield _line(_cells(entry, open_plans))
        if entry.event in ENDS:
            open_plans.pop(entry.subject, None)


def _cells(entry: Link, open_plans: dict[str, _Known]) -> tuple[str, ...]:
    told = happening(entry)
    kind, _, number = entry.subject.partition(":")
    known = _known(entry, open_plans) if kind == "plan" else _Known()
    account = known.account
    incident = number if kind == "incident" else str(account.incident) if account and account.incident else ""
    return (
        str(entry.seq),
        f"{told.at:%Y-%m-%d %H:%M:%S}Z",
        f"INC-{incident}" if incident else "",
        f"P-{number}" if kind == "plan" else "",
        entry.actor,
        told.words,
        ", ".join(dict.fromkeys((account.seen.requester, *account.seen.steerers))) if account else "",
        ", ".join(known.approvers),
        "; ".join(account.actions) if account else "",
        "; ".join(_changes(account)) if account else "",
        entry.event.removeprefix("plan.").replace("_", " ") if entry.event in ENDS else "",
    )


def _known(entry: Link, open_plans: dict[str, _Known]) -> _Known:
    known = open_plans.setdefault(entry.subject, _Known())
    if "canonical" in payload_of(entry):
        known.account = of_plan(0, [entry])
    if entry.event in ("vote.approve", "glass.broken") and entry.actor not in known.approvers:
        known.approvers.append(entry.actor)
    return known


def _changes(account: Account) -> Iterator[str]:
    for step in account.seen.actions:
        for change in step.changes:
            yield f"{step.target} {change.path}: {change.before} -> {change.after}"


def _line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([_harmless(redact(cell)) for cell in cells])
    return line.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(STARTS_A_FORMULA) else cell
