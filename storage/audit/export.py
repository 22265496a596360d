"""The record as lines of a file, one entry or checkpoint a line, and back: for verifying without the database.

Each checkpoint comes behind the entry it covers. An entry's payload is a text, so that its very letters are kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import IO

from storage.audit.chain import Link
from storage.audit.checkpoints import Checkpoint

KINDS: dict[str, type[Link] | type[Checkpoint]] = {"entry": Link, "checkpoint": Checkpoint}


class Unreadable(Exception):
    """A file that does not hold the record as `sayso audit export` or the anchor writes it."""


def line(one: Link | Checkpoint) -> str:
    """One line, without its end."""
    kind = "entry" if isinstance(one, Link) else "checkpoint"
    return json.dumps({"kind": kind, **one._asdict()}, ensure_ascii=False, separators=(",", ":"))


def written(record: Iterable[Link | Checkpoint]) -> Iterator[str]:
    """The lines, with their ends."""
    for one in record:
        yield line(one) + "\n"


def read(lines: Iterable[str] | IO[str], name: str) -> Iterator[Link | Checkpoint]:
    """What the lines hold. Unreadable naming the first line that holds nothing of ours."""
    for number, text in enumerate(lines, start=1):
        try:
            fields = json.loads(text)
            made = KINDS[fields.pop("kind")](**fields)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Unreadable(f"line {number} of {name} is no line of an audit export") from error
        if not _well_formed(made):
            raise Unreadable(f"line {number} of {name} has a value of the wrong kind")
        yield made


def _well_formed(made: Link | Checkpoint) -> bool:
    """Numbers where numbers belong and texts elsewhere: what is hashed and signed is put together from them."""
    numbers = {"seq", "at", "size"}
    return all(type(value) is (int if name in numbers else str) for name, value in made._asdict().items())
