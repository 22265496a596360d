"""Taking alerts: a repeat is counted, an end ends its episode, and what is new gets to its incident."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from storage import audit
from storage.incidents import belonging, storms
from storage.incidents.belonging import Membership
from storage.incidents.news import AlertNews, identity_of
from storage.incidents.reading import firing
from storage.tables import Alert, AlertStatus
from tools.topology import Topology
from tools.values import JsonValue, Value


class Received(Value):
    """What became of an alert. `opened`: its incident needs triage; `quiet`: its last firing alert has resolved.

    `reopened`: an incident that was closed is open again, whether it is looked at again or not.
    """

    alert_id: int
    incident_id: int | None
    opened: bool = False
    quiet: bool = False
    duplicate: bool = False
    reopened: bool = False


def receive(
    session: Session, news: AlertNews, *, channel: str, at: datetime, around: Topology | None = None
) -> Received:
    """Record one delivery of an alert: fold a repeat, join the open incident of its cause, or open one.

    `around` says what depends on what; without it only what is certainly one trouble is put together.
    """
    known = session.exec(
        select(Alert).where(Alert.fingerprint == news.fingerprint, Alert.starts_at == news.starts_at).with_for_update()
    ).one_or_none()
    if known is not None:
        return _seen_again(session, known, news, at)
    if news.status is AlertStatus.RESOLVED:
        return _resolved_episode(session, news, at)
    identity = identity_of(news)
    membership = _membership(session, news, identity, channel, at, around)
    alert = _record(session, news, identity, membership.incident.id, at)
    belonging.remember(session, alert, membership, at)
    payload: dict[str, JsonValue] = {"alert": alert.name}
    if membership.reasons:
        payload["why"] = "; ".join(membership.reasons)
    _audit(session, membership.incident.id or 0, membership.event, at, payload)
    return Received(
        alert_id=alert.id or 0,
        incident_id=membership.incident.id,
        opened=membership.look,
        reopened=membership.event == "incident.reopened",
    )


def _membership(
    session: Session, news: AlertNews, identity: str, channel: str, at: datetime, around: Topology | None
) -> Membership:
    """Where the alert belongs: what is certain first, then what fits, then the storm it is a part of."""
    found = belonging.surely(session, news, identity, at)
    if found is None and around is not None:
        found = belonging.fitting(session, news, identity, at, around)
        if found is None and storms.raging(session, news.environment, at):
            found = storms.fold(session, news, identity, channel, at, around)
    return found or belonging.opened(session, news, identity, channel, at)


def _record(session: Session, news: AlertNews, identity: str, incident_id: int | None, at: datetime) -> Alert:
    fields = news.model_dump(exclude={"environment", "subject", "category"})
    alert = Alert(**fields, incident_id=incident_id, received_at=at, last_seen_at=at, identity=identity)
    session.add(alert)
    session.flush()
    return alert


def _seen_again(session: Session, alert: Alert, news: AlertNews, at: datetime) -> Received:
    alert.last_seen_at = at
    alert.times += news.status is AlertStatus.FIRING
    ended = alert.status == AlertStatus.FIRING and news.status is AlertStatus.RESOLVED
    if ended:
        alert.status, alert.ends_at = AlertStatus.RESOLVED, news.ends_at or at
    session.add(alert)
    session.flush()
    assert alert.id is not None
    if ended and alert.incident_id is not None:
        _audit(session, alert.incident_id, "alert.resolved", at, {"alert": alert.name})
    quiet = ended and alert.incident_id is not None and not firing(session, alert.incident_id)
    return Received(alert_id=alert.id, incident_id=alert.incident_id, quiet=quiet, duplicate=not ended)


def _resolved_episode(session: Session, news: AlertNews, at: datetime) -> Received:
    """A resolution that does not say when it began (CloudWatch says only when it ended): ends what fired until then.

    Deliveries may overtake each other: an old end says nothing about an alert that has begun since.
    """
    firing_then = (
        Alert.fingerprint == news.fingerprint,
        Alert.status == AlertStatus.FIRING,
        col(Alert.starts_at) <= (news.ends_at or news.starts_at),
    )
    alerts = session.exec(select(Alert).where(*firing_then).with_for_update()).all()
    if not alerts:
        unknown = _record(session, news, identity_of(news), None, at)
        assert unknown.id is not None
        return Received(alert_id=unknown.id, incident_id=None)
    return [_seen_again(session, alert, news, at) for alert in alerts][-1]


def _audit(session: Session, incident_id: int, event: str, at: datetime, payload: dict[str, JsonValue]) -> None:
    audit.append(session, actor=audit.BOT, event=event, subject=f"incident:{incident_id}", payload=payload, at=at)
