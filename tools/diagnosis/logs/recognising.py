"""Which families a log tells of. Here: what of a line counts, what makes it say nothing, and counting.

A line says nothing when it is chatter (debug and trace), tells of success or of zero, describes what would be done,
reports somebody's request by its path, or is an access log line. Trouble with an address that answers later is over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tools.detection.lines import LONGEST, Level, without_stamp
from tools.detection.units import Unit, read_unit, units
from tools.diagnosis.logs.families import NETWORK, ROLES, Family, LogFinding
from tools.diagnosis.logs.signs import SIGNS, Sign
from tools.diagnosis.logs.subjects import address
from tools.evidence import Role

QUOTED = 500
"""Most characters of a line that are quoted."""
MOST_KINDS = 200
"""Kinds of trouble told apart in one log; what comes after counts no more."""

_VERB = r"(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)"
_COUNTED = re.compile(
    rf"\"{_VERB} [^\"]{{0,2000}} HTTP/[\d.]{{1,3}}\" \d{{3}}\b|^[a-z_:][\w:]*(?:\{{[^}}]*\}})? [\d.e+-]+$"
)
_REQUEST = re.compile(
    rf"\b{_VERB} /\S*|\b(?:path|uri|url|route|endpoint|query|referer|title|page)[=:] ?[\"']?/?[^\s\"',]*"
)
_URL_PATH = re.compile(r"(\b[a-z][a-z0-9+]{1,15}://[^\s/\"'<>?]{1,300})[/?][^\s\"'<>]*")
_SUCCESS = re.compile(
    r"(?<!not )(?<!un)(?<!n't )\b(?:succeeded|recovered|reconnected|re-?established|successful(?:ly)?|back to normal"
    r"|no longer|is healthy|(?:is )?now (?:available|reachable|connected|healthy)|(?:was|were|is|has been) resolved"
    r"|resolved:|passed|completed without|connected to)\b(?! (?:failed|with errors))",
    re.IGNORECASE,
)
_DESCRIBES = re.compile(
    r"\b(?:retry polic(?:y|ies)|retryable|handlers? for|registered|supports?|usage:|e\.g\.|for example|documentation"
    r"|simulat\w+|chaos|feature flag|circuit breaker (?:opens|configured)|alert rule|help:|test case|running test"
    r"|assert(?:s|ing) that|expected(?: error)?:"
    r"|would (?:be|have)|dry[- ]run|reminder:|tip:|docs?:|faq|how to|example:)",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"\b(?:0|no|zero|without|never|if|when(?:ever)?|in case of|handles?|handling|ignor(?:e|es|ed|ing)"
    r"|retry(?:ing)?[ _-]?on|catch(?:es|ing)?|detects?|prevents?|avoid(?:s|ing)?|against|recover(?:s|ed)? from|fixed"
    r"|previous(?:ly)?|max|min|default|set|configured)(?: (?:any|more|new|a|an|the))?[\s:\"'=\[(_-]{1,3}$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(?:[\w -]{0,24}|_total(?:\{[^}]{0,100}\})?)[=:] ?(?:0|false|no|none|nil|null|<nil>|off)\b(?!\.\d)"
    r"|(?:_\w{1,40})?(?:\{[^}]{0,200}\})? 0(?:\.0)?\s*$|s? ?(?:is|=|:|set to) \d+ ?(?:ms|s|m|seconds|minutes)\b"
    r"|[\w -]{0,20}(?:handler|policy|threshold|budget|dashboard|test|count(?:er)? reset)\b",
    re.IGNORECASE,
)


_REPEATS: dict[Family, frozenset[Family]] = {
    Family.UNHANDLED: frozenset(Family) - {Family.UNHANDLED},
    Family.TIMEOUT: frozenset(
        {Family.DNS, Family.TLS, Family.CONNECTIONS_EXHAUSTED, Family.LOCKED, Family.CONNECTION_REFUSED}
    ),
    Family.UPSTREAM: frozenset({Family.CONNECTION_REFUSED, Family.TIMEOUT, Family.DNS, Family.CONNECTION_LOST}),
    Family.CONNECTION_REFUSED: frozenset({Family.CONNECTIONS_EXHAUSTED}),
    Family.LOGIN_REFUSED: frozenset({Family.NOT_PERMITTED, Family.TLS, Family.MIGRATION}),
    Family.NOT_PERMITTED: frozenset({Family.PORT_TAKEN}),
    Family.MISSING_FILE: frozenset({Family.MISSING_CODE}),
    Family.BAD_CONFIG: frozenset({Family.MISSING_FILE, Family.NOT_PERMITTED, Family.DNS, Family.PORT_TAKEN}),
    Family.CONNECTION_LOST: frozenset({Family.CONNECTION_REFUSED, Family.TLS, Family.TIMEOUT}),
    Family.MIGRATION: frozenset({Family.CONNECTION_REFUSED, Family.DNS, Family.LOCKED, Family.NOT_PERMITTED}),
}
"""Families that say nothing more where one of the others is told of too: a crash with its cause, a slow lookup."""


@dataclass
class _Told:
    """One kind of trouble so far."""

    sign: Sign
    line: str
    count: int = 0


def recognise(lines: Iterable[str]) -> tuple[LogFinding, ...]:
    """What the lines tell of, causes first, then what is told most often. Lines as they are kept: redacted."""
    told: dict[tuple[Family, str | None], _Told] = {}
    for unit in units(lines):
        said = read_unit(unit)
        if said.level <= Level.DEBUG or _COUNTED.search(said.text):
            continue
        if said.level < Level.ERROR and _SUCCESS.search(said.text):
            _forget(told, said.text)
            continue
        text = _URL_PATH.sub(r"\1", _REQUEST.sub(" ", said.text))
        if said.level < Level.ERROR and _DESCRIBES.search(text):
            continue
        for family, (sign, subject) in _shown(text).items():
            _count(told, family, subject, sign, unit)
    order = list(Role)
    found = [_finding(family, subject, one) for (family, subject), one in told.items()]
    return tuple(sorted(found, key=lambda one: (order.index(one.role), -one.count)))


def _shown(text: str) -> dict[Family, tuple[Sign, str | None]]:
    """The families a message shows. Falling over because of something else is no family of its own."""
    shown: dict[Family, tuple[Sign, str | None]] = {}
    lower = text.lower()
    for sign in SIGNS:
        if sign.family in shown or not any(hint in lower for hint in sign.hints):
            continue
        match = next(_counting(sign, text), None)
        if match is not None:
            shown[sign.family] = sign, _subject(sign, match, text)
    return _told_once(shown)


def _told_once(shown: dict[Family, tuple[Sign, str | None]]) -> dict[Family, tuple[Sign, str | None]]:
    """Without what only repeats another."""
    return {family: told for family, told in shown.items() if not _REPEATS.get(family, frozenset()) & set(shown)}


def _counting(sign: Sign, text: str) -> Iterator[re.Match[str]]:
    """The matches that are no zero, no setting and no "if"."""
    for match in sign.pattern.finditer(text):
        before, after = text[max(0, match.start() - 40) : match.start()], text[match.end() : match.end() + 80]
        if not _BEFORE.search(before) and not _AFTER.match(after):
            yield match


def _subject(sign: Sign, match: re.Match[str], text: str) -> str | None:
    named = next((value for value in match.groupdict().values() if value), None)
    if named is not None:
        return named.strip().rstrip(".,;:")[:200] or None
    return address(text, match.start()) if sign.family in NETWORK | {Family.RATE_LIMITED} else None


def _count(
    told: dict[tuple[Family, str | None], _Told], family: Family, subject: str | None, sign: Sign, unit: Unit
) -> None:
    key = family, subject
    if key not in told and len(told) >= MOST_KINDS:
        return
    one = told.setdefault(key, _Told(sign, ""))
    one.sign, one.line, one.count = sign, _quotable(unit, sign), one.count + 1


def _quotable(unit: Unit, sign: Sign) -> str:
    """The physical line of the unit that says it, as it is in the log."""
    for line in unit.lines:
        if sign.pattern.search(line[:LONGEST]):
            return line.strip()[:QUOTED]
    return unit.lines[0].strip()[:QUOTED]


def _forget(told: dict[tuple[Family, str | None], _Told], text: str) -> None:
    """An address that answers is no trouble any more."""
    for family, subject in [key for key in told if key[0] in NETWORK]:
        host = (subject or "").split(":")[0]
        if host and re.search(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", without_stamp(text)):
            del told[family, subject]


def _finding(family: Family, subject: str | None, told: _Told) -> LogFinding:
    says = told.sign.says.format(subject or told.sign.otherwise)
    statement = says[:1].upper() + says[1:] if subject is None else says
    return LogFinding(
        family=family, role=ROLES[family], subject=subject, statement=statement, line=told.line, count=told.count
    )
