"""Which incident an alert belongs to: one that surely has its cause, one that was closed moments ago, or the one it
fits best. Why is kept with it, and what people took apart stays apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import investigations
from storage.incidents.moving import look_again
from storage.incidents.news import AlertNews, correlation_key, profile_of
from storage.incidents.reading import anchor_of
from storage.tables import Alert, Incident, IncidentStatus, Joining
from tools.correlation import scoring
from tools.correlation.scoring import Circle
from tools.evidence import Proposal, Severity
from tools.radius import BlastRadius
from tools.resources import Provider, Resource
from tools.topology import Topology

BACK = timedelta(minutes=10)
"""Resolved and firing again within this is the same trouble."""
FLAPPING = 3
"""From so many returns on it is not looked at each time."""
SETTLE = timedelta(minutes=5)
"""How long a flapping incident's last look counts before the next return is looked at again."""
OF_THEIR_OWN = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "Service", "Ingress", "HorizontalPodAutoscaler"}
)
"""Kinds whose trouble is their own. Nodes, volumes, registries, DNS and webhooks take others with them."""
CIRCLE_ALERTS = 200
"""Most alerts compared with a new one, the newest."""
STORM = ":storm"
"""How the key of a storm's incident ends."""


@dataclass(frozen=True)
class Membership:
    """The incident an alert belongs to, how surely, and why. `look`: it has to be investigated (again)."""

    incident: Incident
    event: str
    look: bool
    score: float = 0.0
    reasons: tuple[str, ...] = ()


def surely(session: Session, news: AlertNews, identity: str, at: datetime) -> Membership | None:
    """The incident that is certainly this alert's: the same alert or the same workload, open or closed moments ago."""
    apart = kept_apart(session, identity)
    for incident in _open_with(session, news, identity):
        if not _is_apart(session, incident.id, apart):
            return take_in(session, incident, news, at, 10.0, ("the same alert again",))
    key = correlation_key(news)
    known = session.exec(select(Incident).where(Incident.open_key == key).with_for_update()).one_or_none()
    if known is not None and not _is_apart(session, known.id, apart):
        return take_in(session, known, news, at, 10.0, (f"same workload, {key.rpartition(':')[2]}",))
    return _back(session, news, identity, at)


def fitting(session: Session, news: AlertNews, identity: str, at: datetime, topology: Topology) -> Membership | None:
    """The open incident of the same environment that the alert fits well enough to be put into it."""
    apart = kept_apart(session, identity)
    near = _circles(session, news.environment, at)
    circles = [one for one in near if not _is_apart(session, one.incident_id, apart)]
    match = scoring.best(profile_of(news, identity), circles, topology)
    if match is None:
        return None
    incident = session.exec(select(Incident).where(Incident.id == match.incident_id).with_for_update()).one()
    return take_in(session, incident, news, at, match.score, match.reasons)


def take_in(
    session: Session, incident: Incident, news: AlertNews, at: datetime, score: float, reasons: tuple[str, ...]
) -> Membership:
    """The alert joins an open incident. A plan that people are asked about is left alone, whatever joins.

    It is looked at again where the fix was thought to hold, and where nothing was found and this alert names something
    that was not looked at.
    """
    incident.severity, incident.active_at = min(Severity(incident.severity), news.severity), at
    was_fixed, again = incident.status == IncidentStatus.MITIGATED, _why_look_again(incident, news)
    if again is not None:
        incident.subject = news.subject if incident.status == IncidentStatus.NEEDS_HUMAN else incident.subject
        look_again(session, incident, again)
    elif incident.subject is None and incident.status == IncidentStatus.OPEN:
        incident.subject = news.subject  # nobody has begun to look: look there
    session.add(incident)
    event = "incident.reopened" if was_fixed else "incident.joined"
    return Membership(incident, event, again is not None, score, reasons)


def opened(session: Session, news: AlertNews, identity: str, channel: str, at: datetime) -> Membership:
    """A new incident for the alert."""
    incident = Incident(
        title=news.annotations.get("summary") or news.name,
        service=news.service,
        environment=news.environment,
        severity=news.severity,
        status=IncidentStatus.OPEN,
        open_key=free_key(session, correlation_key(news), identity),
        subject=news.subject,
        opened_at=at,
        active_at=at,
        channel=channel,
        category=news.category,
    )
    session.add(incident)
    session.flush()
    return Membership(incident, "incident.opened", look=True)


def free_key(session: Session, key: str, identity: str) -> str:
    """The key, or one of the alert's own where an incident that it is kept apart from has it."""
    taken = session.exec(select(Incident.id).where(Incident.open_key == key)).first()
    return key if taken is None else f"{key}:apart:{identity}"


def remember(session: Session, alert: Alert, membership: Membership, at: datetime) -> None:
    """Keep why the alert is where it is."""
    incident_id = membership.incident.id or 0
    joining = Joining(
        alert_id=alert.id or 0,
        incident_id=incident_id,
        identity=alert.identity,
        anchor=anchor_of(session, incident_id) or alert.identity,
        score=membership.score,
        reasons=membership.reasons,
        at=at,
    )
    session.add(joining)
    session.flush()


def kept_apart(session: Session, identity: str) -> frozenset[str]:
    """The alerts that people took this one apart from, either way round. The latest word about a pair counts."""
    pair = sa.or_(col(Joining.identity) == identity, col(Joining.anchor) == identity)
    apart: dict[str, bool] = {}
    for joining in session.exec(select(Joining).where(pair).order_by(col(Joining.id))):
        other = joining.anchor if joining.identity == identity else joining.identity
        apart[other] = joining.undone_at is not None
    return frozenset(other for other, taken_out in apart.items() if taken_out and other != identity)


def _is_apart(session: Session, incident_id: int | None, apart: frozenset[str]) -> bool:
    """Whether people took the alert apart from the one that opened this incident. Mostly they took nothing apart."""
    return bool(apart) and anchor_of(session, incident_id or 0) in apart


def latest_memberships(session: Session, incident_id: int, limit: int = 30) -> list[tuple[str, Joining]]:
    """The latest alerts that joined an incident, by name, each once with why; oldest first."""
    there = (Joining.incident_id == incident_id, col(Joining.undone_at).is_(None))
    query = select(Alert.name, Joining).join(Joining, col(Joining.alert_id) == col(Alert.id)).where(*there)
    anchor = anchor_of(session, incident_id)
    newest = session.exec(query.where(Joining.identity != anchor).order_by(col(Joining.id).desc()).limit(limit))
    by_identity = {joining.identity: (name, joining) for name, joining in reversed(newest.all())}
    return list(by_identity.values())


def memberships(session: Session, incident_id: int) -> dict[str, Joining]:
    """The latest reason each alert (by identity) is in the incident; the alert that opened it is not among them."""
    anchor = anchor_of(session, incident_id)
    there = (Joining.incident_id == incident_id, col(Joining.undone_at).is_(None), Joining.identity != anchor)
    found = session.exec(select(Joining).where(*there).order_by(col(Joining.id)))
    return {one.identity: one for one in found}


def _open_with(session: Session, news: AlertNews, identity: str) -> list[Incident]:
    """Open incidents that hold this very alert, the newest first."""
    holding = select(Alert.incident_id).where(Alert.identity == identity)
    here = (col(Incident.id).in_(holding), col(Incident.open_key).is_not(None))
    query = select(Incident).where(*here, Incident.environment == news.environment).order_by(col(Incident.id).desc())
    return list(session.exec(query.with_for_update()))


def _back(session: Session, news: AlertNews, identity: str, at: datetime) -> Membership | None:
    """The incident of this alert that was resolved moments ago, open again: no new thread for the same trouble."""
    holding = select(Alert.incident_id).where(Alert.identity == identity)
    lately = (Incident.status == IncidentStatus.RESOLVED, col(Incident.resolved_at) >= at - BACK)
    query = select(Incident).where(col(Incident.id).in_(holding), *lately, col(Incident.merged_into).is_(None))
    apart = kept_apart(session, identity)
    for incident in session.exec(query.order_by(col(Incident.id).desc()).with_for_update()):
        soon = incident.resolved_at is not None and news.starts_at - incident.resolved_at <= BACK
        ours = incident.environment == news.environment and not _is_apart(session, incident.id, apart)
        if soon and ours:
            return _reopened(session, incident, news, identity, at)
    return None


def _reopened(session: Session, incident: Incident, news: AlertNews, identity: str, at: datetime) -> Membership:
    incident.flaps, incident.active_at, incident.resolved_at = incident.flaps + 1, at, None
    incident.open_key = free_key(session, correlation_key(news), identity)
    incident.severity = min(Severity(incident.severity), news.severity)
    look = incident.flaps < FLAPPING or not _looked_since(session, incident, at - SETTLE)
    if look:
        look_again(session, incident, _flapping(incident, at))
    else:
        incident.status = IncidentStatus.NEEDS_HUMAN
        incident.note = (
            f"{_flapping(incident, at)} Looked at just before, so not again now; Look again does it at once."
        )
        session.add(incident)
        session.flush()
    return Membership(incident, "incident.reopened", look, 10.0, (f"the same alert, back within {_minutes(BACK)} min",))


def _flapping(incident: Incident, at: datetime) -> str:
    if incident.flaps == 1:
        return "It is back: it had cleared, and the same alert fires again."
    return f"It is back, for the {_ordinal(incident.flaps)} time in {_minutes(at - incident.opened_at)} min: flapping."


def _looked_since(session: Session, incident: Incident, since: datetime) -> bool:
    latest = investigations.of_look(session, incident.id or 0, incident.looks)
    return latest is not None and latest.started_at > since


def _why_look_again(incident: Incident, news: AlertNews) -> str | None:
    if incident.status == IncidentStatus.MITIGATED:
        return "It is back: a new alert fired after the fix was verified."
    found_nothing = incident.proposal is None or not incident.proposal.findings
    elsewhere = news.subject is not None and news.subject != incident.subject
    if incident.status == IncidentStatus.NEEDS_HUMAN and found_nothing and elsewhere:
        return f"Nothing was found at first; {news.name} joined and says where else to look."
    return None


def _circles(session: Session, environment: str, at: datetime) -> list[Circle]:
    """The open incidents a new alert may join, the most lately active first; no storm, which would take in all."""
    young = (col(Incident.active_at) >= at - scoring.ACTIVE, col(Incident.opened_at) >= at - scoring.LONGEST)
    here = (col(Incident.environment) == environment, col(Incident.open_key).is_not(None), *young)
    seen = (col(Incident.proposal), col(Incident.changes), col(Incident.radius))
    wanted = (col(Incident.id), col(Incident.open_key), *seen)
    columns = sa.select(*wanted).where(*here)  # the rest of the row is long
    found = session.execute(columns.order_by(col(Incident.active_at).desc(), col(Incident.id).desc())).all()
    ours = [one for one in found if not (one[1] or "").endswith(STORM)]
    members = _newest_alerts(session, [one[0] for one in ours])
    return [
        Circle(
            incident_id=number,
            alerts=tuple(profile_of(alert, alert.identity) for alert in members if alert.incident_id == number),
            changes=tuple(one for one in changes or () if one.resource in _blamed(proposal)),
            affected=_carried_away(proposal, radius),
        )
        for number, _key, proposal, changes, radius in ours
    ]


def _blamed(proposal: Proposal | None) -> frozenset[Resource]:
    """What an incident is put down to. Whatever else changed in its namespace has nothing to do with it."""
    return frozenset(finding.resource for finding in proposal.findings) if proposal is not None else frozenset()


def _carried_away(proposal: Proposal | None, radius: BlastRadius | None) -> tuple[Resource, ...]:
    """What is ill because the cause is. Of a workload's own trouble that is nothing else: a neighbour's is its own."""
    shared = [one for one in _blamed(proposal) if one.provider is Provider.AWS or one.kind not in OF_THEIR_OWN]
    return tuple(one.resource for one in radius.affected) if shared and radius is not None else ()


def _newest_alerts(session: Session, incident_ids: list[int]) -> list[Alert]:
    query = select(Alert).where(col(Alert.incident_id).in_(incident_ids)).order_by(col(Alert.id).desc())
    return list(session.exec(query.limit(CIRCLE_ALERTS)))


def _minutes(span: timedelta) -> int:
    return max(1, round(span.total_seconds() / 60))


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number}{ending}"
