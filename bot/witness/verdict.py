"""What a walk over the record amounts to, in one word and in sentences: for `audit verify`, `doctor` and health."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import IntEnum

from storage.audit import ChainReport, moment_of

FRESH = timedelta(minutes=15)
"""How old the last signature may be while entries follow it."""


class Verdict(IntEnum):
    """How the record is; the exit code of `sayso audit verify`."""

    HOLDS = 0
    BROKEN = 1
    UNREADABLE = 2
    STALE = 3
    """Nothing is wrong with it, and nobody vouches for its end."""


def judge(report: ChainReport, at: datetime) -> Verdict:
    """How the record is at this moment."""
    if report.fault is not None:
        return Verdict.BROKEN
    return Verdict.STALE if _is_stale(report, at) else Verdict.HOLDS


def sentences(report: ChainReport, at: datetime, *, compared: bool) -> Iterator[str]:
    """What was seen, and what could not be seen. `compared`: with something kept away from the signer's machine."""
    if report.fault is not None:
        yield f"The record is broken at entry {report.fault.seq}: {report.fault.fault}."
        return
    behind = f"; what came before entry {report.first} is not in this file" if report.first > 1 else ""
    yield f"The chain holds: {_counted(report)}, head {report.head}{behind}."
    yield _signed(report, at)
    if report.marked_to is not None:
        yield f"What is kept outside the database agrees, up to entry {report.marked_to}."
    if not compared:
        yield (
            "Nothing kept elsewhere was compared, so whoever has the signing key could have written all of it anew: "
            "compare with --against, --checkpoints, or a head once posted in Slack (--seen)."
        )


def _counted(report: ChainReport) -> str:
    number = report.entries - report.first + 1 if report.entries else 0
    return "1 entry" if number == 1 else f"{number} entries"


def _signed(report: ChainReport, at: datetime) -> str:
    if report.signed_to is None or report.signed_at is None:
        if report.entries == 0:
            return "Nothing is signed yet."
        why = (
            "there is no checkpoint" if not report.checkpoints else "without the public key no checkpoint can be proven"
        )
        return f"Nobody vouches for it: {why}. Entries at its end could have been cut off, or all of it written anew."
    since = report.entries - report.signed_to
    late = ""
    if _is_stale(report, at):
        minutes = int((at - moment_of(report.signed_at)).total_seconds() // 60)
        late = f" That is {minutes} minutes ago: is sayso running?"
    when = f"{moment_of(report.signed_at):%Y-%m-%d %H:%M:%S}Z"
    follow = f" The {since} entries behind it could be cut off unseen." if since else ""
    return f"Signed up to entry {report.signed_to}, at {when} ({report.checkpoints} checkpoints).{follow}{late}"


def _is_stale(report: ChainReport, at: datetime) -> bool:
    if report.entries == 0:
        return False
    if report.signed_to is None or report.signed_at is None:
        return True
    return report.signed_to < report.entries and at - moment_of(report.signed_at) > FRESH
