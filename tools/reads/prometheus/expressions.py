"""PromQL, as far as it must be understood: where an alert's expression ends and its threshold begins. Pure.

No parser: a scanner that knows quotes and brackets, and gives up where it is not sure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from tools.charts import Comparison

LONGEST = 4_000
"""Characters of an expression that is evaluated; a longer one is refused."""

_WORDS = re.compile(r"\b(and|or|unless)\b", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
_SUM = re.compile(rf"\(*\s*({_NUMBER.pattern})(?:\s*([*/])\s*({_NUMBER.pattern}))?\s*\)*", re.IGNORECASE)


_KEYWORDS = frozenset({"and", "or", "unless", "bool", "offset", "by", "without", "inf", "nan"})


@dataclass(frozen=True)
class Watched:
    """An alert's expression in two: what is measured, and what it is compared with."""

    expression: str
    comparison: Comparison = ">"
    threshold: float | None = None


def watched(query: str) -> Watched:
    """`rate(x[5m]) > 0.05 and y` as `rate(x[5m])`, `>` and 0.05: the first part that has a threshold of its own."""
    query = _unwrapped(query.strip())
    for part in _joined(query):
        if (found := _compared(_unwrapped(part))) is not None:
            return found
    return Watched(query)


def of_generator(url: str | None) -> str | None:
    """The expression in the address an alert came with (`...&g0.expr=...`); None where there is none to evaluate."""
    if not url or len(url) > 4 * LONGEST:
        return None
    try:
        said = parse_qs(urlsplit(url).query).get("g0.expr", [""])[0].strip()
    except ValueError:
        return None
    return said if said and len(said) <= LONGEST else None


def unit_of(query: str) -> str:
    """What an expression's values are, by the conventions of metric names; empty where they do not say."""
    if re.search(r"\*\s*100\b|_percent\b|\b100\s*\*", query):
        return "%"
    if "/" in query or re.search(r"_ratio\b", query):
        # seconds by count are seconds; anything else divided by its like is a share
        means = re.search(r"_seconds_sum\b", query) and re.search(r"_seconds_count\b", query)
        return "s" if means else "ratio" if _is_share(query) else ""
    if re.search(r"_bytes\b(?!_total)", query):
        return "bytes"
    return "s" if re.search(r"_seconds(?:_bucket)?\b(?!_total|_count)", query) else ""


def metric_of(query: str) -> str:
    """The one metric an expression is made from; empty where it takes several."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"|'[^']*'", "", query)
    bare = re.sub(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", "", bare)
    names = set(re.findall(r"(?<![\w:.])[A-Za-z_:][\w:]*(?![\w:]*\s*\()", bare)) - _KEYWORDS
    return names.pop() if len(names) == 1 else ""


def _is_share(query: str) -> bool:
    """Whether numerator and denominator count the same kind of thing."""
    if re.search(r"_ratio\b", query):
        return True
    kinds = {re.sub(r".*_", "", name) for name in re.findall(r"\b[a-z_:][\w:]*_(?:total|bytes|count)\b", query)}
    return len(kinds) == 1


def _compared(part: str) -> Watched | None:
    """A part split at its one comparison with a number; None where it has none, or several."""
    operators = [(at, sign) for at, sign in _top_level(part) if sign in (">=", "<=", "==", "!=", ">", "<")]
    if len(operators) != 1:
        return None
    at, sign = operators[0]
    left = part[:at].strip()
    right = re.sub(r"^bool\b", "", part[at + len(sign) :].strip()).strip()
    match = _SUM.fullmatch(right)
    if match is None or not left:
        return None
    threshold = float(match[1])
    if match[2]:
        other = float(match[3])
        if match[2] == "/" and other == 0:
            return None
        threshold = threshold * other if match[2] == "*" else threshold / other
    return Watched(_unwrapped(left), sign, threshold)  # type: ignore[arg-type]


def _joined(query: str) -> Iterator[str]:
    """The parts between `and`, `or` and `unless`, with what belongs to these words (`on (...)`) left in."""
    start = 0
    for at, sign in _top_level(query):
        if sign in ("and", "or", "unless"):
            yield query[start:at].strip()
            start = at + len(sign)
    rest = query[start:].strip()
    yield re.sub(r"^(?:on|ignoring)\s*\([^)]*\)\s*(?:group_(?:left|right)\s*(?:\([^)]*\))?)?", "", rest).strip()


def _top_level(query: str) -> Iterator[tuple[int, str]]:
    """The operators outside of brackets and quotes, with where they stand."""
    depth, at = 0, 0
    while at < len(query):
        letter = query[at]
        if letter in "\"'`":
            at = _closing(query, at)
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif depth == 0:
            if (pair := query[at : at + 2]) in (">=", "<=", "==", "!="):
                yield at, pair
                at += 1
            elif letter in "<>":
                yield at, letter
            elif (word := _WORDS.match(query, at)) and not re.match(r"[\w:]", query[at - 1 : at] or " "):
                yield at, word[1].lower()
                at = word.end() - 1
        at += 1


def _closing(query: str, at: int) -> int:
    """Where the quote that opens at `at` closes."""
    quote, place = query[at], at + 1
    while place < len(query) and query[place] != quote:
        place += 2 if query[place] == "\\" and quote != "`" else 1
    return place


def _unwrapped(part: str) -> str:
    """Without brackets around the whole."""
    while part.startswith("(") and part.endswith(")") and _whole(part):
        part = part[1:-1].strip()
    return part


def _whole(part: str) -> bool:
    """Whether the first bracket is closed by the last one."""
    depth, at = 0, 0
    while at < len(part):
        if part[at] in "\"'`":
            at = _closing(part, at)
        elif part[at] in "([{":
            depth += 1
        elif part[at] in ")]}":
            depth -= 1
            if depth == 0:
                return at == len(part) - 1
        at += 1
    return False
