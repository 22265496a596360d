"""Rules about probes: containers killed by their liveness probe, pods kept from traffic by their readiness probe."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from tools.diagnosis.confidence import Strength, confidence
from tools.diagnosis.kubernetes import citing
from tools.diagnosis.kubernetes.changes import latest_change
from tools.diagnosis.kubernetes.citing import Found
from tools.diagnosis.kubernetes.crashes import killing
from tools.diagnosis.kubernetes.reasons import quoted, told
from tools.diagnosis.kubernetes.suspects import Suspect
from tools.diagnosis.logs import LogFinding
from tools.evidence import Evidence, Role
from tools.reads.kubernetes.views import Event, Probe

FORCED = (137, 143)
"""Exit codes of a container that was told to stop."""


def liveness_kills(suspect: Suspect) -> Found | None:
    """k8s.liveness_kills: a liveness or startup probe failed, Killing, and it was not memory.

    Told to stop, a container may end by the signal (137, 143) or, when it obeys, by any code of its own.
    """
    kill, end = killing(suspect), suspect.last_end
    kind = killer(suspect)
    probe = suspect.asked.startup if kind == "startup" else suspect.asked.liveness
    failed = suspect.event("Unhealthy", f"{kind.capitalize()} probe failed")
    if failed is None or kill is None or end is None or probe is None:
        return None
    obeyed = f"failed {kind} probe" in kill.message
    if not (obeyed or end.exit_code in FORCED) or end.reason == "OOMKilled" or not suspect.ended_recently:
        return None
    changed = altered(suspect, kind)
    return citing.found(
        "k8s.liveness_kills",
        f"{suspect.resource.name} is killed by its {kind} probe",
        f"Container {suspect.asked.name} is restarted because its {kind} probe ({spelled(probe)}) "
        f"fails: {reason(failed)}{'; the last rollout changed that probe' if changed else ''}.",
        resource=suspect.resource,
        severity=citing.severity_of(suspect.workload),
        confidence=confidence(
            Strength.MATCHED if changed else Strength.FITTING,
            confirmed=changed,
            contradictions=suspect.recovered and suspect.state.restarts <= 1,
        ),
        since=suspect.since,
        role=Role.CHANGE if changed else None,
        evidence=(
            citing.event(suspect.picture, failed),
            citing.event(suspect.picture, kill),
            _probe(suspect, f"{kind}Probe", probe),
            citing.change(suspect),
        ),
    )


def readiness_failing(suspect: Suspect) -> Found | None:
    """k8s.readiness_failing: Running, not ready, and `Readiness probe failed` well past the time start-up may take."""
    probe, failed = suspect.asked.readiness, suspect.event("Unhealthy", "Readiness probe failed")
    if probe is None or failed is None or suspect.state.ready or suspect.state.running_since is None:
        return None
    if not _past_start(suspect, probe, failed):
        return None
    changed = altered(suspect, "readiness")
    waits = None if changed else lacking(suspect)
    return citing.found(
        "k8s.readiness_failing",
        f"{suspect.resource.name} is not ready",
        f"Container {suspect.asked.name} runs but its readiness probe ({spelled(probe)}) fails: {reason(failed)}"
        f"{_undeclared(suspect, probe, failed)}{'; the last rollout changed that probe' if changed else ''}"
        f"{f'; its log says: {waits.statement} ({quoted(waits)})' if waits else ''}.",
        resource=suspect.resource,
        severity=citing.severity_of(suspect.workload),
        confidence=confidence(Strength.MATCHED if changed else Strength.TOLD, confirmed=True),
        since=suspect.since,
        role=Role.CHANGE if changed else waits.role if waits else None,
        evidence=(
            citing.event(suspect.picture, failed),
            _probe(suspect, "readinessProbe", probe),
            citing.status(
                suspect,
                f"ready {suspect.state.ready}, {suspect.state.restarts} restarts",
                path=f"status.containerStatuses[{suspect.state.name}]",
                summary="running but not ready",
            ),
            citing.log(suspect.picture, suspect.log, waits.line) if waits else None,
            citing.change(suspect),
        ),
    )


def reason(failed: Event) -> str:
    """What the kubelet met, in words: the port is closed, the answer was a status, or nothing came in time."""
    said = failed.message.partition("probe failed:")[2].strip() or failed.message
    if "refused" in said:
        return "nothing listens on that port"
    if "statuscode:" in said:
        return f"the answer is HTTP {said.rpartition('statuscode:')[2].strip()[:3]}"
    lowered = said.lower()
    return "no answer in time" if "timeout" in lowered or "deadline" in lowered else said[:160]


def spelled(probe: Probe) -> str:
    """A probe in a few words."""
    return f"{probe.handler} {probe.path or ''} port {probe.port or '-'}".replace("  ", " ")


def _past_start(suspect: Suspect, probe: Probe, failed: Event) -> bool:
    """Either it has failed often enough to count, or it has run longer than its own start-up allowance."""
    if failed.count >= probe.failure_threshold:
        return True
    allowance = timedelta(seconds=probe.initial_delay + probe.period * (probe.failure_threshold + 1))
    return suspect.state.running_since is not None and suspect.picture.now - suspect.state.running_since >= allowance


def killer(suspect: Suspect) -> Literal["liveness", "startup"]:
    """Which probe the kubelet stopped the container for."""
    kill = killing(suspect)
    return "startup" if kill is not None and "startup probe" in kill.message else "liveness"


def lacking(suspect: Suspect) -> LogFinding | None:
    """What its log says it cannot reach: then the probe does its duty, and is not to be repaired."""
    said = told(suspect)
    return said if said is not None and said.role is Role.DEPENDENCY else None


def altered(suspect: Suspect, kind: str) -> bool:
    """Whether the last rollout changed that probe."""
    field = f"{suspect.asked.name} {kind} probe"
    return suspect.workload is not None and any(one.field == field for one in latest_change(suspect.workload))


def _undeclared(suspect: Suspect, probe: Probe, failed: Event) -> str:
    if "statuscode" in failed.message:
        return ""  # it was answered: the port is right, declared or not
    declared = {str(port.number) for port in suspect.asked.ports} | {port.name for port in suspect.asked.ports}
    return "; the container declares no such port" if probe.port and declared and probe.port not in declared else ""


def _probe(suspect: Suspect, field: str, probe: Probe) -> Evidence:
    return citing.status(
        suspect,
        spelled(probe),
        path=f"spec.containers[{suspect.asked.name}].{field}",
        summary=f"the {field} asks {spelled(probe)}",
    )
