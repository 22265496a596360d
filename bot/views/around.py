"""What is around a cause: what changed before it, how far it reaches, and what it is like. Lines of ready mrkdwn.

The card shows the nearest of each; the reply in the thread shows all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from bot.views.text import clock, code, counted, inline, link
from tools.changes import Change
from tools.radius import BlastRadius, Checked
from tools.values import Value

MEMBERS_MOST, CHANGES_MOST = 8, 10
"""Resources of one group, and changes, that a reply lists."""
JUST_BEFORE = timedelta(hours=1)
"""A change that is older is not news on a card."""
GROUPS = (
    ("affected", "Ill"),
    ("healthy", "Checked, well"),
    ("changed", "Changed for another reason"),
    ("unchecked", "Not checked"),
)


class Reminder(Value):
    """Something on record that reads alike: `INC-97`, or a runbook; `url` leads to it."""

    ref: str
    title: str
    fix: str | None = None
    matched: str
    url: str | None = None


def nearest_change(changes: Sequence[Change], onset: datetime) -> str | None:
    """The last change before the onset, when it is no older than an hour: the first thing an engineer asks."""
    before = [change for change in changes if onset - JUST_BEFORE <= change.at <= onset]
    return _change(before[-1]) if before else None


def changes(listed: Sequence[Change]) -> Iterator[str]:
    """Every change, oldest first, as far as it fits."""
    if len(listed) > CHANGES_MOST:
        yield f"… {len(listed) - CHANGES_MOST} earlier"
    for change in listed[-CHANGES_MOST:]:
        yield f"• {_change(change)}"


def reach(radius: BlastRadius) -> str:
    """How far it reaches, in one line: what is ill by name, the rest by number."""
    ill = [inline(f"{one.resource.kind} {one.resource.name}", 80) for one in radius.affected[:3]]
    more = f" and {len(radius.affected) - 3} more" if len(radius.affected) > 3 else ""
    told = [f"ill: {', '.join(ill)}{more}"] if ill else ["nothing ill"]
    told += [f"{len(radius.healthy)} checked and well"] if radius.healthy else []
    told += [f"{counted(len(radius.changed), 'other change')}"] if radius.changed else []
    told += [f"{len(radius.unchecked)} not checked"] if radius.unchecked else []
    return " · ".join(told)


def groups(radius: BlastRadius) -> Iterator[str]:
    """The four groups, each with its members and what was seen of them."""
    for name, label in GROUPS:
        members: tuple[Checked, ...] = getattr(radius, name)
        if not members:
            continue
        yield f"*{label}*"
        yield from (f"• {code(str(one.resource), 120)} {inline(one.detail, 160)}" for one in members[:MEMBERS_MOST])
        if len(members) > MEMBERS_MOST:
            yield f"… and {len(members) - MEMBERS_MOST} more"


def reminders(listed: Sequence[Reminder]) -> Iterator[str]:
    """What it is like, best first: `INC-97 checkout restarts, fixed by rollback`."""
    for one in listed:
        fix = f", fixed by {inline(one.fix, 160)}" if one.fix else ""
        title = f"{link(one.url, one.ref)} {inline(one.title, 120)}"
        yield f"• {title}{fix} · both say {inline(one.matched, 120)}"


def _change(change: Change) -> str:
    by = f" by {inline(change.by, 60)}" if change.by else ""
    return f"{clock(change.at)} {code(str(change.resource), 100)} {inline(change.what, 240)}{by}"
