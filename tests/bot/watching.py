"""A witness over a record, and what tests do to that record: the chain's own tests of it are in `tests.storage`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.metrics import Metrics
from bot.witness import Witness
from bot.witness.anchor import Anchor
from bot.witness.memory import Memory
from storage import audit, messages
from storage.audit import checkpoints
from storage.database import Database
from storage.tables import Message
from tests.bot.desks import Clock
from tests.storage.records import unguarded

CHANNEL = "C0AUDIT001"


@dataclass
class Watch:
    """A witness over a record, and what a test steers it by."""

    database: Database
    folder: Path
    clock: Clock
    key: Ed25519PrivateKey
    witness: Witness
    metrics: Metrics

    def colleague(self, *, folder: str | None = None, anchor: Anchor | None = None) -> Watch:
        """Another process with the same key: on this machine, or with a folder, and so a memory, of its own."""
        where = self.folder if folder is None else self.folder / folder
        where.mkdir(exist_ok=True)
        metrics = Metrics()
        witness = Witness(
            self.database,
            key=self.key,
            believed={},
            memory=Memory(where / "sayso.audit.seen"),
            anchor=anchor,
            channel=CHANNEL,
            metrics=metrics,
            now=self.clock,
        )
        return Watch(self.database, where, self.clock, self.key, witness, metrics)

    def add(self, count: int = 1) -> None:
        with self.database.writing() as session:
            for number in range(count):
                audit.append(session, actor="U1", event="e", subject="plan:1", payload={"n": number}, at=self.clock())

    def signed(self) -> list[int]:
        """The sizes that were signed, in order."""
        with self.database.reading() as session:
            return [one.size for one in checkpoints.all_checkpoints(session)]

    def tamper(self, *statements: str) -> None:
        with self.database.engine.begin() as connection:
            for statement in (*unguarded(connection), *statements):
                connection.exec_driver_sql(statement)

    def alarms(self) -> list[str]:
        with self.database.reading() as session:
            return [
                json.loads(one.payload)["fault"] for one in audit.latest(session, 100) if one.event == "audit.alarm"
            ]

    def told(self, key: str) -> Message | None:
        with self.database.reading() as session:
            return messages.find(session, key)


def watch_over(database: Database, folder: Path) -> Watch:
    """A witness whose key is new and whose memory is empty."""
    bare = Watch(database, folder, Clock(), Ed25519PrivateKey.generate(), None, Metrics())  # type: ignore[arg-type]
    return bare.colleague()


def cut(watch: Watch) -> None:
    watch.tamper(
        "DELETE FROM audit WHERE seq > 5",
        "UPDATE audit_head SET seq = 5, hash = (SELECT hash FROM audit WHERE seq = 5)",
    )


def cut_with_checkpoints(watch: Watch) -> None:
    cut(watch)
    watch.tamper("DELETE FROM audit_checkpoint WHERE size > 5")
