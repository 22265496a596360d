"""One line of a log, read: its level, and what it says without time stamps and wrapping.

Known here are the shapes lines come in (plain, JSON, logfmt, klog, CRI). What a line means belongs to
`tools.diagnosis.logs`; which lines belong together to `units`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import IntEnum

from tools.values import JsonValue

LONGEST = 4_000
"""Characters of one line that are looked at: the beginning, where what happened is said."""


LONGEST_OBJECT = 64_000
"""Characters of one that is a JSON object: cut in the middle it would be none."""


class Level(IntEnum):
    """How bad a line says it is, mildest first. UNKNOWN where it does not say."""

    TRACE = 1
    DEBUG = 2
    INFO = 3
    UNKNOWN = 4
    WARNING = 5
    ERROR = 6
    FATAL = 7


@dataclass(frozen=True)
class Line:
    """What one line says. `text` is without its time stamp; of a structured line, the message and the error."""

    level: Level
    text: str

    @property
    def is_trouble(self) -> bool:
        """Whether it says that something is wrong: by its level, or in words where it names no level."""
        return self.level >= Level.ERROR or (self.level is Level.UNKNOWN and bool(_TROUBLE.search(self.text)))


WORDS = {
    **dict.fromkeys(("trace", "verbose", "finest", "finer"), Level.TRACE),
    **dict.fromkeys(("debug", "dbg", "fine"), Level.DEBUG),
    **dict.fromkeys(("info", "information", "informational", "notice", "log", "inf"), Level.INFO),
    **dict.fromkeys(("warn", "warning", "wrn"), Level.WARNING),
    **dict.fromkeys(("error", "err", "severe", "eror"), Level.ERROR),
    **dict.fromkeys(("fatal", "critical", "crit", "panic", "alert", "emergency", "emerg", "ftl"), Level.FATAL),
}
NUMBERS = {10: Level.TRACE, 20: Level.DEBUG, 30: Level.INFO, 40: Level.WARNING, 50: Level.ERROR, 60: Level.FATAL}
"""The numeric levels of bunyan and pino."""
KLOG = {"I": Level.INFO, "W": Level.WARNING, "E": Level.ERROR, "F": Level.FATAL}

_CLOCK = r"\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?"
_ZONE = r"(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"
_TIME = (
    rf"\d{{4}}[-/]\d\d[-/]\d\d[T ]{_CLOCK}{_ZONE}"
    rf"|\d\d?[/ ][A-Z][a-z]{{2}}[/ ]\d{{4}}[: ]{_CLOCK}{_ZONE}"
    rf"|(?:[A-Z][a-z]{{2}} )?[A-Z][a-z]{{2}} [ \d]\d {_CLOCK}(?: \d{{4}})?"
    rf"|{_CLOCK}|\d{{10}}(?:\.\d{{1,9}}|\d{{3}})?"
)
_STAMP = re.compile(rf"[\[(]?(?:{_TIME})[\])]?(?=[ \t:|,-]|$)[ \t:|,-]{{0,4}}")
_CRI = re.compile(r"std(?:out|err) [FP] ")
_KLOG = re.compile(rf"([IWEF])\d{{4}} {_CLOCK}\s{{1,8}}\d{{1,9}} (\S{{1,200}}:\d{{1,6}}\] )")
_LEVEL_WORD = r"(?:" + "|".join(sorted(WORDS, key=len, reverse=True)) + r")"
_HEAD = re.compile(rf"([\[(<|*]{{0,2}})({_LEVEL_WORD})([\])>|*]{{0,2}})(?=([\s:|\]\[-]|$))", re.IGNORECASE)
_UPPER = re.compile(r"(?:^|[\s\]|])[\[(<]?(TRACE|DEBUG|INFO|WARN(?:ING)?|ERROR|FATAL|CRITICAL|SEVERE)(?=[\])>:\s|-])")
_BRACKETED = re.compile(rf"\[({_LEVEL_WORD})\]", re.IGNORECASE)
_LOGFMT = re.compile(r"(?:^|\s)(level|lvl|severity|msg|message|err|error|exception)=(\"(?:[^\"\\]|\\.)*\"|\S*)")
_SHOUT = re.compile(
    r"(?:panic: |fatal error: |Traceback \(most recent|Exception in thread |Unhandled |Uncaught |npm ERR!"
    r"|(?:[\w$]+\.){0,12}[A-Z][\w$]*(?:Error|Exception)(?:: |$|\[| \[)"
    r"|[Ee]rror(?:: | (?!count|rate|budget|handl|page|log|code 0))"
    r"|curl: \(\d+\) |[Ff]ailed |[Cc]annot |[Cc]an't |[Cc]ould not |[Uu]nable to )"
)
"""How a line begins that is an error although it names no level."""

_TROUBLE = re.compile(
    r"error|exception|fail(?:ed|ure|ing)|refused|denied|forbidden|fatal|panic|timed out|timeout|cannot|can't|could not"
    r"|unable|no such|not found|unreachable|reset by|broken pipe|killed|exhausted|too many|traceback",
    re.IGNORECASE,
)
MESSAGES = ("message", "msg", "event", "text", "log", "@message", "body")
LEVELS = ("level", "lvl", "severity", "levelname", "log.level", "loglevel", "log_level")
ERRORS = (
    "error",
    "err",
    "exception",
    "exc_info",
    "error.message",
    "cause",
    "reason",
    "stack",
    "stack_trace",
    "error.stack_trace",
)


def read(raw: str) -> Line:
    """One physical line (or one folded unit's first line), however it was written."""
    text = _CRI.sub("", without_stamp(raw[:LONGEST_OBJECT]), count=1)
    if text.startswith("{") and (found := _structured(text)) is not None:
        return Line(found.level, found.text[:LONGEST])
    text = text[:LONGEST]
    if match := _KLOG.match(text):
        return Line(KLOG[match[1]], text[match.start(2) :])
    text = without_stamp(text)
    if "level=" in text or "lvl=" in text or "severity=" in text:
        return _logfmt(text)
    return Line(_level(text), _without_level(text))


def without_stamp(text: str) -> str:
    """The text without the time stamps it begins with; there may be two, the runtime's and the program's."""
    for _ in range(2):
        match = _STAMP.match(text)
        if match is None:
            break
        text = text[match.end() :]
    return text.strip(" \t\r\n")


def _structured(text: str) -> Line | None:
    """A JSON line; None where it is none."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    if isinstance(fields.get("log"), str) and "stream" in fields:
        return read(fields["log"])
    flat = _flat(fields)
    said = next((flat[key] for key in MESSAGES if isinstance(flat.get(key), str)), "")
    errors = [one for key in ERRORS if (one := _wrong(flat.get(key)))]
    level = next((_named(flat[key]) for key in LEVELS if key in flat), Level.UNKNOWN)
    told = ": ".join(dict.fromkeys(one for one in (str(said), *errors) if one))
    if level is Level.UNKNOWN:
        level = Level.ERROR if errors else _level(told)
    return Line(level, told or text)


def _flat(fields: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Nested objects by their dotted names, one level deep: `{"error": {"message": ...}}`."""
    flat = {key.lower(): value for key, value in fields.items()}
    for key, value in fields.items():
        if isinstance(value, dict):
            flat.update((f"{key}.{inner}".lower(), one) for inner, one in value.items())
    return flat


def _wrong(value: JsonValue) -> str:
    """What an error field says; nothing where it says that there is none."""
    if isinstance(value, dict):
        value = value.get("message") or value.get("msg") or value.get("stack")
    if not isinstance(value, str) or value.strip().lower() in {"", "null", "nil", "<nil>", "none", "false", "0"}:
        return ""
    return value


def _named(value: JsonValue) -> Level:
    if isinstance(value, int) and not isinstance(value, bool):
        return NUMBERS.get(value // 10 * 10, Level.UNKNOWN)
    return WORDS.get(str(value).strip().lower(), Level.UNKNOWN)


def _logfmt(text: str) -> Line:
    fields = {match[1]: match[2].strip('"').replace('\\"', '"') for match in _LOGFMT.finditer(text)}
    level = _named(fields.get("level") or fields.get("lvl") or fields.get("severity") or "")
    told = [fields.get("msg") or fields.get("message") or ""]
    told += [_wrong(fields.get(key)) for key in ("err", "error", "exception")]
    said = ": ".join(one for one in told if one)
    return Line(level if level is not Level.UNKNOWN else _level(text), said or text)


def _level(text: str) -> Level:
    """The level a plain line carries: its first word, a bracketed one, or one in capitals near the beginning."""
    head = text[:120]
    if (match := _HEAD.match(head)) and _is_level(match):
        return WORDS[match[2].lower()]
    for pattern in (_BRACKETED, _UPPER):
        if match := pattern.search(head):
            return WORDS[match[1].lower()]
    return Level.ERROR if _SHOUT.match(head) else Level.UNKNOWN


def _is_level(match: re.Match[str]) -> bool:
    """Whether a first word is a level and not the first word of a sentence ("error count is 0", "alert manager")."""
    return bool(match[1] or match[3]) or match[4] == ":" or match[2].isupper()


def _without_level(text: str) -> str:
    """The text after its level. `Error: ...` is a sentence of its own and stays."""
    match = _HEAD.match(text)
    if match is None or not _is_level(match) or (match[4] == ":" and not match[2].isupper()):
        return text
    return text[match.end() :].lstrip(" \t:|-") or text
