"""The scheduler: which node a pod may go to, and the real one's words when there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from deploy.sandbox.cluster.controllers.placement import Load, claim_problem, load_of, misfits
from deploy.sandbox.cluster.objects.resources import CLAIMS, NODES, PODS
from deploy.sandbox.cluster.objects.shapes import Key, Object, condition, is_finished, is_leaving, key_of, status_of
from deploy.sandbox.cluster.objects.store import Change
from deploy.sandbox.cluster.plane import Plane

_COMPONENT = "default-scheduler"
_QUEUE = Key("", "queue")


@dataclass
class _Candidate:
    """A node during one pass, with what is on it so far."""

    node: Object
    load: Load


class Scheduler:
    """Binds pods to nodes."""

    interests = (PODS, NODES, CLAIMS)

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._waiting: dict[Key, None] = {}

    def concerns(self, change: Change) -> Iterable[Key]:
        """New pods; and, when any pod waits, whatever may make room."""
        item, before = change.item, change.before
        if change.resource is PODS:
            key = key_of(item)
            if change.kind != "DELETED" and not item["spec"].get("nodeName"):
                self._waiting[key] = None
                is_new = before is None or before["spec"] is not item["spec"]
                return (_QUEUE,) if is_new else ()
            self._waiting.pop(key, None)
            makes_room = change.kind == "DELETED" or is_finished(item)
            return (_QUEUE,) if self._waiting and makes_room else ()
        if change.resource is NODES and before is not None and _same_node(item, before):
            return ()
        return (_QUEUE,) if self._waiting else ()

    def reconcile(self, key: Key) -> float | None:
        """One pass over the waiting pods."""
        nodes = sorted(self._plane.store.all(NODES), key=lambda node: str(node["metadata"]["name"]))
        candidates = [_Candidate(node, load_of(self._plane.store.pods_on(node["metadata"]["name"]))) for node in nodes]
        for waiting in list(self._waiting):
            pod = self._plane.store.get(PODS, *waiting)
            if pod is None or pod["spec"].get("nodeName"):
                self._waiting.pop(waiting, None)
            elif not is_leaving(pod) and pod["spec"].get("schedulerName") == "default-scheduler":
                self._place(pod, candidates)
        return None

    def _place(self, pod: Object, candidates: list[_Candidate]) -> None:
        if pod["spec"].get("schedulingGates"):
            text = "Scheduling is blocked due to non-empty scheduling gates"
            self._hold(pod, "SchedulingGated", text, silent=True)
            return
        if problem := claim_problem(self._plane.store, pod):
            self._hold(pod, "Unschedulable", f"0/{len(candidates)} nodes are available: {problem}.")
            return
        load = load_of([pod])
        reasons = [(misfits(pod, load, candidate.node, candidate.load), candidate) for candidate in candidates]
        fitting = [candidate for why, candidate in reasons if not why]
        if fitting:
            best = min(fitting, key=lambda candidate: candidate.load.pods)
            best.load += load
            self._bind(pod, best.node["metadata"]["name"])
        else:
            self._hold(pod, "Unschedulable", _refusal(len(candidates), [why for why, _ in reasons]))

    def _bind(self, pod: Object, node: str) -> None:
        meta = pod["metadata"]
        bound = {**pod, "metadata": dict(meta), "spec": {**pod["spec"], "nodeName": node}}
        at = self._plane.clock.stamp()
        bound["status"] = {**status_of(pod), "conditions": [condition(pod, "PodScheduled", True, "", "", at)]}
        self._plane.store.put(PODS, bound, pod)
        text = f"Successfully assigned {meta['namespace']}/{meta['name']} to {node}"
        self._plane.recorder.normal(pod, "Scheduled", text, _COMPONENT)

    def _hold(self, pod: Object, reason: str, message: str, silent: bool = False) -> None:
        fresh = condition(pod, "PodScheduled", False, reason, message, self._plane.clock.stamp())
        status = {**status_of(pod), "phase": "Pending", "conditions": [fresh]}
        if status != status_of(pod):
            self._plane.registry.write_status(PODS, pod, status)
            if not silent:
                self._plane.recorder.warning(pod, "FailedScheduling", message, _COMPONENT)


def _same_node(item: Object, before: Object) -> bool:
    same_room = status_of(item).get("allocatable") == status_of(before).get("allocatable")
    return bool(
        item["spec"] == before["spec"]
        and same_room
        and item["metadata"].get("labels") == before["metadata"].get("labels")
    )


def _refusal(nodes: int, reasons: list[list[str]]) -> str:
    counted = Counter(reason for node_reasons in reasons for reason in node_reasons)
    listed = ", ".join(f"{count} {reason}" for reason, count in sorted(counted.items(), key=lambda entry: entry[0]))
    if not nodes:
        return "no nodes available to schedule pods"
    helpless = f"preemption: 0/{nodes} nodes are available: {nodes} Preemption is not helpful for scheduling."
    return f"0/{nodes} nodes are available: {listed}. {helpless}"
