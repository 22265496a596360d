"""More alerts than people can read: what belongs to nothing yet is folded into one incident per environment.

Incidents whose cause was found, or whose fix is being decided, stand on their own. People can take anything out again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import plans
from storage.incidents.apart import absorb
from storage.incidents.belonging import STORM, Membership, take_in
from storage.incidents.news import AlertNews, profile_of
from storage.incidents.reading import alerts_of
from storage.tables import Alert, Incident, IncidentStatus, Message
from tools.correlation import storms
from tools.correlation.profile import Profile
from tools.correlation.storms import Storm
from tools.subjects import Subject
from tools.topology import Topology

MINUTE = timedelta(minutes=1)
COUNTED = 500
"""Most alerts of a storm that its summary is made from, the oldest: where it came from is among those."""


def is_storm(incident: Incident) -> bool:
    """Whether an open incident is its environment's storm."""
    return (incident.open_key or "").endswith(STORM)


def raging(session: Session, environment: str, at: datetime) -> bool:
    """Whether as many new alerts as people can read have come within the last minute."""
    here = select(Alert.received_at).join(Incident, col(Incident.id) == col(Alert.incident_id))
    query = here.where(Incident.environment == environment).order_by(col(Alert.id).desc()).limit(storms.PER_MINUTE)
    newest = session.exec(query).all()
    return len(newest) == storms.PER_MINUTE and min(newest) > at - MINUTE


def fold(
    session: Session, news: AlertNews, identity: str, channel: str, at: datetime, topology: Topology
) -> Membership:
    """The alert joins the storm of its environment; the first one that does opens it."""
    reasons = (f"alert storm: more than {storms.PER_MINUTE} new alerts in a minute",)
    key = f"{news.environment}{STORM}"
    known = session.exec(select(Incident).where(Incident.open_key == key).with_for_update()).one_or_none()
    if known is not None:
        return take_in(session, known, news, at, 0.0, reasons)
    return Membership(
        _opened(session, news, identity, key, channel, at, topology), "incident.opened", True, 0.0, reasons
    )


def storm_of(session: Session, incident_id: int, topology: Topology) -> Storm:
    """What an incident's alerts have in common, and where they may come from."""
    return storms.storm(_profiles(session, incident_id), topology)


def unsettled(session: Session, flaps: int) -> list[Incident]:
    """Open incidents that are drawn less often than they change, and have changed since they were drawn."""
    key = sa.literal("incident:").concat(sa.cast(col(Incident.id), sa.String))
    drawn = select(Message.changed_at).where(Message.key == key).scalar_subquery()
    busy = (col(Incident.open_key).is_not(None), col(Incident.active_at) > drawn)
    crowded = col(Incident.open_key).endswith(STORM) | (col(Incident.flaps) >= flaps)
    return list(session.exec(select(Incident).where(*busy, crowded)))


def _opened(
    session: Session, news: AlertNews, identity: str, key: str, channel: str, at: datetime, topology: Topology
) -> Incident:
    young = _unexplained_since(session, news.environment, at - MINUTE)
    profiles = [profile for one in young for profile in _profiles(session, one.id or 0)]
    incident = Incident(
        title=f"Alert storm in {news.environment}",
        environment=news.environment,
        severity=min([news.severity, *(one.severity for one in young)]),
        status=IncidentStatus.OPEN,
        open_key=key,
        subject=_where_to_look([*profiles, profile_of(news, identity)], young, news, topology),
        opened_at=at,
        active_at=at,
        channel=channel,
        category=news.category,
    )
    session.add(incident)
    session.flush()
    for one in young:
        absorb(session, one, incident, at, reason="it began within the minute before an alert storm")
    return incident


def _unexplained_since(session: Session, environment: str, since: datetime) -> list[Incident]:
    """Incidents of the last minute that nobody has a cause or a plan for: the storm's first drops."""
    here = (Incident.environment == environment, col(Incident.open_key).is_not(None))
    waiting = (IncidentStatus.OPEN, IncidentStatus.INVESTIGATING, IncidentStatus.NEEDS_HUMAN)
    query = select(Incident).where(*here, col(Incident.opened_at) > since, col(Incident.status).in_(waiting))
    found = session.exec(query.order_by(col(Incident.id)).with_for_update()).all()
    unknown = [one for one in found if one.proposal is None or not one.proposal.findings]
    return [one for one in unknown if not plans.of_incident(session, one.id or 0)]


def _where_to_look(
    profiles: list[Profile], young: list[Incident], news: AlertNews, topology: Topology
) -> Subject | None:
    """The subject of the likeliest root, as far as an incident or this alert names it."""
    subjects: dict[str | None, Subject | None] = {one.service: one.subject for one in young if one.subject is not None}
    subjects.setdefault(news.service, news.subject)
    roots = (candidate.name for candidate in storms.root_candidates(profiles, topology))
    return next((subjects[root] for root in roots if root in subjects), news.subject)


def _profiles(session: Session, incident_id: int) -> list[Profile]:
    return [profile_of(alert, alert.identity) for alert in alerts_of(session, incident_id, limit=COUNTED)]
