"""Rules about pods that were placed on a node and cannot be set up there: volumes that do not mount, no sandbox.

Both hold a pod in ContainerCreating. The kubelet says why in events only, so the words are matched loosely and kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from tools import resources
from tools.diagnosis.kubernetes import citing, owners
from tools.diagnosis.kubernetes.citing import Found
from tools.diagnosis.kubernetes.suspects import judged_pods
from tools.evidence import Evidence
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Event, Pod, Template, Workload
from tools.resources import Resource

MOUNT_EVENTS = ("FailedMount", "FailedAttachVolume", "FailedMapVolume")
CREATING = frozenset({"", "ContainerCreating", "PodInitializing"})

_OBJECT = re.compile(r'(configmap|secret|persistentvolumeclaim) "([^"]{1,253})" not found', re.IGNORECASE)
_KEY = re.compile(r"references non-existent (?:config|secret) key:? (\S{1,253})")
_KINDS = {"configmap": "ConfigMap", "secret": "Secret", "persistentvolumeclaim": "PersistentVolumeClaim"}

_MOUNT_REASONS = (
    (re.compile(r"multi-attach", re.I), "the volume is still attached to another node"),
    (re.compile(r"not found in the list of registered CSI drivers", re.I), "the node lacks the volume's CSI driver"),
    (re.compile(r"permission denied|access denied|not authorized|UnauthorizedOperation", re.I), "access is denied"),
    (re.compile(r"no such host|connection refused|connection timed out|no route to host", re.I),
     "the storage server cannot be reached"),
    (re.compile(r"wrong fs type|bad superblock|can't read superblock", re.I), "its file system cannot be read"),
)  # fmt: skip

_SANDBOX_REASONS = (
    (re.compile(r"no (?:available )?ip addresses|no free ips?|failed to (?:assign|allocate) an? ip|"
                r"no addresses available|insufficient(?:free)?(?:cidr|ip)|no available ips|ip pool.{0,40}exhausted|"
                r"range is full", re.I),
     "the network has run out of pod addresses"),
    (re.compile(r"plugin not initialized|networkplugin.{0,20}not ready|cni.{0,200}(?:connection refused|no such file)|"
                r"failed to find plugin", re.I),
     "the node's network plugin is not working"),
    (re.compile(r"no space left on device", re.I), "the node's disk is full"),
    (re.compile(r"runtime ?(?:class|handler).{0,80}not (?:found|configured)|no runtime for", re.I),
     "the node lacks the container runtime the pod asks for"),
)  # fmt: skip


def findings(picture: Picture) -> Iterator[Found]:
    """Pods stuck before their first container, one finding for each owner, or for the node when it is the node."""
    stuck = [pod for pod in judged_pods(picture) if is_stuck(pod, picture)]
    yield from _mounts(stuck, picture)
    yield from _sandboxes(stuck, picture)


def is_stuck(pod: Pod, picture: Picture) -> bool:
    """Whether a pod has been placed and has waited for its first container for longer than a moment."""
    placed = pod.condition("PodScheduled")
    waits = pod.phase == "Pending" and not (placed is not None and placed.status == "False")
    creating = all(state.waiting in CREATING and state.running_since is None for state in pod.states)
    return waits and creating and owners.is_older(pod.created, owners.MOMENT, picture)


def missing_object(message: str) -> tuple[str, str] | None:
    """Kind and name of the object a mount waits for, where the kubelet names it."""
    match = _OBJECT.search(message)
    return (_KINDS[match[1].lower()], match[2]) if match else None


def wanted_by(owner: Resource, picture: Picture) -> Workload | None:
    """The workload whose last rollout began to mount the object its pods wait for; None where that is not so."""
    workload = picture.workload(owner.kind, owner.name)
    if workload is None or workload.previous is None:
        return None
    for pod in picture.pods_of(workload):
        failed = _mount_event(pod, picture) if is_stuck(pod, picture) else None
        missing = missing_object(failed.message) if failed else None
        if missing is not None:
            return None if _mounts_it(workload.previous.template, missing) else workload
    return None


def volume_mount_failed(pod: Pod, failed: Event, count: int, picture: Picture) -> Found:
    """k8s.volume_mount_failed: ContainerCreating for over a minute and FailedMount, FailedAttachVolume or the like."""
    owner, missing = owners.owner(pod, picture), missing_object(failed.message)
    workload = owners.workload_of(pod, picture)
    is_new = missing is not None and wanted_by(owner, picture) is not None
    came = f" Revision {workload.revision} began to mount it." if is_new and workload else ""
    referred = missing is not None and _mounts_it(pod.asked, missing)
    return citing.found(
        "k8s.volume_mount_failed",
        f"{owner.name} cannot mount a volume",
        f"{_pods(count, owner)} cannot start: {_mount_reason(failed, missing, picture)}.{came}",
        resource=owner,
        severity=owners.worst((pod,), picture),
        confidence=(9 if referred else 8 if missing else 7) + is_new,
        since=(workload.current.created if is_new and workload and workload.current else pod.created),
        evidence=(
            citing.event(picture, failed),
            _phase(pod, picture),
            _reference(pod, missing, picture) if missing else None,
            citing.what_changed(picture, workload) if workload else None,
        ),
    )


def sandbox_failed(pod: Pod, failed: Event, resource: Resource, pods: list[Pod], picture: Picture) -> Found:
    """k8s.sandbox_failed: ContainerCreating for over a minute and FailedCreatePodSandBox."""
    known = next((words for pattern, words in _SANDBOX_REASONS if pattern.search(failed.message)), None)
    on = f" on node {pod.node}" if pod.node else ""
    why = known or f"the runtime says: {failed.message[:200]}"
    return citing.found(
        "k8s.sandbox_failed",
        f"{resource.name} cannot set up pods" if resource.kind == "Node" else f"{resource.name} gets no pod sandbox",
        f"The sandbox of {owners.told(pods)} cannot be created{on}: {why}.",
        resource=resource,
        severity=owners.worst(pods, picture),
        confidence=8 if known else 6,
        since=min((one.created for one in pods if one.created), default=None),
        evidence=(citing.event(picture, failed), _phase(pod, picture), _placed(pod, picture)),
    )


def _mounts(stuck: list[Pod], picture: Picture) -> Iterator[Found]:
    for pods in owners.by_owner(stuck, picture).values():
        failing = [(pod, failed) for pod in pods if (failed := _mount_event(pod, picture))]
        if failing:
            yield volume_mount_failed(*failing[0], len(failing), picture)


def _mount_event(pod: Pod, picture: Picture) -> Event | None:
    """The newest event that names a reason; "timed out waiting for the condition" names none."""
    seen = [event for event in picture.events_of("Pod", pod.name) if event.reason in MOUNT_EVENTS]
    telling = [event for event in seen if "timed out waiting for the condition" not in event.message]
    found = telling or seen
    return found[-1] if found else None


def _mount_reason(failed: Event, missing: tuple[str, str] | None, picture: Picture) -> str:
    if missing is not None:
        kind, name = missing
        near = get_close_matches(name, picture.config_maps, 1) if kind == "ConfigMap" else []
        return f"{kind} {name}, which it mounts, does not exist{f'; {near[0]} exists' if near else ''}"
    key = _KEY.search(failed.message)
    if key is not None:
        return f"what it mounts has no key {key[1]}"
    known = next((words for pattern, words in _MOUNT_REASONS if pattern.search(failed.message)), None)
    return known or f"a volume cannot be mounted, the kubelet says: {failed.message[:200]}"


def _sandboxes(stuck: list[Pod], picture: Picture) -> Iterator[Found]:
    failing = [
        (pod, failed)
        for pod in stuck
        if (failed := owners.newest(picture.events_of("Pod", pod.name), "FailedCreatePodSandBox"))
    ]
    for node in dict.fromkeys(pod.node for pod, _ in failing):
        here = [(pod, failed) for pod, failed in failing if pod.node == node]
        grouped = owners.by_owner((pod for pod, _ in here), picture)
        # Several workloads that fail on one node have nothing in common but the node.
        if node and len(grouped) > 1:
            everyone = [pod for pod, _ in here]
            yield sandbox_failed(*here[0], resources.kubernetes("", "Node", node), everyone, picture)
            continue
        for resource, pods in grouped.items():
            event = next(failed for pod, failed in here if pod == pods[0])
            yield sandbox_failed(pods[0], event, resource, list(pods), picture)


def _mounts_it(asked: Template, missing: tuple[str, str]) -> bool:
    return any((one.kind, one.name) == missing for one in asked.volumes)


def _reference(pod: Pod, missing: tuple[str, str], picture: Picture) -> Evidence | None:
    kind, name = missing
    volume = next((one.volume for one in pod.asked.volumes if (one.kind, one.name) == missing), None)
    if volume is None:
        return None
    path = f"spec.volumes[{volume}]"
    return citing.quote(picture, f"pods/{pod.name}", path, f"{kind} {name}", f"volume {volume} is {kind} {name}")


def _phase(pod: Pod, picture: Picture) -> Evidence:
    waiting = next((state.waiting for state in pod.states if state.waiting), "no container yet")
    return citing.quote(picture, f"pods/{pod.name}", "status.phase", f"{pod.phase}, {waiting}", f"it waits: {waiting}")


def _placed(pod: Pod, picture: Picture) -> Evidence:
    return citing.quote(picture, f"pods/{pod.name}", "spec.nodeName", pod.node, f"placed on {pod.node or 'no node'}")


def _pods(count: int, owner: Resource) -> str:
    return f"{count} pods of {owner.name}" if count > 1 else f"A pod of {owner.name}"
