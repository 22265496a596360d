"""Jobs: pods that run to an end, as many as it takes, until enough succeeded or too many failed."""

from __future__ import annotations

from collections.abc import Iterable

from deploy.sandbox.cluster.controllers.claiming import pod_from_template
from deploy.sandbox.cluster.controllers.replicasets import CONTROLLER_MANAGER, RETRY_SECONDS
from deploy.sandbox.cluster.objects.refusals import Refusal
from deploy.sandbox.cluster.objects.resources import JOBS, PODS
from deploy.sandbox.cluster.objects.shapes import (
    Key,
    Object,
    condition,
    condition_of,
    controller_of,
    is_finished,
    is_leaving,
    is_ready,
    key_of,
    status_of,
    uid_of,
    without_zeros,
)
from deploy.sandbox.cluster.objects.store import Change
from deploy.sandbox.cluster.plane import Plane

_COMPONENT = "job-controller"
_FIRST_BACK_OFF = 10.0
_LONGEST_BACK_OFF = 360.0


class Jobs:
    """The controller of Jobs."""

    interests = (JOBS, PODS)

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._failed_at: dict[str, tuple[int, float]] = {}

    def concerns(self, change: Change) -> Iterable[Key]:
        """A job itself, or the job of a pod."""
        if change.resource is JOBS:
            return (key_of(change.item),)
        owner = controller_of(change.item)
        mine = owner is not None and owner["kind"] == "Job"
        return (Key(change.item["metadata"]["namespace"], owner["name"]),) if mine and owner else ()

    def reconcile(self, key: Key) -> float | None:
        """Count, decide whether the job is over, else see that enough pods run."""
        job = self._plane.store.get(JOBS, *key)
        if job is None or is_leaving(job) or _is_over(job):
            return None
        pods = self._plane.store.owned_pods(uid_of(job))
        succeeded = sum(1 for pod in pods if status_of(pod).get("phase") == "Succeeded")
        failed = sum(1 for pod in pods if status_of(pod).get("phase") == "Failed")
        restarts = sum(_restarts(pod) for pod in pods if not is_finished(pod))
        active = [pod for pod in pods if not is_finished(pod) and not is_leaving(pod)]
        end = ""
        if failed + restarts > job["spec"].get("backoffLimit", 6):
            end = "Failed"
        elif succeeded >= (job["spec"].get("completions") or 1):
            end = "Complete"
        wake = None
        if end or job["spec"].get("suspend"):
            for pod in active:
                self._plane.registry.delete(PODS, pod)
            active = []
        else:
            wake = self._fill(job, succeeded, failed, len(active))
        self._report(key, succeeded, failed, end)
        return wake

    def _fill(self, job: Object, succeeded: int, failed: int, active: int) -> float | None:
        """Start the pods that are missing, after a pause when one has just failed."""
        now = self._plane.clock.now()
        known, since = self._failed_at.get(uid_of(job), (0, now))
        if failed > known:
            since = now
        self._failed_at[uid_of(job)] = (failed, since)
        pause = min(_FIRST_BACK_OFF * 2 ** (failed - 1), _LONGEST_BACK_OFF) if failed else 0.0
        if now < since + pause:
            return since + pause
        left = (job["spec"].get("completions") or 1) - succeeded
        for _ in range(min(job["spec"].get("parallelism", 1), left) - active):
            body = pod_from_template(job, job["spec"]["template"])
            try:
                pod = self._plane.registry.create(PODS, job["metadata"]["namespace"], body, CONTROLLER_MANAGER)
            except Refusal as refusal:
                text = f"Error creating: {refusal.message}"
                self._plane.recorder.warning(job, "FailedCreate", text, _COMPONENT)
                return now + RETRY_SECONDS
            text = f"Created pod: {pod['metadata']['name']}"
            self._plane.recorder.normal(job, "SuccessfulCreate", text, _COMPONENT)
        return None

    def _report(self, key: Key, succeeded: int, failed: int, end: str) -> None:
        job = self._plane.store.get(JOBS, *key)
        if job is None:
            return
        at = self._plane.clock.stamp()
        live = [
            pod for pod in self._plane.store.owned_pods(uid_of(job)) if not is_finished(pod) and not is_leaving(pod)
        ]
        counts: Object = {
            "startTime": status_of(job).get("startTime") or at,
            "active": len(live),
            "ready": sum(map(is_ready, live)),
            "succeeded": succeeded,
            "failed": failed,
            "uncountedTerminatedPods": {},
        }
        status = without_zeros(counts, keep=("ready", "uncountedTerminatedPods"))
        if end:
            status |= self._end(job, end, at)
        elif job["spec"].get("suspend"):
            status["conditions"] = [condition(job, "Suspended", True, "JobSuspended", "Job suspended", at)]
        self._plane.registry.write_status(JOBS, job, status)

    def _end(self, job: Object, end: str, at: str) -> Object:
        if end == "Complete":
            reason, text = "CompletionsReached", "Reached expected number of succeeded pods"
            self._plane.recorder.normal(job, "Completed", "Job completed", _COMPONENT)
            kinds, extra = ("SuccessCriteriaMet", "Complete"), {"completionTime": at}
        else:
            reason, text = "BackoffLimitExceeded", "Job has reached the specified backoff limit"
            self._plane.recorder.warning(job, reason, text, _COMPONENT)
            kinds, extra = ("FailureTarget", "Failed"), {}
        return {**extra, "conditions": [condition(job, kind, True, reason, text, at) for kind in kinds]}


def _is_over(job: Object) -> bool:
    ends = (condition_of(job, kind) for kind in ("Complete", "Failed"))
    return any(found is not None and found["status"] == "True" for found in ends)


def _restarts(pod: Object) -> int:
    return sum(entry["restartCount"] for entry in status_of(pod).get("containerStatuses") or [])
