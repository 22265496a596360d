"""What a Deployment reports: counts, Available, Progressing with its deadline, and a ReplicaSet's failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.sandbox.cluster.controllers.rollouts import room_of
from deploy.sandbox.cluster.objects.shapes import Object, condition, condition_of, status_of, without_zeros

_DONE = "NewReplicaSetAvailable"
_LATE = "ProgressDeadlineExceeded"


@dataclass(frozen=True)
class Progress:
    """The last step a rollout made, and until when the next must come."""

    seen: tuple[object, ...]
    since: float
    since_stamp: str
    late_at: float | None


def deployment_status(
    deployment: Object, new: Object | None, sets: Sequence[Object], before: Progress | None, now: float, stamp: str
) -> tuple[Object, Progress]:
    """The status now, and the progress it rests on."""
    counts = _counts(deployment, new, sets)
    seen = (
        new["metadata"]["name"] if new else "",
        *(counts[name] for name in ("replicas", "updated", "ready", "available")),
    )
    moved = before is None or before.seen != seen
    since, since_stamp = (now, stamp) if moved or before is None else (before.since, before.since_stamp)
    deadline = since + deployment["spec"].get("progressDeadlineSeconds", 600)
    progressing = _progressing(deployment, new, counts, is_late=now >= deadline, stamp=stamp, since=since_stamp)
    waits = progressing["reason"] not in (_DONE, _LATE, "DeploymentPaused")
    conditions = [_available(deployment, counts["available"], stamp), progressing, *_failures(deployment, sets, stamp)]
    status = {
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": counts["replicas"],
        "updatedReplicas": counts["updated"],
        "readyReplicas": counts["ready"],
        "availableReplicas": counts["available"],
        "unavailableReplicas": max(0, deployment["spec"]["replicas"] - counts["available"]),
        "terminatingReplicas": counts["terminating"],
        "conditions": conditions,
    }
    kept = without_zeros(status, keep=("observedGeneration",))
    return kept, Progress(seen, since, since_stamp, deadline if waits else None)


def _counts(deployment: Object, new: Object | None, sets: Sequence[Object]) -> dict[str, int]:
    def total(name: str) -> int:
        return sum(status_of(item).get(name, 0) for item in sets)

    return {
        "replicas": total("replicas"),
        "updated": status_of(new).get("replicas", 0) if new else 0,
        "ready": total("readyReplicas"),
        "available": total("availableReplicas"),
        "terminating": total("terminatingReplicas"),
        "wanted": deployment["spec"]["replicas"],
    }


def _available(deployment: Object, available: int, stamp: str) -> Object:
    room = room_of(deployment["spec"])
    enough = available >= room.replicas - room.unavailable
    reason = "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable"
    text = "Deployment has minimum availability." if enough else "Deployment does not have minimum availability."
    return _updated(condition(deployment, "Available", enough, reason, text, stamp), deployment, stamp)


def _progressing(
    deployment: Object, new: Object | None, counts: dict[str, int], is_late: bool, stamp: str, since: str
) -> Object:
    before = condition_of(deployment, "Progressing")
    holds, reason, text = _progress(deployment, new, counts, before, is_late)
    fresh = condition(deployment, "Progressing", holds, reason, text, stamp)
    return fresh | {"lastUpdateTime": since if reason not in (_DONE, _LATE) else _update_time(before, fresh, stamp)}


def _progress(
    deployment: Object, new: Object | None, counts: dict[str, int], before: Object | None, is_late: bool
) -> tuple[bool | None, str, str]:
    if deployment["spec"].get("paused"):
        return None, "DeploymentPaused", "Deployment is paused"
    name = new["metadata"]["name"] if new else ""
    current = counts["replicas"] == counts["updated"] == counts["wanted"]
    if current and counts["available"] >= counts["wanted"]:
        return True, _DONE, f'ReplicaSet "{name}" has successfully progressed.'
    if before and before["reason"] == _DONE and counts["replicas"] == counts["updated"] and name in before["message"]:
        return True, _DONE, before["message"]  # once done, a rollout is not undone by pods that fail later
    if is_late:
        return False, _LATE, f'ReplicaSet "{name}" has timed out progressing.'
    if counts["updated"] == 0:
        return True, "NewReplicaSetCreated", f'Created new replica set "{name}"'
    return True, "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.'


def _failures(deployment: Object, sets: Sequence[Object], stamp: str) -> list[Object]:
    found = [failure for failure in (condition_of(item, "ReplicaFailure") for item in sets) if failure]
    if not found:
        return []
    fresh = condition(deployment, "ReplicaFailure", True, found[-1]["reason"], found[-1]["message"], stamp)
    return [_updated(fresh, deployment, stamp)]


def _updated(fresh: Object, deployment: Object, stamp: str) -> Object:
    return fresh | {"lastUpdateTime": _update_time(condition_of(deployment, fresh["type"]), fresh, stamp)}


def _update_time(before: Object | None, fresh: Object, stamp: str) -> str:
    same = before is not None and all(before.get(name) == fresh.get(name) for name in ("status", "reason", "message"))
    return str(before["lastUpdateTime"]) if before is not None and same else stamp
