"""Which lines of a log belong together: a stack trace, a pretty-printed JSON object, a wrapped message is one unit.

Java, Python, Go and Node write their traces each in their own way; everything indented belongs to what is above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tools.detection.lines import LONGEST, Level, Line, read, without_stamp

MOST_LINES = 300
"""Lines of one unit; what follows begins another."""

_INDENTED = re.compile(r"[ \t]+\S")
_CAUSE = re.compile(r"(?:Caused by|Suppressed|Wrapped by): |\.\.\. \d+ (?:more|common frames)|--- End of ")
_EXCEPTION = re.compile(
    r"(?:[\w$]+\.){0,12}[A-Z]?[\w$]*(?:Error|Exception|Throwable|Exit|Interrupt|Warning|Timeout|Failure)(?:: |:?$)"
)
_TRACEBACK = re.compile(r"Traceback \(most recent call last\)|(?:During handling of|The above exception)")
_GO = re.compile(
    r"goroutine \d+ \[|created by |\[signal |[\w./*()\[\]{}-]+\((?:0x|\{0x|\.\.\.|\)|\[)"
    r"|exit status \d+$|\[recovered\]|runtime\."
)
_NODE_HEAD = re.compile(r"(?:node:|file://|/)\S{1,300}:\d+$")
_FRAME = re.compile(r"[ \t]+(?:at |File \"|\.\.\. |~?\^+|in |from )|[ \t]*(?:\^+|\.\.\. \d+ more)")


@dataclass
class Unit:
    """Lines that say one thing together; `first` is the number of the first one, from 0."""

    first: int
    lines: list[str] = field(default_factory=list)

    @property
    def head(self) -> Line:
        """What its first line says, and how bad."""
        return read(self.lines[0])

    def sayings(self) -> list[str]:
        """Its lines without stack frames: the message, and each exception and cause that follows it."""
        return [self.lines[0], *(one.strip() for one in self.lines[1:] if _says_something(one))]


def read_unit(unit: Unit) -> Line:
    """A unit as one line: its message, and for a trace the exceptions it ends in."""
    if len(unit.lines) > 1 and unit.lines[0].strip() == "{":
        return read(" ".join(one.strip() for one in unit.lines)[:LONGEST])
    head = unit.head
    if len(unit.lines) == 1:
        return head
    more = [one for one in (without_stamp(each[:LONGEST]) for each in unit.sayings()[1:]) if one != head.text]
    traced = any(_FRAME.match(one) for one in unit.lines[1:]) or any(_EXCEPTION.match(one) for one in more)
    level = Level.ERROR if head.level is Level.UNKNOWN and traced else head.level
    return Line(level, " | ".join((head.text, *more))[:LONGEST])


def units(lines: Iterable[str]) -> Iterator[Unit]:
    """The lines as units, in order. Blank lines belong to nothing."""
    unit: Unit | None = None
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        if unit is not None and len(unit.lines) < MOST_LINES and _continues(unit, line):
            unit.lines.append(line)
            continue
        if unit is not None:
            yield unit
        unit = Unit(number, [line])
    if unit is not None:
        yield unit


def _continues(unit: Unit, line: str) -> bool:
    """Whether a line goes on with what the unit says."""
    if _INDENTED.match(line) or _CAUSE.match(line) or line.rstrip() in {"}", "},", "]", "})"}:
        return True
    first, last = unit.lines[0], unit.lines[-1]
    if first.lstrip().startswith(("panic:", "fatal error:", "goroutine ", "[signal ")) or " panic: " in first[:200]:
        return bool(_GO.match(line))
    if _TRACEBACK.match(line):
        return bool(_TRACEBACK.search(last)) or _in_trouble(unit)
    if any(_TRACEBACK.search(one) for one in unit.lines[-60:]) and (_INDENTED.match(last) or _TRACEBACK.search(last)):
        return True
    if last.strip().strip("^~") == "" or (_NODE_HEAD.match(first) and len(unit.lines) <= 4):
        return True
    if _EXCEPTION.match(first) or not _EXCEPTION.match(line):
        return False
    return len(unit.lines) == 1 and _in_trouble(unit)


def _in_trouble(unit: Unit) -> bool:
    """Whether the unit is an error that a trace may follow, or a trace another may follow."""
    return unit.head.level >= Level.WARNING or any(_TRACEBACK.search(one) for one in unit.lines)


def _says_something(line: str) -> bool:
    if _CAUSE.match(line.lstrip()) and not line.lstrip().startswith("..."):
        return True
    return bool(not _FRAME.match(line) and _EXCEPTION.match(line.strip()))
