"""Subresources that are not just part of their object: scale, log, eviction, binding, token."""

from __future__ import annotations

from datetime import timedelta

from deploy.sandbox.cluster.api.access import account_token
from deploy.sandbox.cluster.api.bodies import decode_object
from deploy.sandbox.cluster.api.calls import Request, Write, is_dry_run
from deploy.sandbox.cluster.api.deletion import options_in
from deploy.sandbox.cluster.api.patching import patched
from deploy.sandbox.cluster.clock import read_stamp
from deploy.sandbox.cluster.controllers.budgets import Healthy, healthy_pods
from deploy.sandbox.cluster.kubelet.logs import Line, chatter
from deploy.sandbox.cluster.objects.ownership import Manager
from deploy.sandbox.cluster.objects.refusals import bad_request, blocked_by_budget, conflict
from deploy.sandbox.cluster.objects.resources import BUDGETS, PODS, Resource
from deploy.sandbox.cluster.objects.selectors import selector_text, selects
from deploy.sandbox.cluster.objects.shapes import Object, is_leaving, is_ready, labels_of, status_of, uid_of
from deploy.sandbox.cluster.plane import Plane

SUCCESS: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
_NOT_PULLED = ("ErrImagePull", "ImagePullBackOff")


def scale_of(item: Object) -> Object:
    """An object's Scale. Zero replicas are left out, as Go leaves out zero values."""
    meta = item["metadata"]
    kept = {name: meta[name] for name in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")}
    replicas = item["spec"].get("replicas", 0)
    status = {"replicas": status_of(item).get("replicas", 0), "selector": selector_text(item["spec"].get("selector"))}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": kept,
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


def set_scale(plane: Plane, request: Request, resource: Resource, current: Object, write: Write) -> Object:
    """PUT or PATCH of a Scale: only the replicas count."""
    before = scale_of(current)
    wanted = decode_object(request) if request.method == "PUT" else patched(request, before, "V1Scale")
    uid = (wanted.get("metadata") or {}).get("uid")
    if uid and uid != uid_of(current):
        raise conflict(resource, current["metadata"]["name"], f"Precondition failed: UID in precondition: {uid}")
    replicas = (wanted.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int):
        raise bad_request("json: cannot unmarshal into Go struct field ScaleSpec.spec.replicas of type int32")
    revision = (wanted.get("metadata") or {}).get("resourceVersion") or current["metadata"]["resourceVersion"]
    scaled = {
        **current,
        "metadata": {**current["metadata"], "resourceVersion": revision},
        "spec": {**current["spec"], "replicas": replicas},
    }
    manager = Manager(write.manager, "Update", "scale")
    return plane.registry.update(resource, current, scaled, manager, write.dry_run)


def evict(plane: Plane, request: Request, pod: Object) -> bool:
    """Evict a pod if its budgets allow it; returns whether it was a dry run. Either place may ask for one."""
    body = decode_object(request)
    how, pretend = options_in(body.get("deleteOptions") or {})
    dry_run = pretend or is_dry_run(request.query.get("dryRun"))
    if not is_leaving(pod):
        _check_budgets(plane, pod)
    plane.registry.delete(PODS, pod, how, dry_run)
    return dry_run


def _check_budgets(plane: Plane, pod: Object) -> None:
    for budget in plane.store.all(BUDGETS, pod["metadata"]["namespace"]):
        if selects(budget["spec"].get("selector"), labels_of(pod)):
            found: Healthy = healthy_pods(plane, budget)
            # a pod that is not ready protects nothing as long as the others suffice
            costs = is_ready(pod)
            if found.healthy - costs < found.needed:
                raise blocked_by_budget(budget["metadata"]["name"], found.needed, found.healthy)


def bind(plane: Plane, request: Request, pod: Object) -> None:
    """Bind a pod to the node a scheduler chose."""
    node = ((decode_object(request).get("target")) or {}).get("name", "")
    if pod["spec"].get("nodeName"):
        raise conflict(PODS, pod["metadata"]["name"], f"pod is already assigned to node {pod['spec']['nodeName']}")
    bound = {**pod, "metadata": dict(pod["metadata"]), "spec": {**pod["spec"], "nodeName": node}}
    plane.store.put(PODS, bound, pod)


def token_of(plane: Plane, request: Request, account: Object) -> Object:
    """A TokenRequest with its token; tokens here do not expire."""
    meta = account["metadata"]
    expires = plane.clock.moment() + timedelta(hours=1)
    status = {
        "token": account_token(meta["namespace"], meta["name"]),
        "expirationTimestamp": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return {
        **decode_object(request),
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "status": status,
    }


def log_of(plane: Plane, request: Request, pod: Object) -> bytes:
    """A container's log, or 400 with the reason why there is none."""
    container = _container(request, pod)
    entry = next((item for item in _statuses(pod) if item["name"] == container), {})
    run = _run_of(request, pod, container, entry)
    lines = plane.runtime.logs.lines(uid_of(pod), container, run) + _chatter(plane, entry)
    return _text(plane, request, lines)


def _container(request: Request, pod: Object) -> str:
    every = (pod["spec"].get("initContainers") or []) + pod["spec"]["containers"]
    names = [entry["name"] for entry in every]
    wanted = request.query.get("container")
    if not wanted:
        mains = [entry["name"] for entry in pod["spec"]["containers"]]
        if len(mains) > 1:
            text = f"a container name must be specified for pod {pod['metadata']['name']}"
            raise bad_request(f"{text}, choose one of: [{' '.join(mains)}]")
        return str(mains[0])
    if wanted not in names:
        raise bad_request(f"container {wanted} is not valid for pod {pod['metadata']['name']}")
    return wanted


def _statuses(pod: Object) -> list[Object]:
    status = status_of(pod)
    return (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or [])


def _run_of(request: Request, pod: Object, container: str, entry: Object) -> int:
    """Which run's log is meant, by the kubelet's rules: a crashed container's current log is its last run's."""
    where = f'container "{container}" in pod "{pod["metadata"]["name"]}"'
    state, last = entry.get("state") or {}, (entry.get("lastState") or {}).get("terminated")
    if request.asks("previous"):
        if not last:
            raise bad_request(f"previous terminated {where} not found")
        return _instance(last)
    if state.get("running"):
        return int(entry["restartCount"])
    if ended := state.get("terminated") or last:
        return _instance(ended)
    reason = (state.get("waiting") or {}).get("reason", "ContainerCreating")
    shown = "trying and failing to pull image" if reason in _NOT_PULLED else reason
    raise bad_request(f"{where} is waiting to start: {shown}")


def _instance(terminated: Object) -> int:
    return int(terminated["containerID"].rsplit("-", 1)[-1])


def _chatter(plane: Plane, entry: Object) -> list[Line]:
    running = (entry.get("state") or {}).get("running")
    app = plane.app(entry.get("image", ""))
    if not running or app is None:
        return []
    return list(chatter(app, read_stamp(running["startedAt"]), plane.clock.moment()))


def _text(plane: Plane, request: Request, lines: list[Line]) -> bytes:
    query = request.query
    if since := query.get("sinceSeconds"):
        oldest = plane.clock.moment() - timedelta(seconds=int(since))
        lines = [line for line in lines if line.at >= oldest]
    if since := query.get("sinceTime"):
        lines = [line for line in lines if line.at >= read_stamp(since)]
    if tail := query.get("tailLines"):
        lines = lines[-int(tail) :] if int(tail) else []
    stamped = request.asks("timestamps")
    text = "".join(f"{line.at:%Y-%m-%dT%H:%M:%S.%fZ} {line.text}\n" if stamped else f"{line.text}\n" for line in lines)
    limit = query.get("limitBytes")
    return text.encode()[: int(limit)] if limit else text.encode()
