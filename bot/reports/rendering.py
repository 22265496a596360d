"""Values -> text by Jinja templates. What was read from outside is redacted once more, and nothing in it is markup."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from tools.evidence import Evidence, Trust
from tools.redaction import redact
from tools.values import Value

if TYPE_CHECKING:
    from jinja2 import Environment

WIDE = 100
"""Columns of a report on a terminal or in a mail."""
MOST_LINES = 12
"""Lines shown of one excerpt; the whole of it is on record."""
LONGEST_LINE = 4
"""Lines of the screen that one line of an excerpt may take."""


def render(template: str, report: Value) -> str:
    """A report as text. `template` is a file name in `templates`."""
    text = _environment().get_template(template).render(report=report)
    return redact(text).strip() + "\n"


def wrapped(text: object, indent: int = 0, first: str = "") -> str:
    """Words on lines of at most WIDE columns, each indented; `first` stands in the first line's margin."""
    margin = " " * indent
    words = " ".join(str(text).split())
    begin = first.ljust(indent) if first else margin
    return textwrap.fill(words, WIDE, initial_indent=begin, subsequent_indent=margin, break_long_words=False)


def quoted(text: str, indent: int = 0) -> str:
    """An excerpt as it stands, behind a bar, cut to its last lines; a long line goes on in the next, set in."""
    lines = text.splitlines()
    left_out = [f"… {len(lines) - MOST_LINES} lines before"] if len(lines) > MOST_LINES else []
    margin = " " * indent + "│ "
    shown = (
        textwrap.wrap(line, WIDE, initial_indent=margin, subsequent_indent=f"{margin}  ", max_lines=LONGEST_LINE)
        for line in (*left_out, *lines[-MOST_LINES:])
    )
    return "\n".join(line for lines in shown for line in lines or (margin.rstrip(),))


def sourced(piece: Evidence) -> str:
    """What a piece of evidence is and where it was read; the excerpt may begin with the place, and once is enough."""
    about, _, path = piece.query.partition(" ")
    place = about if path and piece.excerpt.startswith(path) else piece.query
    doubt = " (text that outsiders can write)" if piece.trust is Trust.TEXT else ""
    return f"{piece.summary}, {place}{doubt}"


def escaped(text: object) -> str:
    """Words in Markdown, none of which is read as markup."""
    words = " ".join(str(text).split())
    return re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", words)


def fenced(text: str) -> str:
    """An excerpt in a Markdown code block whose fence the excerpt cannot close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    lines = text.splitlines()
    shown = lines[-MOST_LINES:]
    left_out = [f"… {len(lines) - MOST_LINES} lines before"] if len(lines) > MOST_LINES else []
    return "\n".join([f"{fence}text", *left_out, *shown, fence])


def clock(at: datetime | None) -> str:
    """A moment, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at is not None else "–"


def span(length: timedelta | None) -> str:
    """A length of time as people say it: `42 s`, `7 min`, `2 h 05 min`."""
    if length is None:
        return "–"
    seconds = round(length.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 2 * 3600:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02} min"


@cache
def _environment() -> Environment:
    """Plain text, so nothing is escaped for HTML; a name that is missing is an error, not an empty line."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("bot.reports"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - no HTML is made here
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "wrapped": wrapped,
        "quoted": quoted,
        "escaped": escaped,
        "fenced": fenced,
        "clock": clock,
        "span": span,
        "sourced": sourced,
    }
    made.filters.update(filters)
    return made
