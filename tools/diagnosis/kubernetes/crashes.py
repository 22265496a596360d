"""Rules about containers that end, or cannot even start, for a reason only their log or the runtime knows.

Source of every condition: the P0 table of our Kubernetes notes, measured against a real 1.36 API server.
"""

from __future__ import annotations

import re
from datetime import timedelta

from tools.diagnosis.confidence import Strength, confidence
from tools.diagnosis.kubernetes import citing
from tools.diagnosis.kubernetes.citing import Found
from tools.diagnosis.kubernetes.reasons import quoted, told
from tools.diagnosis.kubernetes.suspects import Suspect
from tools.evidence import Severity
from tools.reads.kubernetes.views import Event

KILLED = 137
"""128 + SIGKILL: what the kernel's OOM killer leaves, and the kubelet too when a container ignores SIGTERM."""

MOMENT = timedelta(minutes=1)
"""A container that crashed twice has to run this long before it counts as recovered."""

JUST_NOW = timedelta(minutes=10)
"""How long one restart of a container that is well again is worth a word."""

MEANINGS = {
    0: "it finishes, though it should go on running",
    126: "its command cannot be executed",
    127: "its command was not found",
    134: "it aborted",
    137: "it was killed",
    139: "it crashed: segmentation fault",
    143: "it was told to stop",
}
"""What exit codes mean to a shell and to the kernel."""

START_FAILURES = frozenset(
    {
        *("CreateContainerError", "RunContainerError", "PreCreateHookError", "PreStartHookError", "ImageInspectError"),
        "CreateContainerConfigError",  # what the configuration rules leave: runAsNonRoot, and an image that is root
    }
)


def container_start_failed(suspect: Suspect) -> Found | None:
    """k8s.container_start_failed: the runtime cannot create or run the container at all."""
    if suspect.state.waiting not in START_FAILURES:
        return None
    return citing.found(
        "k8s.container_start_failed",
        f"{suspect.resource.name} cannot start",
        f"Container {suspect.asked.name} cannot be started: {suspect.state.waiting}{_said(suspect.state.message)}.",
        resource=suspect.resource,
        severity=citing.severity_of(suspect.workload),
        confidence=confidence(Strength.FITTING),
        since=suspect.since,
        evidence=(
            citing.waiting(suspect),
            citing.event(suspect.picture, suspect.event("Failed")),
            citing.change(suspect),
        ),
    )


def crash_loop(suspect: Suspect) -> Found | None:
    """k8s.crash_loop: the container keeps ending and no other rule knows why. Its log often names what it misses."""
    if not crashed(suspect) or _is_run_of_a_job(suspect):
        return None
    end, reason = suspect.last_end, told(suspect)
    code = f"exit code {end.exit_code}{_meaning(end.exit_code)}" if end else "an unknown exit code"
    why = f"its log says: {reason.statement} ({quoted(reason)})" if reason else "its log may say why"
    return citing.found(
        "k8s.crash_loop",
        f"{suspect.resource.name} keeps crashing",
        f"Container {suspect.asked.name} ends with {code} again and again; {why}.",
        resource=suspect.resource,
        severity=citing.severity_of(suspect.workload),
        confidence=confidence(Strength.FITTING if reason else Strength.TOLD, confirmed=suspect.previous is not None),
        since=suspect.since,
        role=reason.role if reason else None,
        evidence=(
            citing.ending(suspect),
            citing.log(suspect.picture, suspect.log, reason.line if reason else ""),
            citing.change(suspect),
        ),
    )


def recent_restart(suspect: Suspect) -> Found | None:
    """k8s.recent_restart: it ended badly minutes ago, or more than once of late, and runs and is ready now."""
    end, state = suspect.last_end, suspect.state
    if end is None or end.finished is None or end.exit_code == 0 or not suspect.recovered or not suspect.ended_recently:
        return None
    lately = suspect.picture.now - end.finished <= JUST_NOW
    if killing(suspect) is not None or not (lately or state.restarts > 1):
        return None
    reason = told(suspect)
    why = f"; its log says: {reason.statement} ({quoted(reason)})" if reason else ""
    return citing.found(
        "k8s.recent_restart",
        f"{suspect.resource.name} restarted and is ready again",
        f"Container {suspect.asked.name} ended with exit code {end.exit_code}{_meaning(end.exit_code)} at "
        f"{end.finished:%H:%M} UTC, {state.restarts} times in all, and runs and is ready since{why}.",
        resource=suspect.resource,
        severity=Severity.SEV4,
        confidence=confidence(Strength.OBSERVED),
        since=end.finished,
        evidence=(
            citing.ending(suspect),
            citing.log(suspect.picture, suspect.log, reason.line if reason else ""),
            citing.change(suspect),
        ),
    )


def killing(suspect: Suspect) -> Event | None:
    """The newest event that says the kubelet stopped this very container; the others of its pod are not meant."""
    found = (event for event in reversed(suspect.events) if event.reason == "Killing")
    ours = re.compile(rf"(?i)container {re.escape(suspect.state.name)}\b")
    return next((event for event in found if ours.search(event.message) or "ontainer" not in event.message), None)


def crashed(suspect: Suspect) -> bool:
    """Whether the container is down because it ended: waiting to be restarted, just ended badly, or just up again.

    One that waits in CrashLoopBackOff after a clean end finishes its work where it should go on.
    """
    state, end = suspect.state, suspect.last_end
    if state.waiting == "CrashLoopBackOff":
        return True
    if end is None or end.exit_code == 0 or not suspect.ended_recently:
        return False
    if state.running_since is None:
        return state.terminated is not None
    # A loop runs for a moment between two crashes; without this the finding would come and go.
    return state.restarts > 1 and suspect.picture.now - state.running_since < MOMENT


def _is_run_of_a_job(suspect: Suspect) -> bool:
    """A Job's pod that ended for good is one try of several; `k8s.job_failed` speaks when the Job has given up."""
    return suspect.pod.owner_kind == "Job" and suspect.state.waiting != "CrashLoopBackOff"


def _meaning(code: int) -> str:
    return f" ({MEANINGS[code]})" if code in MEANINGS else ""


def _said(message: str) -> str:
    return f": {message.strip().rstrip('.')[:200]}" if message.strip() else ""
