"""The record nobody can quietly edit: one entry for every state change, appended in the transaction of that change.

`chain` is the arithmetic, `entries` writes and reads, `checkpoints` signs what `keys` holds the keys for, `proof` walks
it all, and `export` is the same as lines of a file. What is outside the database is `bot.witness`'s.
"""

from __future__ import annotations

from storage.audit.chain import DOMAIN, EPOCH, GENESIS, Link, digest, linked, microseconds, moment_of
from storage.audit.checkpoints import Checkpoint
from storage.audit.entries import BOT, about, append, latest, moment, size, timeline, told
from storage.audit.proof import ChainFault, ChainReport, Mark, verify, verify_all

__all__ = [
    "BOT",
    "DOMAIN",
    "EPOCH",
    "GENESIS",
    "ChainFault",
    "ChainReport",
    "Checkpoint",
    "Link",
    "Mark",
    "about",
    "append",
    "digest",
    "latest",
    "linked",
    "microseconds",
    "moment",
    "moment_of",
    "size",
    "timeline",
    "told",
    "verify",
    "verify_all",
]
