"""Rules about probes: containers killed by their liveness probe, pods kept from traffic by their readiness probe."""

from __future__ import annotations

from datetime import timedelta

from tools.diagnosis.kubernetes import citing
from tools.diagnosis.kubernetes.changes import latest_change
from tools.diagnosis.kubernetes.citing import Found
from tools.diagnosis.kubernetes.suspects import Suspect
from tools.evidence import Evidence
from tools.reads.kubernetes.picture import Event, Probe

FORCED = (137, 143)
"""Exit codes of a container that was told to stop."""


def liveness_kills(suspect: Suspect) -> Found | None:
    """k8s.liveness_kills: events `Liveness probe failed` and Killing, restarts rising, and it was not memory."""
    failed, killing = suspect.event("Unhealthy", "Liveness probe failed"), suspect.event("Killing")
    end = suspect.last_end
    if failed is None or killing is None or end is None or suspect.asked.liveness is None:
        return None
    if end.exit_code not in FORCED or end.reason == "OOMKilled" or not suspect.ended_recently:
        return None
    altered = _altered(suspect, "liveness")
    return citing.found(
        "k8s.liveness_kills",
        f"{suspect.resource.name} is killed by its liveness probe",
        f"Container {suspect.asked.name} is restarted because its liveness probe ({spelled(suspect.asked.liveness)}) "
        f"fails: {reason(failed)}{'; the last rollout changed that probe' if altered else ''}.",
        resource=suspect.resource,
        severity=citing.severity_of(suspect.workload),
        confidence=9 if altered else 7,
        evidence=(
            citing.event(suspect.picture, failed),
            citing.event(suspect.picture, killing),
            _probe(suspect, "livenessProbe", suspect.asked.liveness),
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
    altered = _altered(suspect, "readiness")
    return citing.found(
        "k8s.readiness_failing",
        f"{suspect.resource.name} never becomes ready",
        f"Container {suspect.asked.name} runs but its readiness probe ({spelled(probe)}) fails: {reason(failed)}"
        f"{_undeclared(suspect, probe)}{'; the last rollout changed that probe' if altered else ''}.",
        resource=suspect.resource,
        severity=citing.severity_of(suspect.workload),
        confidence=9 if altered else 6,
        evidence=(
            citing.event(suspect.picture, failed),
            _probe(suspect, "readinessProbe", probe),
            citing.status(
                suspect,
                f"ready {suspect.state.ready}, {suspect.state.restarts} restarts",
                path=f"status.containerStatuses[{suspect.state.name}]",
                summary="running but not ready",
            ),
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


def _altered(suspect: Suspect, kind: str) -> bool:
    field = f"{suspect.asked.name} {kind} probe"
    return suspect.workload is not None and any(one.field == field for one in latest_change(suspect.workload))


def _undeclared(suspect: Suspect, probe: Probe) -> str:
    declared = {str(port.number) for port in suspect.asked.ports} | {port.name for port in suspect.asked.ports}
    return "; the container declares no such port" if probe.port and declared and probe.port not in declared else ""


def _probe(suspect: Suspect, field: str, probe: Probe) -> Evidence:
    return citing.status(
        suspect,
        spelled(probe),
        path=f"spec.containers[{suspect.asked.name}].{field}",
        summary=f"the {field} asks {spelled(probe)}",
    )
