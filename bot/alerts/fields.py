"""Reading the fields of an outside message, or saying which one is malformed. No source's own format belongs here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from bot.alerts import MalformedAlert
from tools.evidence import Severity
from tools.redaction import redact
from tools.values import JsonObject, JsonValue

LONGEST_TEXT = 4000
SEVERITIES = {
    Severity.SEV1: ("critical", "crit", "page", "emergency", "fatal", "disaster", "p1", "sev1"),
    Severity.SEV2: ("error", "high", "major", "urgent", "p2", "sev2"),
    Severity.SEV3: ("warning", "warn", "minor", "medium", "moderate", "p3", "sev3"),
    Severity.SEV4: ("info", "informational", "low", "notice", "none", "p4", "p5", "sev4"),
}
DEFAULT_SEVERITY = Severity.SEV3
"""For a source that does not say: somebody should look today, nobody is woken."""
SEVERITY_WORDS = {word: severity for severity, words in SEVERITIES.items() for word in words}
ENVIRONMENT_WORDS = {
    "prod": "prod",
    "production": "prod",
    "live": "prod",
    "staging": "staging",
    "stage": "staging",
    "stg": "staging",
    "dev": "dev",
    "development": "dev",
    "test": "test",
    "qa": "test",
}
NAME_SEVERITIES = re.compile(r"critical|crit|emergency|warning|warn|info|sev[1-4]|p[1-5]")
"""The words that mean a severity wherever they stand; `high`, `page` or `low` mean something else in most names."""
NAME_ENVIRONMENTS = re.compile(r"prod|production|staging|stg|dev")
"""Likewise: `live`, `test` and `stage` are also streams, tests and stages."""
ENVIRONMENT_LABELS = ("env", "environment", "stage", "tier")


def json_object(body: bytes | str, what: str) -> JsonObject:
    """A JSON object, or MalformedAlert naming `what`."""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedAlert(f"{what} is not JSON") from error
    return as_object(read, what)


def as_object(value: JsonValue, what: str) -> JsonObject:
    """The value as an object."""
    if not isinstance(value, Mapping):
        raise MalformedAlert(f"{what} must be an object")
    return value


def as_list(value: JsonValue, what: str) -> list[JsonValue]:
    """The value as a list."""
    if not isinstance(value, list):
        raise MalformedAlert(f"{what} must be a list")
    return value


def text(of: JsonObject, field: str, at: str = "") -> str:
    """A text that must be there, as it came."""
    value = of.get(field)
    if not isinstance(value, str) or not value:
        raise MalformedAlert(f"{_path(at, field)} must be a text")
    return _encodable(value)


def optional_text(of: JsonObject, field: str, at: str = "") -> str | None:
    """A text that may be missing, null or empty."""
    return text(of, field, at) if of.get(field) not in (None, "") else None


def texts(of: JsonObject, field: str, at: str = "") -> dict[str, str]:
    """An object of texts, such as labels; missing or null is empty."""
    raw = as_object(of.get(field) or {}, _path(at, field))
    for name, value in raw.items():
        if not isinstance(value, str):
            raise MalformedAlert(f"{_path(at, field)}.{name} must be a text")
    return {_encodable(name): _encodable(str(value)) for name, value in raw.items()}


def moment(of: JsonObject, field: str, at: str = "") -> datetime:
    """A time with its offset, in UTC. Python reads `Z`, `+00:00`, and CloudWatch's `+0000` alike."""
    said = text(of, field, at)
    try:
        read = datetime.fromisoformat(said)
        if read.tzinfo is None:
            raise ValueError("no offset")
        return read.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MalformedAlert(f"{_path(at, field)} must be a time with an offset, not {said[:40]!r}") from error


def shown(said: Mapping[str, str]) -> dict[str, str]:
    """Texts as they may be kept and shown: redacted, and not longer than anyone would read."""
    return {redact(name): redact(value[:LONGEST_TEXT]) for name, value in said.items()}


def severity(word: str | None) -> Severity:
    """What a source's word for severity means here."""
    return SEVERITY_WORDS.get((word or "").strip().lower(), DEFAULT_SEVERITY)


def severity_in_name(name: str) -> Severity:
    """The severity a name carries (`checkout-errors-critical`), for sources that have no such field."""
    return severity(next(_words(name, NAME_SEVERITIES), None))


def names_severity(word: str | None) -> bool:
    """Whether a source's word for severity is one that is known here."""
    return (word or "").strip().lower() in SEVERITY_WORDS


def has_severity_in_name(name: str) -> bool:
    """Whether a name carries a severity."""
    return any(_words(name, NAME_SEVERITIES))


def environment(labels: Mapping[str, str]) -> str | None:
    """The environment labels name; None where they do not, which nothing may take for production or not."""
    said = next((labels[one] for one in ENVIRONMENT_LABELS if labels.get(one)), None)
    return None if said is None else ENVIRONMENT_WORDS.get(said.strip().lower(), redact(said))


def environment_in_name(name: str) -> str | None:
    """The environment a name carries (`prod-web-cpu-high`); None where it carries none."""
    word = next(_words(name, NAME_ENVIRONMENTS), None)
    return ENVIRONMENT_WORDS[word] if word else None


def _words(name: str, known: re.Pattern[str]) -> Iterator[str]:
    return (word for word in re.split(r"[^a-z0-9]+", name.lower()) if known.fullmatch(word))


def _encodable(value: str) -> str:
    """JSON can spell half a character (`\\ud800`), which nothing after us could store."""
    return value.encode("utf-8", "replace").decode()


def _path(at: str, field: str) -> str:
    return f"{at}.{field}" if at else field
