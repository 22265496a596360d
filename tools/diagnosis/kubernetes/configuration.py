"""Rules about configuration a container lacks: an environment variable, a ConfigMap or Secret, a key in one.

Source of every condition: the P0 table of our Kubernetes notes, measured against a real 1.36 API server.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches

from tools.diagnosis.confidence import Strength, confidence
from tools.diagnosis.kubernetes import citing
from tools.diagnosis.kubernetes.citing import Found
from tools.diagnosis.kubernetes.crashes import crashed
from tools.diagnosis.kubernetes.suspects import Suspect
from tools.evidence import Evidence

_NAME = r"[`'\"]?\$?\{?([A-Z][A-Z0-9_]{2,63})\}?[`'\"]?"
_ABSENT = r"(?:is |was |must be )?(?:not set|unset|missing|required|undefined|not defined|not found|empty|set)\b"
_MISSING_VARIABLE = (
    re.compile(rf"(?i:environment variable|env var|env|variable)s?:? {_NAME} (?i:{_ABSENT})"),
    re.compile(rf"(?i:missing|required|undefined)(?: (?i:required|environment|env|variable|var))*:? {_NAME}"),
    re.compile(rf"{_NAME}(?i: environment variable| env var)? (?i:{_ABSENT})"),
    re.compile(r"KeyError: '([A-Z][A-Z0-9_]{2,63})'"),
    re.compile(r"(?i:key not found): \"([A-Z][A-Z0-9_]{2,63})\""),  # Ruby's ENV.fetch
)
_CONFIG_OBJECT = re.compile(r'(secret|configmap) "([^"]{1,253})" not found', re.IGNORECASE)
_CONFIG_KEY = re.compile(r"couldn't find key (\S{1,253}) in (Secret|ConfigMap) \S*?/(\S{1,253})")
_HARMLESS = re.compile(
    r"\b(?:WARN(?:ING)?|INFO|DEBUG|TRACE|NOTICE)\b|\"?level\"?[=:] ?\"?(?:warn|info|debug|trace)"
    r"|(?i:optional|default|fall(?:ing)? ?back)"
)
"""A line that only notes a variable's absence: the program went on without it."""


def missing_variable(suspect: Suspect) -> tuple[str, str] | None:
    """The required variable a crashed container names in its log, and the line; only when the spec does not set it."""
    end = suspect.last_end
    if not (crashed(suspect) and suspect.log) or (end is not None and end.exit_code == 0):
        return None
    for line in reversed(suspect.log.lines):
        if _HARMLESS.search(line):
            continue
        for pattern in _MISSING_VARIABLE:
            match = pattern.search(line)
            if match and match[1] not in {entry.name for entry in suspect.asked.env}:
                return match[1], line
    return None


def missing_env(suspect: Suspect) -> Found | None:
    """k8s.missing_env: CrashLoopBackOff, non-zero exit, and the previous log names a variable the spec lacks."""
    missing = missing_variable(suspect)
    if missing is None:
        return None
    variable, line = missing
    had = suspect.before is not None and variable in {entry.name for entry in suspect.before.env}
    removed = f"; revision {suspect.previous.number} still set it" if had and suspect.previous else ""
    names = ", ".join(entry.name for entry in suspect.asked.env) or "none"
    return citing.found(
        "k8s.missing_env",
        f"{suspect.resource.name} lacks {variable}",
        f"Container {suspect.asked.name} exits at start because {variable} is not set{removed}.",
        resource=suspect.resource,
        severity=citing.severity_of(suspect.workload),
        confidence=confidence(Strength.STATED if had else Strength.MATCHED, confirmed=had),
        since=suspect.since,
        evidence=(
            citing.log(suspect.picture, suspect.log, line),
            citing.ending(suspect),
            citing.asked(
                suspect, "env names", names, f"{variable} is not among them; the log says: {line.strip()[:120]}"
            ),
            citing.change(suspect),
        ),
    )


def missing_config_object(suspect: Suspect) -> Found | None:
    """k8s.missing_config_object: waiting CreateContainerConfigError, `secret "x" not found`."""
    match = _CONFIG_OBJECT.search(suspect.state.message) if _cannot_configure(suspect) else None
    if match is None:
        return None
    kind, name = ("Secret", match[2]) if match[1].lower() == "secret" else ("ConfigMap", match[2])
    known = suspect.picture.config_maps if kind == "ConfigMap" else suspect.picture.secrets or ()
    near = get_close_matches(name, known, 1)
    hint = f"; {near[0]} exists" if near else ""
    return _unconfigured(
        suspect, "k8s.missing_config_object", f"{kind} {name}", f"does not exist{hint}", _known(suspect, kind, known)
    )


def missing_config_key(suspect: Suspect) -> Found | None:
    """k8s.missing_config_key: the same, `couldn't find key K in Secret ns/name`."""
    match = _CONFIG_KEY.search(suspect.state.message) if _cannot_configure(suspect) else None
    if match is None:
        return None
    keys = suspect.picture.config_keys.get(match[3], ()) if match[2] == "ConfigMap" else ()
    near = get_close_matches(match[1], keys, 1)
    hint = f"; it has {near[0]}" if near else ""
    return _unconfigured(
        suspect,
        "k8s.missing_config_key",
        f"{match[2]} {match[3]}",
        f"has no key {match[1]}{hint}",
        _known(suspect, f"keys of {match[2]} {match[3]}", keys),
    )


def _cannot_configure(suspect: Suspect) -> bool:
    return suspect.state.waiting == "CreateContainerConfigError"


def _known(suspect: Suspect, what: str, names: Collection[str]) -> Evidence | None:
    """The names there are, to compare the missing one with; never a value."""
    if not names:
        return None
    return citing.quote(suspect.picture, what, "metadata", ", ".join(sorted(names)[:40]), f"what there is: {what}")


def _unconfigured(suspect: Suspect, code: str, what: str, why: str, known: Evidence | None) -> Found:
    return citing.found(
        code,
        f"{suspect.resource.name} refers to {what}, which {why.split(';')[0]}",
        f"Container {suspect.asked.name} cannot start: {what} {why}.",
        resource=suspect.resource,
        severity=citing.severity_of(suspect.workload),
        confidence=confidence(Strength.STATED),
        since=suspect.since,
        evidence=(
            citing.waiting(suspect),
            citing.event(suspect.picture, suspect.event("Failed")),
            known,
            citing.change(suspect),
        ),
    )
