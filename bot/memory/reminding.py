"""What an incident is like: earlier ones and runbooks, found after it was looked into. Also keeps memory up to date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import structlog

from bot.desk import Desk
from bot.investigation.rules import Conclusion
from bot.memory import remembering, runbooks
from bot.memory.vectors import catch_up, vectors
from bot.naming import incident_name
from storage import memory, messages
from storage.tables import Alert, Incident, Likeness

log = structlog.get_logger(__name__)
SHOWN = 3
AT_ONCE = 50
"""Incidents remembered in one round, where many were missed."""


def remind(incident: Incident, alerts: Sequence[Alert], conclusion: Conclusion, desk: Desk) -> tuple[Likeness, ...]:
    """What this incident reads like, best first. Asks other services, so never inside a transaction that writes."""
    words = "\n".join(_words(incident, alerts, conclusion))
    embedder = desk.library.embedder
    found = vectors([words], embedder) if embedder is not None else None
    with desk.database.reading() as session:
        likenesses = memory.search(
            session,
            words,
            incident.service,
            SHOWN,
            without=(incident_name(incident.id),),
            vector=found[0] if found else None,
            model=embedder.model if embedder is not None else "",
        )
    return tuple(_with_link(one, desk) for one in likenesses)


def keep_up(desk: Desk) -> None:
    """Remember what was missed, read the runbooks again, and get vectors for what is new."""
    with desk.database.reading() as session:
        waiting = remembering.missed(session, AT_ONCE)
    if waiting:
        with desk.database.writing() as session:
            for number in waiting:
                remembering.remember(session, number, desk.now())
    if desk.library.runbooks is not None:
        _read_runbooks(desk)
    catch_up(desk)


def _read_runbooks(desk: Desk) -> None:
    folder = desk.library.runbooks
    if folder is None or not folder.is_dir():
        log.warning("runbooks.missing", folder=str(folder))
        return
    found = runbooks.found(folder)  # before the transaction: a folder may be far away
    with desk.database.writing() as session:
        changed = runbooks.index(session, found)
    if changed:
        log.info("runbooks.indexed", changed=changed)


def _words(incident: Incident, alerts: Sequence[Alert], conclusion: Conclusion) -> Iterator[str]:
    """The cause first: only so many words are looked for."""
    yield incident.title
    for finding in conclusion.proposal.findings[:3]:
        yield f"{finding.title} {finding.code.partition('.')[2].replace('_', ' ')}"
    yield conclusion.proposal.hypothesis if conclusion.proposal.findings else ""
    for alert in alerts[:5]:
        yield f"{alert.name} {alert.annotations.get('summary', '')}"
    yield incident.category or ""
    yield incident.service or ""


def _with_link(likeness: Likeness, desk: Desk) -> Likeness:
    """A link to the incident's own thread, where Slack gives one."""
    if likeness.kind != "incident":
        return likeness
    with desk.database.reading() as session:
        root = messages.find(session, f"incident:{likeness.ref.removeprefix('INC-')}")
    if root is None or root.ts is None:
        return likeness
    return likeness.model_copy(update={"url": desk.people.permalink(root.channel, root.ts)})
