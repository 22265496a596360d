"""The witness: signs the record every few minutes, puts copies outside, tells its head, and raises the alarm.

It refuses to sign a record that is not what it signed before: a signature over a cut would heal it. What a refused
record means, and what to do, is for people; the witness goes on looking and never repairs.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from math import nan
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.metrics import Metrics
from bot.settings import Settings
from bot.views import record as view
from bot.witness import keyring
from bot.witness.anchor import Anchor, Place
from bot.witness.inspection import Refusal, objection
from bot.witness.memory import Memory, Remembered
from storage import audit, messages
from storage.audit import Checkpoint, checkpoints, proof
from storage.audit.entries import first_at
from storage.audit.keys import Believed, KeyFault, key_id
from storage.database import Database
from tools.clients.aws import AwsWriter
from tools.errors import PermanentError, TemporaryError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

log = structlog.get_logger(__name__)
EVERY = timedelta(minutes=5)
"""Between two checkpoints, also when nothing happens: a gap is evidence."""
ENTRIES = 100
"""So many entries are signed at once, however short the time."""
LOOK_SECONDS = 15
RETRY = timedelta(minutes=1)
"""Between two tries to put a copy outside."""
PROVE = timedelta(hours=1)
"""Between two walks over the whole record."""


def appoint(
    settings: Settings, database: Database, channel: str, metrics: Metrics, now: Callable[[], datetime]
) -> Witness:
    """The witness these settings ask for. Raises KeyFault when the key they name cannot be used."""
    key, path = keyring.signing_key(settings), keyring.key_path(settings)
    if key is None:
        log.warning("audit.unsigned", why=keyring.NO_KEY)
    return Witness(
        database,
        key=key,
        believed=keyring.believed(settings) or {},
        memory=None if path is None else Memory(keyring.memory_path(path)),
        anchor=_anchor(settings),
        channel=channel,
        metrics=metrics,
        now=now,
    )


def _anchor(settings: Settings) -> Anchor | None:
    if settings.audit_anchor is None:
        return None
    return Anchor(Place.of(settings.audit_anchor), AwsWriter.from_profile(settings.writer_aws_profile))


class Witness:
    """Looks at the record every `LOOK_SECONDS`. One a process; several processes make each checkpoint once."""

    def __init__(
        self,
        database: Database,
        *,
        key: Ed25519PrivateKey | None,
        believed: Believed,
        memory: Memory | None,
        anchor: Anchor | None,
        channel: str,
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        own = {} if key is None else {key_id(key.public_key()): key.public_key()}
        self._key, self._believed, self._memory = key, {**believed, **own}, memory
        self._database, self._anchor, self._channel = database, anchor, channel
        self._metrics, self._now = metrics, now
        self._alarms: set[str] = set()
        self._signed_at: datetime | None = None
        metrics.audit_checkpoint_age.set_function(self._age)
        self._told = ""
        self._anchor_at = self._prove_at = datetime.min.replace(tzinfo=UTC)

    def look(self) -> None:
        """Whatever is due: sign, prove, copy, tell."""
        self._sign(ENTRIES)
        self._prove()
        self._copy()
        self._tell()

    def stop(self) -> None:
        """Sign what came since the last checkpoint: what is added while nobody runs is nobody's."""
        try:
            self._sign(1)
        except SQLAlchemyError as error:  # the database went first; the rest of us must still be stopped
            log.warning("audit.not_signed", why=type(error).__name__)

    def _sign(self, enough: int) -> None:
        at = self._now()
        with self._database.reading() as session:
            proof.at_one_moment(session)
            size, head = audit.size(session)
            behind, last = checkpoints.last_id(session), checkpoints.latest_checkpoint(session)
            self._measure(size, last)
            if self._key is None or self._memory is None or not self._has_news(behind, last, size, at, enough):
                return
            refusal = objection(session, self._memory, self._believed)
        if refusal is not None:
            self._alarm(refusal)
            return
        if not _is_due(last, size, at, enough):  # another process signed; we agree
            assert last is not None
            assert behind is not None
            self._remember(last, behind)
            return
        signed = checkpoints.sign(self._key, size=size, head=head, after=last, at=at)
        with self._database.writing() as session:
            number = checkpoints.keep(session, signed, behind)
        if number is not None:  # else another process was faster
            self._remember(signed, number)  # after the commit: else a crash between would look like a removed one
            self._measure(size, signed)

    def _has_news(self, behind: int | None, last: Checkpoint | None, size: int, at: datetime, enough: int) -> bool:
        assert self._memory is not None
        try:
            seen = self._memory.load()
        except KeyFault:
            return True  # and an objection
        return _is_due(last, size, at, enough) or seen is None or seen.checkpoint != behind

    def _remember(self, one: Checkpoint, number: int) -> None:
        assert self._memory is not None
        self._memory.keep(Remembered(size=one.size, head=one.head, checkpoint=number, signature=one.signature))

    def _prove(self) -> None:
        """Walk the whole record, now and then: an old entry that was edited concerns no new signature."""
        at = self._now()
        if at < self._prove_at or self._alarms:  # one alarm is enough; people are looking
            return
        self._prove_at = at + PROVE
        with self._database.reading() as session:
            report = audit.verify_all(session, believed=self._believed if self._key is not None else None)
        if report.fault is not None:
            self._alarm(Refusal(kind="chain", seq=report.fault.seq, fault=report.fault.fault))

    def _alarm(self, refusal: Refusal) -> None:
        """Tell everybody, once: the log, the record itself and the audit channel."""
        key = f"audit:alarm:{refusal.kind}:{refusal.seq if refusal.kind == 'chain' else 0}"
        self._metrics.audit_sound.set(0)
        if key in self._alarms:
            return
        self._alarms.add(key)
        log.error("audit.alarm", entry=refusal.seq, fault=refusal.fault)
        with self._database.writing() as session:
            if messages.find(session, key) is not None:
                return
            at = self._now()
            payload = refusal.model_dump(mode="json")
            audit.append(session, actor=audit.BOT, event="audit.alarm", subject="audit", payload=payload, at=at)
            where = None if self._memory is None else str(self._memory.path)
            body = view.alarm(refusal.seq, refusal.fault, where)
            messages.want(session, key, channel=self._channel, body=body, at=at, priority=1)

    def _copy(self) -> None:
        """Put what was signed since the last copy outside."""
        at = self._now()
        if self._anchor is None or at < self._anchor_at:
            return
        with ExitStack() as held:
            with self._database.reading() as session:
                proof.at_one_moment(session)
                waiting = checkpoints.not_anchored(session)
                if not waiting:
                    return
                first, last = checkpoints.anchored_to(session) + 1, waiting[-1][1].size
                with closing(proof.stored(session, first, last)) as links:
                    record = proof.interleaved(links, [one for _, one in waiting])
                    packed = held.enter_context(self._anchor.packed(record, first, last))
            try:
                self._anchor.put(packed, at)
            except (TemporaryError, PermanentError) as error:
                self._anchor_at = at + RETRY
                log.warning("audit.not_copied", to=str(self._anchor.place), why=str(error))
                return
        with self._database.writing() as session:
            checkpoints.anchored(session, waiting[-1][0], at)

    def _tell(self) -> None:
        """Post the head once a day: without copies outside, people who read it are the only witnesses."""
        at = self._now()
        today = at.astimezone(UTC).date().isoformat()
        if today == self._told or self._alarms:
            return
        midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        with self._database.writing() as session:
            self._told, key = today, f"audit:head:{today}"
            size, head = audit.size(session)
            began = first_at(session)
            if began is None or audit.moment_of(began) >= midnight or messages.find(session, key) is not None:
                return
            body = view.daily_head(size, head[:12], today)
            messages.want(session, key, channel=self._channel, body=body, at=at, priority=9)

    def _measure(self, size: int, last: Checkpoint | None) -> None:
        self._metrics.audit_entries.set(size)
        self._signed_at = None if last is None else audit.moment_of(last.at)

    def _age(self) -> float:
        return nan if self._signed_at is None else (self._now() - self._signed_at).total_seconds()


def _is_due(last: Checkpoint | None, size: int, at: datetime, enough: int) -> bool:
    if last is None:
        return True
    return size - last.size >= enough or at - audit.moment_of(last.at) >= EVERY
