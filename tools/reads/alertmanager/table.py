"""READS of Alertmanager: the alerts it has and the silences that keep them quiet, as evidence and as words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tools.clients import Readers
from tools.clients.prometheus import AlertmanagerReader
from tools.errors import PermanentError
from tools.evidence import Evidence, Trust, evidence
from tools.reads.alertmanager import asking
from tools.reads.alertmanager.asking import ActiveAlert, Silence
from tools.reads.read import Read
from tools.values import Value

SHOWN = 40


class Everything(Value):
    """Nothing to choose."""


def silence_line(silence: Silence) -> str:
    """`silenced by bob until 14:00 UTC (service="orders"): deploying`."""
    what = ", ".join(map(str, silence.matchers))
    why = f": {silence.comment}" if silence.comment else ""
    return f"silenced by {silence.created_by or 'somebody'} until {silence.ends_at:%d %b %H:%M} UTC ({what}){why}"


def _alerts(_: Everything, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    found = sorted(asking.alerts(_alertmanager(readers)), key=lambda one: one.starts_at, reverse=True)
    lines = [_line(one) for one in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(f"and {len(found) - SHOWN} more")
    quiet = sum(one.state == "suppressed" for one in found)
    return (
        _text("am_alerts", "alerts", f"{len(found)} alerts fire, {quiet} of them silenced or inhibited", lines, at),
    )


def _silences(_: Everything, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    found = asking.silences(_alertmanager(readers))
    lines = [silence_line(one) for one in found[:SHOWN]]
    return (_text("am_silences", "silences", f"{len(found)} silences", lines, at),)


def _line(alert: ActiveAlert) -> str:
    labels = ", ".join(f'{name}="{value}"' for name, value in sorted(alert.labels.items()))
    return f"{alert.state} since {alert.starts_at:%Y-%m-%d %H:%M} UTC {{{labels}}} {alert.summary}".rstrip()


def _text(tool: str, query: str, summary: str, lines: list[str], at: datetime) -> Evidence:
    excerpt = "\n".join(lines) or "none"
    return evidence(tool=tool, query=query, summary=summary, excerpt=excerpt, at=at, trust=Trust.TEXT)


def _alertmanager(readers: Readers) -> AlertmanagerReader:
    if readers.alertmanager is None:
        raise PermanentError("Alertmanager is not configured (SAYSO_ALERTMANAGER_URL)")
    return readers.alertmanager


READS: tuple[Read[Any], ...] = (
    Read(
        name="am_alerts",
        description="Every alert Alertmanager has now, silenced and inhibited ones too.",
        arguments=Everything,
        run=_alerts,
        permissions=("GET api/v2/alerts",),
    ),
    Read(
        name="am_silences",
        description="Silences: which alerts, by whom, until when, why.",
        arguments=Everything,
        run=_silences,
        permissions=("GET api/v2/silences",),
    ),
)
"""Every read of Alertmanager."""
