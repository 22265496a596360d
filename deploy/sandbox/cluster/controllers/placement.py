"""Whether a pod fits a node: requests, selectors, affinity, taints, cordons, claims. Pure but for the claims."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from deploy.sandbox.cluster.objects.quantities import quantity
from deploy.sandbox.cluster.objects.resources import CLAIMS
from deploy.sandbox.cluster.objects.shapes import Object, is_finished, labels_of, status_of
from deploy.sandbox.cluster.objects.store import Store


@dataclass(frozen=True)
class Load:
    """What pods ask of a node: cores, bytes, slots."""

    cpu: float = 0.0
    memory: float = 0.0
    pods: int = 0

    def __add__(self, other: Load) -> Load:
        return Load(self.cpu + other.cpu, self.memory + other.memory, self.pods + other.pods)


def load_of(pods: Iterable[Object]) -> Load:
    """What these pods ask for together; finished pods ask for nothing."""
    cpu, memory, count = 0.0, 0.0, 0
    for pod in pods:
        if not is_finished(pod):
            count += 1
            for container in pod["spec"]["containers"]:
                requests = (container.get("resources") or {}).get("requests") or {}
                cpu += quantity(requests.get("cpu", "0"))
                memory += quantity(requests.get("memory", "0"))
    return Load(cpu, memory, count)


def misfits(pod: Object, load: Load, node: Object, used: Load) -> list[str]:
    """Why a pod cannot go to a node, in the scheduler's words; nothing when it can.

    As in the real scheduler, the first failing filter speaks, but resources report everything that is short.
    """
    spec = pod["spec"]
    if node["spec"].get("unschedulable") and not _tolerates(spec, _CORDON):
        return ["node(s) were unschedulable"]
    for taint in node["spec"].get("taints") or []:
        if taint["effect"] != "PreferNoSchedule" and not _tolerates(spec, taint):
            shown = f"{taint['key']}: {taint['value']}" if taint.get("value") else f"{taint['key']}: "
            return [f"node(s) had untolerated taint {{{shown}}}"]
    if not _selected(spec, node):
        return ["node(s) didn't match Pod's node affinity/selector"]
    room = status_of(node).get("allocatable") or {}
    short = []
    if used.pods + 1 > quantity(room.get("pods", "110")):
        short.append("Too many pods")
    if load.cpu and used.cpu + load.cpu > quantity(room.get("cpu", "0")):
        short.append("Insufficient cpu")
    if load.memory and used.memory + load.memory > quantity(room.get("memory", "0")):
        short.append("Insufficient memory")
    return short


_CORDON = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def _tolerates(spec: Object, taint: Object) -> bool:
    return any(tolerates(toleration, taint) for toleration in spec.get("tolerations") or [])


def tolerates(toleration: Object, taint: Object) -> bool:
    """Whether one toleration covers one taint."""
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    same_value = (toleration.get("value") or "") == (taint.get("value") or "")
    return toleration.get("key") == taint["key"] and same_value


def _selected(spec: Object, node: Object) -> bool:
    labels = labels_of(node)
    if any(labels.get(name) != value for name, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if not required:
        return True
    return any(
        all(_holds(rule, labels) for rule in term.get("matchExpressions") or [])
        for term in required.get("nodeSelectorTerms") or []
    )


def _holds(rule: Object, labels: dict[str, str] | object) -> bool:
    assert isinstance(labels, dict)
    value, values = labels.get(rule["key"]), rule.get("values") or []
    match rule["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt":
            return value is not None and int(value) > int(values[0])
        case _:
            return value is not None and int(value) < int(values[0])


def claim_problem(store: Store, pod: Object) -> str:
    """What keeps a pod's claims from being used; nothing when they are bound."""
    for volume in pod["spec"].get("volumes") or []:
        if claim := volume.get("persistentVolumeClaim"):
            found = store.get(CLAIMS, pod["metadata"]["namespace"], claim["claimName"])
            if found is None:
                return f'persistentvolumeclaim "{claim["claimName"]}" not found'
            if status_of(found).get("phase") != "Bound":
                return "pod has unbound immediate PersistentVolumeClaims"
    return ""
