"""Rules about memory: containers the kernel killed for it, with what they asked for, may use and do use."""

from __future__ import annotations

from decimal import Decimal

from tools.diagnosis.confidence import Strength, confidence
from tools.diagnosis.kubernetes import citing
from tools.diagnosis.kubernetes.citing import Found
from tools.diagnosis.kubernetes.crashes import KILLED, killing
from tools.diagnosis.kubernetes.suspects import Suspect
from tools.evidence import Evidence
from tools.reads.kubernetes import quantities


def oom_killed(suspect: Suspect) -> Found | None:
    """k8s.oom_killed: terminated OOMKilled, or 137 under a limit without a Killing event; also when Ready now."""
    end = suspect.last_end
    if end is None or not suspect.ended_recently:
        return None
    limit = suspect.asked.limits.get("memory")
    silent_kill = end.exit_code == KILLED and limit is not None and killing(suspect) is None
    if end.reason != "OOMKilled" and not silent_kill:
        return None
    before = suspect.before.limits.get("memory") if suspect.before else None
    lowered = _lowered(before, limit)
    was = f"; revision {suspect.previous.number} allowed {before}" if lowered and suspect.previous else ""
    cap = f"its memory limit is {limit}" if limit else "it has no memory limit of its own, so the node ran out"
    return citing.found(
        "k8s.oom_killed",
        f"{suspect.resource.name} runs out of memory",
        f"Container {suspect.asked.name} was killed for lack of memory: {cap}{was}{_use(suspect)}{_now(suspect)}.",
        resource=suspect.resource,
        severity=citing.severity_of(suspect.workload),
        confidence=confidence(
            Strength.STATED if end.reason == "OOMKilled" else Strength.FITTING,
            confirmed=lowered,
            contradictions=_over(suspect),
        ),
        since=suspect.since,
        evidence=(
            citing.ending(suspect),
            citing.asked(suspect, "resources.limits.memory", limit or "none", f"memory limit {limit or 'none'}"),
            _usage(suspect),
            citing.change(suspect),
        ),
    )


def _lowered(before: str | None, now: str | None) -> bool:
    was, is_now = quantities.amount(before or ""), quantities.amount(now or "")
    return (was or Decimal(0)) > (is_now or Decimal("Infinity"))


def _over(suspect: Suspect) -> bool:
    """Whether it happened once and is over: the container has been ready since."""
    return suspect.recovered and suspect.state.restarts <= 1


def _now(suspect: Suspect) -> str:
    end = suspect.last_end
    if not suspect.recovered or end is None or end.finished is None:
        return ""
    return f"; that was at {end.finished:%H:%M} UTC, and it is ready again"


def _use(suspect: Suspect) -> str:
    """Measured use against the limit."""
    used, share = suspect.usage, _share(suspect)
    return f"; it uses {quantities.memory(used.memory)} now, {share} of that" if used and share else ""


def _share(suspect: Suspect) -> str:
    limit, used = quantities.amount(suspect.asked.limits.get("memory", "")), suspect.usage
    return f"{used.memory / limit:.0%}" if limit and used else ""


def _usage(suspect: Suspect) -> Evidence | None:
    used = suspect.usage
    if used is None:
        return None
    request = suspect.asked.requests.get("memory", "none")
    share = _share(suspect)
    of_limit = f" ({share} of the limit)" if share else ""
    limit = suspect.asked.limits.get("memory", "none")
    text = f"{quantities.memory(used.memory)}{of_limit}, request {request}, limit {limit}"
    return citing.quote(
        suspect.picture, f"podmetrics/{suspect.pod.name}", f"{suspect.state.name} memory", text, f"it uses {text}"
    )
