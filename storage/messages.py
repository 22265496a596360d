"""The outbox: what each logical message should say, and which rendering of it Slack has. Posting is `bot.slack`'s."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
import sqlalchemy.orm
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from storage.tables import Message

TAKE_OVER = timedelta(seconds=10)
"""After this long, whoever set out to post a message is taken for dead."""


def want(
    session: Session,
    key: str,
    *,
    channel: str,
    body: Mapping[str, object],
    at: datetime,
    thread_key: str | None = None,
    thread_ts: str | None = None,
    priority: int = 5,
) -> None:
    """The message `key` should now say this. The first wish posts it, later ones edit it in place; the last wins."""
    wanted = json.dumps(body, sort_keys=True, ensure_ascii=False)
    message = session.exec(select(Message).where(Message.key == key).with_for_update()).one_or_none()
    if message is None:
        message = Message(
            key=key,
            channel=channel,
            thread_key=thread_key,
            thread_ts=thread_ts,
            wanted=wanted,
            priority=priority,
            changed_at=at,
        )
    elif message.wanted != wanted:
        message.wanted, message.wanted_render, message.changed_at = wanted, message.wanted_render + 1, at
        message.error = None
    session.add(message)
    session.flush()


def render_number(session: Session, key: str) -> int:
    """The number the next rendering of the message gets; block ids carry it, so that old input state never sticks."""
    message = session.get(Message, key)
    return 1 if message is None else message.wanted_render + 1


def due(session: Session) -> list[Message]:
    """Messages Slack does not show as wanted yet, most urgent first, whose thread (if any) exists."""
    return list(session.exec(_due()))


@functools.cache
def _due() -> SelectOfScalar[Message]:
    """The question behind `due`, made once: it is asked ten times a second."""
    parent = sa.orm.aliased(Message)
    return (
        select(Message)
        .outerjoin(parent, col(parent.key) == col(Message.thread_key))
        .where(
            col(Message.wanted_render) > col(Message.posted_render),
            col(Message.error).is_(None),
            sa.or_(col(Message.thread_key).is_(None), col(parent.ts).is_not(None)),
        )
        .order_by(col(Message.priority), col(Message.changed_at))
    )


def set_out(session: Session, message: Message, owner: str, at: datetime) -> bool:
    """Whether the caller is the one to bring this message up to date. Who died doing so is taken over after a while."""
    free = sa.or_(
        col(Message.claimed_by).is_(None), col(Message.claimed_by) == owner, col(Message.claimed_at) <= at - TAKE_OVER
    )
    behind = col(Message.posted_render) < message.wanted_render
    mine = session.execute(
        sa.update(Message).where(col(Message.key) == message.key, behind, free).values(claimed_by=owner, claimed_at=at)
    )
    return bool(mine.rowcount == 1)  # type: ignore[attr-defined]


def give_back(session: Session, key: str) -> None:
    """Slack certainly did not take it: anybody may try again."""
    session.execute(sa.update(Message).where(col(Message.key) == key).values(claimed_by=None, claimed_at=None))


def posted(session: Session, key: str, *, render: int, ts: str) -> None:
    """Slack shows this rendering, under this timestamp."""
    session.execute(
        sa.update(Message)
        .where(col(Message.key) == key, col(Message.posted_render) < render)
        .values(posted_render=render, ts=ts)
    )
    give_back(session, key)


def undeliverable(session: Session, key: str, error: str) -> None:
    """Slack will not take this rendering; it waits for the next wish."""
    session.execute(
        sa.update(Message).where(col(Message.key) == key).values(error=error, claimed_by=None, claimed_at=None)
    )


def find(session: Session, key: str) -> Message | None:
    """The logical message, if it was ever wanted."""
    return session.get(Message, key)
