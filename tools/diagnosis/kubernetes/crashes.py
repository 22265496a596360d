"""Rules about containers that start and end: a missing variable, a missing configuration object, memory, plain crashes.

Source of every condition: the P0 table of our Kubernetes notes, measured against a real 1.36 API server.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from difflib import get_close_matches

from tools.diagnosis.kubernetes import citing
from tools.diagnosis.kubernetes.citing import Found
from tools.diagnosis.kubernetes.suspects import Suspect
from tools.evidence import Evidence
from tools.reads.kubernetes import quantities

KILLED = 137
"""128 + SIGKILL: what the kernel's OOM killer leaves, and the kubelet too when a container ignores SIGTERM."""

MOMENT = timedelta(minutes=1)
"""A container that crashed twice has to run this long before it counts as recovered."""

START_FAILURES = frozenset(
    {"CreateContainerError", "RunContainerError", "PreCreateHookError", "PreStartHookError", "ImageInspectError"}
)

_NAME = r"[`'\"]?\$?\{?([A-Z][A-Z0-9_]{2,63})\}?[`'\"]?"
_ABSENT = r"(?:is |was |must be )?(?:not set|unset|missing|required|undefined|not defined|not found|empty|set)\b"
_MISSING_VARIABLE = (
    re.compile(rf"(?i:environment variable|env var|env|variable)s?:? {_NAME} (?i:{_ABSENT})"),
    re.compile(rf"(?i:missing|required|undefined)(?: (?i:required|environment|env|variable|var))*:? {_NAME}"),
    re.compile(rf"{_NAME}(?i: environment variable| env var)? (?i:{_ABSENT})"),
    re.compile(r"KeyError: '([A-Z][A-Z0-9_]{2,63})'"),
)
_CONFIG_OBJECT = re.compile(r'(secret|configmap) "([^"]{1,253})" not found', re.IGNORECASE)
_CONFIG_KEY = re.compile(r"couldn't find key (\S{1,253}) in (Secret|ConfigMap) \S*?/(\S{1,253})")


def missing_variable(suspect: Suspect) -> tuple[str, str] | None:
    """The required variable a crashed container names in its log, and the line; only when the spec does not set it."""
    if not (crashed(suspect) and suspect.log):
        return None
    for line in reversed(suspect.log.lines):
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
        confidence=10 if had else 8,
        evidence=(
            citing.log(suspect.picture, suspect.log),
            _ending(suspect),
            _asked(suspect, "env names", names, f"{variable} is not among them; the log says: {line.strip()[:120]}"),
            citing.change(suspect),
        ),
    )


def missing_config_object(suspect: Suspect) -> Found | None:
    """k8s.missing_config_object: waiting CreateContainerConfigError, `secret "x" not found`."""
    match = _CONFIG_OBJECT.search(suspect.state.message) if _cannot_configure(suspect) else None
    if match is None:
        return None
    kind, name = ("Secret", match[2]) if match[1].lower() == "secret" else ("ConfigMap", match[2])
    near = get_close_matches(name, suspect.picture.config_maps, 1) if kind == "ConfigMap" else []
    hint = f"; {near[0]} exists" if near else ""
    return _unconfigured(suspect, "k8s.missing_config_object", f"{kind} {name}", f"does not exist{hint}")


def missing_config_key(suspect: Suspect) -> Found | None:
    """k8s.missing_config_key: the same, `couldn't find key K in Secret ns/name`."""
    match = _CONFIG_KEY.search(suspect.state.message) if _cannot_configure(suspect) else None
    if match is None:
        return None
    return _unconfigured(suspect, "k8s.missing_config_key", f"{match[2]} {match[3]}", f"has no key {match[1]}")


def oom_killed(suspect: Suspect) -> Found | None:
    """k8s.oom_killed: terminated OOMKilled, or 137 under a limit without a Killing event; also when Ready now."""
    end = suspect.last_end
    if end is None or not suspect.ended_recently:
        return None
    limit = suspect.asked.limits.get("memory")
    silent_kill = end.exit_code == KILLED and limit is not None and suspect.event("Killing") is None
    if end.reason != "OOMKilled" and not silent_kill:
        return None
    before = suspect.before.limits.get("memory") if suspect.before else None
    lowered = _lowered(before, limit)
    was = f"; revision {suspect.previous.number} allowed {before}" if lowered and suspect.previous else ""
    cap = f"its memory limit is {limit}" if limit else "it has no memory limit of its own, so the node ran out"
    return citing.found(
        "k8s.oom_killed",
        f"{suspect.resource.name} runs out of memory",
        f"Container {suspect.asked.name} was killed for lack of memory: {cap}{was}.",
        resource=suspect.resource,
        severity=citing.severity_of(suspect.workload),
        confidence=(9 if end.reason == "OOMKilled" else 7) + lowered,
        evidence=(
            _ending(suspect),
            _asked(suspect, "resources.limits.memory", limit or "none", f"memory limit {limit or 'none'}"),
            citing.change(suspect),
        ),
    )


def container_start_failed(suspect: Suspect) -> Found | None:
    """k8s.container_start_failed: the runtime cannot create or run the container at all."""
    if suspect.state.waiting not in START_FAILURES:
        return None
    return citing.found(
        "k8s.container_start_failed",
        f"{suspect.resource.name} cannot start",
        f"Container {suspect.asked.name} cannot be started: {suspect.state.waiting}.",
        resource=suspect.resource,
        severity=citing.severity_of(suspect.workload),
        confidence=7,
        evidence=(_waiting(suspect), citing.event(suspect.picture, suspect.event("Failed")), citing.change(suspect)),
    )


def crash_loop(suspect: Suspect) -> Found | None:
    """k8s.crash_loop: the container keeps ending and no other rule knows why."""
    if not crashed(suspect):
        return None
    end = suspect.last_end
    code = end.exit_code if end else "unknown"
    return citing.found(
        "k8s.crash_loop",
        f"{suspect.resource.name} keeps crashing",
        f"Container {suspect.asked.name} ends with exit code {code} again and again; its log may say why.",
        resource=suspect.resource,
        severity=citing.severity_of(suspect.workload),
        confidence=6 if suspect.previous else 5,
        evidence=(_ending(suspect), citing.log(suspect.picture, suspect.log), citing.change(suspect)),
    )


def crashed(suspect: Suspect) -> bool:
    """Whether the container is down because it ended badly: waiting to be restarted, just ended, or just up again."""
    state, end = suspect.state, suspect.last_end
    if state.waiting == "CrashLoopBackOff":
        return end is None or end.exit_code != 0
    if end is None or end.exit_code == 0 or not suspect.ended_recently:
        return False
    if state.running_since is None:
        return state.terminated is not None
    # A loop runs for a moment between two crashes; without this the finding would come and go.
    return state.restarts > 1 and suspect.picture.now - state.running_since < MOMENT


def _cannot_configure(suspect: Suspect) -> bool:
    return suspect.state.waiting == "CreateContainerConfigError"


def _unconfigured(suspect: Suspect, code: str, what: str, why: str) -> Found:
    return citing.found(
        code,
        f"{suspect.resource.name} refers to {what}, which {why.split(';')[0]}",
        f"Container {suspect.asked.name} cannot start: {what} {why}.",
        resource=suspect.resource,
        severity=citing.severity_of(suspect.workload),
        confidence=9,
        evidence=(_waiting(suspect), citing.event(suspect.picture, suspect.event("Failed")), citing.change(suspect)),
    )


def _asked(suspect: Suspect, field: str, text: str, summary: str) -> Evidence:
    """What the pod's spec asks for this container."""
    return citing.status(suspect, text, path=f"spec.containers[{suspect.asked.name}].{field}", summary=summary)


def _waiting(suspect: Suspect) -> Evidence:
    return citing.status(
        suspect,
        f"{suspect.state.waiting} {suspect.state.message}",
        path=f"status.containerStatuses[{suspect.state.name}].state.waiting",
        summary=f"{suspect.state.name} waits: {suspect.state.waiting}",
    )


def _ending(suspect: Suspect) -> Evidence | None:
    end = suspect.last_end
    if end is None:
        return None
    current = suspect.state.terminated is not None
    return citing.status(
        suspect,
        f"{end.reason} exit code {end.exit_code}, {suspect.state.restarts} restarts",
        path=f"status.containerStatuses[{suspect.state.name}].{'state' if current else 'lastState'}.terminated",
        summary=f"{suspect.state.name} ended: {end.reason}, exit code {end.exit_code}",
    )


def _lowered(before: str | None, now: str | None) -> bool:
    was, is_now = quantities.amount(before or ""), quantities.amount(now or "")
    return (was or Decimal(0)) > (is_now or Decimal("Infinity"))
