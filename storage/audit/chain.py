"""The arithmetic of the hash chain: what one entry's hash is, and whether an entry follows another. Knows no database.

`hash = sha256(domain || RFC 8785 JSON of {seq, at, actor, event, subject, payload, previous_hash})`, where `seq` is a
number, `at` its decimal digits as a text (beyond 2**53 RFC 8785 has no integers) and `payload` the object itself. The
payload is stored in its RFC 8785 letters, so the hashed text is put together from what is stored, letter by letter.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from json.encoder import encode_basestring as quoted
from typing import NamedTuple

import rfc8785

from tools.values import JsonValue

DOMAIN = b"sayso.audit.v1\n"
GENESIS = "0" * 64
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Link(NamedTuple):
    """One entry of the chain as it is stored. `at` is in microseconds since the epoch."""

    seq: int
    at: int
    actor: str
    event: str
    subject: str
    payload: str
    previous_hash: str
    hash: str


def linked(
    *,
    seq: int,
    previous_hash: str,
    at: datetime,
    actor: str,
    event: str,
    subject: str,
    payload: Mapping[str, JsonValue],
) -> Link:
    """The next entry. ValueError for a payload JSON has no canonical letters for: NaN, 2**53, half a character."""
    letters = rfc8785.dumps(dict(payload)).decode()
    unsealed = Link(seq, microseconds(at), actor, event, subject, letters, previous_hash, "")
    return unsealed._replace(hash=digest(unsealed))


def digest(link: Link) -> str:
    """The hash the entry must have, given its own fields and its predecessor's hash."""
    seq, at, actor, event, subject, payload, previous, _ = link
    if not isinstance(at, int):
        raise TypeError("SQLite keeps a text in a column of numbers; between our quotes it could say more than a time")
    body = (
        f'{{"actor":{quoted(actor)},"at":"{at}","event":{quoted(event)},"payload":{payload},'
        f'"previous_hash":"{previous}","seq":{seq},"subject":{quoted(subject)}}}'
    )
    return hashlib.sha256(DOMAIN + body.encode()).hexdigest()


def fault_of(link: Link, seq: int, previous: str | None) -> str | None:
    """What is wrong with an entry that should be number `seq` behind the hash `previous` (None: not known)."""
    if link.seq != seq:
        return f"entry {seq} is missing; the next one is {link.seq}"
    if link.previous_hash != previous and previous is not None:
        return "its predecessor was changed, replaced or reordered"
    try:
        if digest(link) == link.hash:
            return None
    except (TypeError, ValueError):  # no text where text belongs, or half a character in it
        return "its own fields were changed"
    return "its own fields were changed" if _is_json(link.payload) else "its payload is not JSON any more"


def _is_json(letters: str) -> bool:
    try:
        rfc8785.dumps(json.loads(letters))
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def microseconds(at: datetime) -> int:
    """A moment as entries and checkpoints hold it."""
    return (at - EPOCH) // timedelta(microseconds=1)


def moment_of(at: int) -> datetime:
    """The moment these microseconds stand for."""
    return EPOCH + timedelta(microseconds=at)
