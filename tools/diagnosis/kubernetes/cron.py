"""Whether a CronJob's schedule can be read: five fields as robfig/cron, which Kubernetes uses, reads them. Pure."""

from __future__ import annotations

import re

MACROS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
_EVERY = re.compile(r"^@every (?:\d+(?:\.\d+)?(?:ns|us|ms|s|m|h))+$")
_PART = re.compile(r"^(\*|\?|[0-9A-Za-z]{1,9}(?:-[0-9A-Za-z]{1,9})?)(?:/(\d{1,4}))?$")


def fault(schedule: str) -> str | None:
    """What is wrong with a schedule, in words; None when it can be read."""
    written = schedule.strip()
    if written.lower() in MACROS or _EVERY.match(written):
        return None
    if written.startswith("@"):
        return f"{written} is no known name"
    fields = written.split()
    if len(fields) != len(_FIELDS):
        return f"it has {len(fields)} fields and needs 5"
    for text, (name, least, most, names) in zip(fields, _FIELDS, strict=True):
        for part in text.split(","):
            wrong = _wrong(part, least, most, names)
            if wrong is not None:
                return f"{name} {text}: {wrong}"
    return None


def _wrong(part: str, least: int, most: int, names: tuple[str, ...]) -> str | None:
    match = _PART.match(part)
    if match is None:
        return "not a number, range or step"
    if match[2] is not None and int(match[2]) == 0:
        return "a step of 0"
    if match[1] in ("*", "?"):
        return None
    ends = [_value(text, least, names) for text in match[1].split("-")]
    if any(end is None or not least <= end <= most for end in ends):
        return f"only {least} to {most} exist"
    known = [end for end in ends if end is not None]
    return "the range runs backwards" if known != sorted(known) else None


def _value(text: str, least: int, names: tuple[str, ...]) -> int | None:
    if text.isdecimal():
        return int(text)
    lowered = text.lower()
    return names.index(lowered) + least if lowered in names else None
