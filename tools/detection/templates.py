"""Log templates: a thousand lines as the dozen things they say, with counts (a small Drain, He et al. 2017).

Here: mining, and comparing two windows. How templates are shown within a budget belongs to `reducing`. Memory is
bounded whatever comes: so many templates a shape and in all, and what fits none joins the one most like it.

Errors are kept apart more strictly than chatter: two error lines are one template only where they differ in ids,
numbers and the like, never in a plain word (`postgres` and `redis` are two causes).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tools.detection.lines import Level, Line
from tools.detection.masks import masked
from tools.detection.units import Unit, read_unit, units
from tools.values import Value

SIMILAR = 0.4
"""Share of positions that must agree (measured in our detection notes: 40 %)."""
MOST_A_SHAPE = 100
MOST = 1_000
LONGEST_TOKENS = 120
LONGEST_EXAMPLE = 2_000
ANY = "<*>"
OVERFLOW = "<more kinds of lines than are told apart>"
FEWEST, TIMES = 5, 3.0
"""A surge: at least so many lines, and so many times as often as before."""

Shape = tuple[int, str, str]
"""What templates that may be one share: the number of tokens, and the first two."""


class Template(Value):
    """Lines that say the same. `example` is the latest of them, as it is in the log, with its trace if it has one."""

    text: str
    level: Level
    trouble: bool
    """Whether it says that something is wrong."""
    count: int
    example: str
    first: int
    last: int
    """The numbers of the first and the last such line, from 0."""


@dataclass
class _Growing:
    """A template while lines are still coming."""

    tokens: list[str]
    said: Line
    example: str
    first: int
    last: int
    count: int = 0
    earlier: int = 0
    """How many of its lines came before the window that is looked at now."""


class Miner:
    """Templates of one stream of lines, in the order they first appear."""

    def __init__(self) -> None:
        self._shapes: dict[Shape, list[_Growing]] = {}
        self._all: list[_Growing] = []
        self._lines = 0

    def add(self, lines: Sequence[str]) -> None:
        """Read lines, folding what belongs together. Their numbers go on from the lines before."""
        for unit in units(lines):
            said = read_unit(unit)
            tokens = masked(said.text).split()[:LONGEST_TOKENS] or [""]
            self._place(tokens, said, self._lines + unit.first, _example(unit))
        self._lines += len(lines)

    def begin_window(self) -> None:
        """What comes now is told apart from what came before."""
        for one in self._all:
            one.earlier = one.count

    def templates(self) -> tuple[tuple[Template, int], ...]:
        """What was said, and how often of that before the window."""
        return tuple((_finished(one), one.earlier) for one in self._all)

    def _place(self, tokens: list[str], said: Line, number: int, example: str) -> None:
        found = self._home(tokens, said.is_trouble)
        if found is None and len(self._all) >= MOST:
            tokens = [OVERFLOW]
            found = self._home(tokens, strict=False)
        if found is None:
            found = _Growing(tokens, said, example, number, number)
            self._shapes.setdefault(_shape(tokens), []).append(found)
            self._all.append(found)
        elif found.tokens != tokens:
            found.tokens = [one if one == other else ANY for one, other in zip(found.tokens, tokens, strict=True)]
        found.said = max(found.said, said, key=lambda one: (one.is_trouble, one.level))
        found.example, found.last, found.count = example, number, found.count + 1

    def _home(self, tokens: list[str], strict: bool) -> _Growing | None:
        """The template a line belongs to; None where it needs one of its own."""
        own = self._shapes.get(_shape(tokens), [])
        full = len(own) >= MOST_A_SHAPE
        best, most = None, SIMILAR - 1e-9
        for one in own:
            if strict and not full and not _same_words(one.tokens, tokens):
                continue
            agree = sum(map(str.__eq__, one.tokens, tokens)) / len(tokens)
            if agree > most:
                best, most = one, agree
        return own[-1] if best is None and full else best


def mine(lines: Sequence[str]) -> tuple[Template, ...]:
    """The templates of some lines, in the order they first appear."""
    miner = Miner()
    miner.add(lines)
    return tuple(template for template, _ in miner.templates())


class Surge(Value):
    """A template that was there before and is told of much more often now."""

    template: Template
    before: int
    during: int


class Compared(Value):
    """What the lines of a window say that those before it did not, or not so often."""

    new: tuple[Template, ...]
    surging: tuple[Surge, ...]


def compare(before: Sequence[str], during: Sequence[str], *, longer: float = 1.0) -> Compared:
    """What changed between two windows. `longer`: how many times as long the window before is as the one during."""
    miner = Miner()
    miner.add(before)
    miner.begin_window()
    miner.add(during)
    new, surging = [], []
    for template, earlier in miner.templates():
        now = template.count - earlier
        if earlier == 0:
            new.append(template)
        elif now >= FEWEST and now >= TIMES * earlier / longer:
            surging.append(Surge(template=template, before=earlier, during=now))
    return Compared(new=tuple(new), surging=tuple(surging))


def _example(unit: Unit) -> str:
    """A unit as it is in the log; of a very long trace, what it says."""
    whole = "\n".join(unit.lines)
    return whole if len(whole) <= LONGEST_EXAMPLE else "\n".join(unit.sayings())[:LONGEST_EXAMPLE]


def _shape(tokens: list[str]) -> Shape:
    first, second = (tokens[0], tokens[1]) if len(tokens) > 1 else (tokens[0], "")
    return len(tokens), _wild(first), _wild(second)


_CODE = re.compile(r"\W{0,2}(?:[A-Z]{1,12}[-_]?\d{2,6}|(?:[\w.]{0,20}(?:status|code)[=:])?\d{1,5})\W{0,2}")
"""`ORA-00942`, `E1001`, and numbers that no mask took: they name an error."""


def _wild(token: str) -> str:
    """A token that may differ within a shape: any mask, and any with a digit but an error's code (`ORA-00942`)."""
    if token.startswith("<"):
        return ANY
    return ANY if any(letter.isdigit() for letter in token) and not _CODE.fullmatch(token) else token


def _same_words(one: list[str], other: list[str]) -> bool:
    """Whether two lines differ in nothing but ids, numbers and addresses."""
    return all(
        ours in (theirs, ANY) or _wild(ours) == ANY == _wild(theirs) for ours, theirs in zip(one, other, strict=False)
    )


def _finished(one: _Growing) -> Template:
    return Template(
        text=" ".join(one.tokens),
        level=one.said.level,
        trouble=one.said.is_trouble,
        count=one.count,
        example=one.example,
        first=one.first,
        last=one.last,
    )
