"""A pod's status as the kubelet reports it: container states, conditions, phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deploy.sandbox.cluster.kubelet.states import Container, Phase, Termination, back_off
from deploy.sandbox.cluster.objects.defaults import quality_of_service
from deploy.sandbox.cluster.objects.names import pod_address
from deploy.sandbox.cluster.objects.shapes import Object, condition, status_of

_WAITING = {
    Phase.PULLING: "ContainerCreating",
    Phase.PULL_BACK_OFF: "ImagePullBackOff",
    Phase.BLOCKED: "CreateContainerConfigError",
    Phase.CRASHED: "CrashLoopBackOff",
}


def pod_status(
    pod: Object, containers: Mapping[str, Container], initialized: bool, node_address: str, at: str, stopping: bool
) -> Object:
    """The whole status of a pod bound to a node."""
    old = status_of(pod)
    spec = pod["spec"]
    mains = [_container_status(pod, entry, containers.get(entry["name"]), initialized) for entry in spec["containers"]]
    inits = [_container_status(pod, entry, containers.get(entry["name"]), True) for entry in _inits(spec)]
    runs = [containers[entry["name"]] for entry in spec["containers"] if entry["name"] in containers]
    phase = _phase(runs, len(spec["containers"]))
    address = pod_address(pod["metadata"]["uid"])
    status = {
        "observedGeneration": pod["metadata"].get("generation", 1),
        "phase": phase,
        "hostIP": node_address,
        "hostIPs": [{"ip": node_address}],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": old.get("startTime") or at,
        "qosClass": old.get("qosClass") or quality_of_service(spec),
        "conditions": _conditions(pod, mains, phase, initialized, at, stopping),
        "containerStatuses": mains,
    }
    return {**status, "initContainerStatuses": inits} if inits else status


def _inits(spec: Object) -> list[Object]:
    return list(spec.get("initContainers") or [])


def _phase(runs: Sequence[Container], expected: int) -> str:
    if len(runs) == expected and all(run.phase is Phase.ENDED for run in runs):
        return "Succeeded" if all(run.last and run.last.exit_code == 0 for run in runs) else "Failed"
    has_run = any(run.phase in (Phase.RUNNING, Phase.ENDED) or run.restarts or run.last for run in runs)
    return "Running" if has_run else "Pending"


def _conditions(
    pod: Object, mains: Sequence[Object], phase: str, initialized: bool, at: str, stopping: bool
) -> list[Object]:
    unready = [entry["name"] for entry in mains if not entry["ready"] or stopping]
    text = f"containers with unready status: [{' '.join(unready)}]"
    reason, message = ("ContainersNotReady", text) if unready else ("", "")
    if phase == "Succeeded":
        reason, message = "PodCompleted", ""
    pending = ("", "") if initialized else ("ContainersNotInitialized", "containers with incomplete status")
    return [
        condition(pod, "PodReadyToStartContainers", True, "", "", at),
        condition(pod, "Initialized", initialized, *pending, at),
        condition(pod, "Ready", not unready, reason, message, at),
        condition(pod, "ContainersReady", not unready, reason, message, at),
        condition(pod, "PodScheduled", True, "", "", at),
    ]


def _container_status(pod: Object, spec: Object, run: Container | None, initialized: bool) -> Object:
    if run is None:
        waiting = "ContainerCreating" if initialized else "PodInitializing"
        return _status(spec, {"waiting": {"reason": waiting}}, {}, False, False, 0)
    last: Object = {"terminated": _terminated(pod, spec, run.last)} if run.last else {}
    state = _state(pod, spec, run)
    if state == last:  # until it starts again the container's state *is* its end; only then is it the last state
        last = {}
    status = _status(spec, state, last, run.ready, run.started, run.restarts)
    if run.phase is Phase.RUNNING:
        status["containerID"] = container_id(pod, spec["name"], run.restarts)
    elif run.last:
        status["containerID"] = container_id(pod, spec["name"], run.last.instance)
    return status


def _status(spec: Object, state: Object, last: Object, ready: bool, started: bool, restarts: int) -> Object:
    return {
        "name": spec["name"],
        "image": spec["image"],
        "imageID": "",
        "state": state,
        "lastState": last,
        "ready": ready,
        "started": started,
        "restartCount": restarts,
    }


def _state(pod: Object, spec: Object, run: Container) -> Object:
    if run.phase is Phase.RUNNING:
        return {"running": {"startedAt": run.since_stamp}}
    at_once = run.phase is Phase.CRASHED and back_off(run.crashes) < 1
    if run.last and (run.phase is Phase.ENDED or at_once):
        return {"terminated": _terminated(pod, spec, run.last)}
    reason = run.reason if run.phase is Phase.PULL_FAILED else _WAITING[run.phase]
    if run.phase is Phase.PULLING and run.pulls:  # the kubelet tells of the last failure until an attempt succeeds
        reason = _WAITING[Phase.PULL_BACK_OFF]
    message = _crash_text(pod, spec, run) if run.phase is Phase.CRASHED else run.message
    return {"waiting": {"reason": reason, "message": message} if message else {"reason": reason}}


def _crash_text(pod: Object, spec: Object, run: Container) -> str:
    wait = round(back_off(run.crashes))
    shown = f"{wait // 60}m{wait % 60}s" if wait >= 60 else f"{wait}s"
    return f"back-off {shown} restarting failed container={spec['name']} pod={full_name(pod)}"


def _terminated(pod: Object, spec: Object, end: Termination) -> Object:
    return {
        "exitCode": end.exit_code,
        "reason": end.reason,
        "startedAt": end.started_at,
        "finishedAt": end.finished_at,
        "containerID": container_id(pod, spec["name"], end.instance),
    }


def container_id(pod: Object, container: str, run: int) -> str:
    """The id of one run of a container."""
    return f"sandbox://{pod['metadata']['uid'][:8]}-{container}-{run}"


def full_name(pod: Object) -> str:
    """`name_namespace(uid)`, as the kubelet's messages name a pod."""
    meta = pod["metadata"]
    return f"{meta['name']}_{meta['namespace']}({meta['uid']})"
