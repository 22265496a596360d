"""What sayso is reminded of: resolved incidents and runbooks, found by their words, and by vectors where there are any.

The database finds what shares a word (FTS5 on SQLite, tsvector on PostgreSQL); what of that is worth showing is
decided here, the same way for both. User text is never search syntax: every word is quoted.
"""

from __future__ import annotations

import hashlib
import math
import re
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import mul
from typing import Literal, cast

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.tables import Likeness, Memory

Kind = Literal["incident", "runbook"]
STOP = (
    "a about after again all also an and any are as at be because been before but by can could did do does for from had"
    " has have how if in into is it its just me more most no not now of off on once only or other our out over own same"
    " so some such than that the their them then there these they this to too under until up was we were what when"
    " where which while who why will with would you your alert alerts alerting firing resolved high low severity"
    " minutes minute last since been warning critical error info prod production"
)
STOP_WORDS = frozenset(STOP.split())
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|(?<![0-9])[0-9]{3}(?![0-9])")
"""Words, and numbers such as 137 or 503; camel case is taken apart."""
ENDINGS = re.compile(r"(?<=[a-z]{3})(ings?|ed|es|s|ion|ions)$")
MOST_WORDS, CANDIDATES = 40, 100
LEAST_SHARED, LEAST_SHARED_AT_HOME, LEAST_SHARE = 3, 2, 0.15
"""The floor: so many telling words (fewer for the same service), and so large a share of those looked for."""
SAME_SERVICE = 1.5
K = 60
"""Reciprocal rank fusion's constant (detection fact sheet, section 8)."""
CLOSE = 0.5
"""A cosine below this is no likeness."""
SHOWN_WORDS = 6
_FTS = (
    "SELECT rowid FROM memory_words WHERE memory_words MATCH :words "
    "ORDER BY bm25(memory_words, 4.0, 2.0, 1.0, 1.0) LIMIT :most"
)
_GLUED = "to_tsvector('english', title || ' ' || service || ' ' || body || ' ' || coalesce(fix, ''))"  # as the index
_TSVECTOR = (
    f"SELECT id FROM memory WHERE {_GLUED} @@ to_tsquery('english', :words) "
    f"ORDER BY ts_rank({_GLUED}, to_tsquery('english', :words)) DESC, id DESC LIMIT :most"
)


@dataclass(frozen=True)
class Remembered:
    """Something to be reminded of, as it is kept; its text must have been redacted."""

    kind: Kind
    ref: str
    title: str
    service: str
    body: str
    fix: str | None
    url: str | None
    at: datetime
    verified: bool

    @property
    def digest(self) -> str:
        """Changes when what is indexed changes."""
        parts = (self.title, self.service, self.body, self.fix or "", self.url or "", str(self.verified))
        return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def keep(session: Session, remembered: Remembered) -> bool:
    """Write it down, or anew where it has changed. False when it was known just so."""
    same = (Memory.kind == remembered.kind, Memory.ref == remembered.ref)
    known = session.exec(select(Memory).where(*same).with_for_update()).one_or_none()
    if known is not None and known.digest == remembered.digest:
        return False
    if known is not None:
        session.delete(known)  # with its vector, which is of another text
        session.flush()
    session.add(Memory(**vars(remembered), digest=remembered.digest))
    session.flush()
    return True


def forget_others(session: Session, kind: Kind, refs: Collection[str]) -> int:
    """Drop what is not there any more; how many that were."""
    gone = session.exec(select(Memory).where(Memory.kind == kind, col(Memory.ref).not_in(refs))).all()
    for row in gone:
        session.delete(row)
    session.flush()
    return len(gone)


def search(
    session: Session,
    words: str,
    service: str | None,
    limit: int = 3,
    *,
    without: Collection[str] = (),
    vector: Sequence[float] | None = None,
    model: str = "",
) -> tuple[Likeness, ...]:
    """What reads like these words, best first; nothing where nothing is alike enough. `without` names refs to skip.

    With the vector of the words, by `model`, what is close in meaning is found too, and the two orders are fused.
    """
    by_words = [hit for hit in _by_words(session, words, service) if hit.row.ref not in without]
    ranks: list[list[int]] = [[hit.row.id or 0 for hit in by_words]]
    rows: dict[int, Memory] = {hit.row.id or 0: hit.row for hit in by_words}
    matched: dict[int, str] = {hit.row.id or 0: hit.matched for hit in by_words}
    if vector is not None:
        close = [row for row in _by_meaning(session, vector, model) if row.ref not in without]
        ranks.append([row.id or 0 for row in close])
        rows |= {row.id or 0: row for row in close}
    best = sorted(rows, key=lambda number: (-_fused(number, ranks), -number))
    return tuple(_likeness(rows[number], matched.get(number, "close in meaning")) for number in best[:limit])


def terms(text: str) -> tuple[str, ...]:
    """The telling words of a text, each once, in the order they come."""
    found = (word.lower() for word in WORD.findall(text[:20_000]))
    return tuple(dict.fromkeys(word for word in found if len(word) > 2 and word not in STOP_WORDS))[:MOST_WORDS]


def without_vector(session: Session, model: str, limit: int) -> list[tuple[int, str]]:
    """What has no vector by this model yet: ids and texts."""
    old = sa.or_(col(Memory.embedding_model).is_(None), col(Memory.embedding_model) != model)
    rows = session.exec(select(Memory).where(old).order_by(col(Memory.id).desc()).limit(limit))
    return [(row.id or 0, f"{row.title}\n{row.service}\n{row.body}") for row in rows]


def keep_vectors(session: Session, vectors: Mapping[int, Sequence[float]], model: str) -> None:
    """Keep vectors beside the texts they are of."""
    for number, vector in vectors.items():
        values = {"embedding": array("f", vector).tobytes(), "embedding_model": model}
        session.execute(sa.update(Memory).where(col(Memory.id) == number).values(**values))


@dataclass(frozen=True)
class _Hit:
    row: Memory
    score: float
    matched: str


def _by_words(session: Session, words: str, service: str | None) -> list[_Hit]:
    wanted = {_stem(word): word for word in terms(words)}
    found = _candidates(session, wanted.values())
    held = {row.id: {_stem(word) for word in _words_of(row)} & wanted.keys() for row in found}
    spread = Counter(stem for stems in held.values() for stem in stems)
    weight = {stem: math.log(1 + (len(found) - n + 0.5) / (n + 0.5)) for stem, n in spread.items()}
    hits = []
    for row in found:
        shared, at_home = held[row.id], service is not None and service in row.service.split()
        least = LEAST_SHARED_AT_HOME if at_home else LEAST_SHARED
        if len(shared) < max(least, LEAST_SHARE * len(wanted)):
            continue
        # Of words that are equally rare the longer one says more; the last part only makes it repeatable.
        telling = sorted(shared, key=lambda stem: (-weight[stem], -len(wanted[stem]), stem))
        score = sum(weight[stem] for stem in shared) * (SAME_SERVICE if at_home else 1.0)
        hits.append(_Hit(row, score, ", ".join(wanted[stem] for stem in telling[:SHOWN_WORDS])))
    return sorted(hits, key=lambda hit: (-hit.score, -(hit.row.id or 0)))


def _candidates(session: Session, words: Iterable[str]) -> Sequence[Memory]:
    """What shares any of the words, as far as the database ranks it first."""
    listed = list(words)
    if not listed:
        return []
    sqlite = session.connection().dialect.name == "sqlite"
    said = " OR ".join(f'"{word}"' for word in listed) if sqlite else " | ".join(f"'{word}'" for word in listed)
    query = sa.text(_FTS if sqlite else _TSVECTOR)
    numbers = session.execute(query, {"words": said, "most": CANDIDATES}).scalars().all()
    return session.exec(select(Memory).where(col(Memory.id).in_(numbers)).order_by(col(Memory.id))).all()


def _by_meaning(session: Session, vector: Sequence[float], model: str) -> list[Memory]:
    rows = session.execute(
        sa.select(col(Memory.id), col(Memory.embedding)).where(Memory.embedding_model == model)  # type: ignore[arg-type]
    ).all()
    near = [(_cosine(vector, array("f", blob)), number) for number, blob in rows if blob]
    best = [number for closeness, number in sorted(near, reverse=True)[:20] if closeness >= CLOSE]
    found = {row.id or 0: row for row in session.exec(select(Memory).where(col(Memory.id).in_(best)))}
    return [found[number] for number in best]


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    if len(one) != len(other):
        return 0.0
    lengths = math.sqrt(sum(map(mul, one, one))) * math.sqrt(sum(map(mul, other, other)))
    return sum(map(mul, one, other)) / lengths if lengths else 0.0


def _fused(number: int, ranks: Sequence[Sequence[int]]) -> float:
    return sum(1 / (K + ranked.index(number) + 1) for ranked in ranks if number in ranked)


def _words_of(row: Memory) -> tuple[str, ...]:
    said = f"{row.title} {row.service} {row.body} {row.fix or ''}"
    return tuple(word.lower() for word in WORD.findall(said))


def _stem(word: str) -> str:
    return ENDINGS.sub("", word)


def _likeness(row: Memory, matched: str) -> Likeness:
    kind = cast(Kind, row.kind)
    fix = row.fix if row.verified else None
    return Likeness(kind=kind, ref=row.ref, title=row.title, fix=fix, matched=matched, url=row.url, at=row.at)
