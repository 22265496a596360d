"""ResourceQuota and LimitRange: what a namespace allows, what it uses, and what it fills in."""

from __future__ import annotations

from collections.abc import Mapping

from deploy.sandbox.cluster.objects.quantities import quantity
from deploy.sandbox.cluster.objects.refusals import Refusal, forbidden
from deploy.sandbox.cluster.objects.resources import LIMIT_RANGES, PODS, QUOTAS, RESOURCES, Resource
from deploy.sandbox.cluster.objects.shapes import Object, is_finished
from deploy.sandbox.cluster.objects.store import Store

_COUNTED = {"services", "configmaps", "secrets", "persistentvolumeclaims"}
_SHORT_NAMES = {"cpu": "requests.cpu", "memory": "requests.memory"}


def apply_limit_range(store: Store, namespace: str, spec: Object) -> None:
    """Fill in, in place, the requests and limits that the namespace's LimitRanges give to containers without any."""
    for limit_range in store.all(LIMIT_RANGES, namespace):
        for limit in limit_range["spec"].get("limits") or []:
            if limit.get("type") == "Container":
                for container in spec.get("containers") or []:
                    _fill(container.setdefault("resources", {}), limit)


def _fill(resources: Object, limit: Object) -> None:
    for block, source in (("limits", "default"), ("requests", "defaultRequest")):
        for name, value in (limit.get(source) or {}).items():
            resources.setdefault(block, {}).setdefault(name, value)
    for name, value in (resources.get("limits") or {}).items():
        resources.setdefault("requests", {}).setdefault(name, value)


def check_quota(store: Store, resource: Resource, namespace: str, item: Object) -> None:
    """Refuse an object whose creation would take its namespace over one of its quotas."""
    for quota in store.all(QUOTAS, namespace):
        hard = quota["spec"].get("hard") or {}
        wanted = usage_of(resource, item)
        used = namespace_usage(store, namespace, hard)
        _require_specified(resource, item, quota, wanted)
        over = [name for name in sorted(hard) if name in wanted and used[name] + wanted[name] > quantity(hard[name])]
        if over:
            raise _exceeded(resource, item, quota, over, wanted, used)


def _require_specified(resource: Resource, item: Object, quota: Object, wanted: Mapping[str, float]) -> None:
    missing = [name for name in sorted(quota["spec"].get("hard") or {}) if "." in name and name not in wanted]
    missing = [name for name in missing if name.startswith(("requests.", "limits."))]
    if resource is PODS and missing:
        text = f"failed quota: {quota['metadata']['name']}: must specify {','.join(missing)}"
        raise forbidden("pods", "", item["metadata"]["name"], text)


def _exceeded(
    resource: Resource,
    item: Object,
    quota: Object,
    over: list[str],
    wanted: Mapping[str, float],
    used: Mapping[str, float],
) -> Refusal:
    hard = quota["spec"]["hard"]
    requested = ",".join(f"{name}={amount_text(name, wanted[name])}" for name in over)
    taken = ",".join(f"{name}={amount_text(name, used[name])}" for name in over)
    limited = ",".join(f"{name}={hard[name]}" for name in over)
    text = f"exceeded quota: {quota['metadata']['name']}, requested: {requested}, used: {taken}, limited: {limited}"
    return forbidden(resource.plural, resource.group, item["metadata"]["name"], text)


def usage_of(resource: Resource, item: Object) -> dict[str, float]:
    """What one object counts for, by quota name."""
    used: dict[str, float] = {f"count/{resource.qualified}": 1.0}
    if resource.plural in _COUNTED:
        used[resource.plural] = 1.0
    if resource is PODS and not is_finished(item):
        used["pods"] = 1.0
        for container in item["spec"].get("containers") or []:
            for block in ("requests", "limits"):
                for name, value in ((container.get("resources") or {}).get(block) or {}).items():
                    used[f"{block}.{name}"] = used.get(f"{block}.{name}", 0.0) + quantity(value)
        for short, name in _SHORT_NAMES.items():
            if name in used:
                used[short] = used[name]
    return used


def namespace_usage(store: Store, namespace: str, hard: Object) -> dict[str, float]:
    """What a namespace uses of each name a quota limits."""
    total = dict.fromkeys(hard, 0.0)
    for resource in RESOURCES:
        if resource is PODS or resource.plural in _COUNTED or f"count/{resource.qualified}" in hard:
            for item in store.all(resource, namespace):
                for name, amount in usage_of(resource, item).items():
                    if name in total:
                        total[name] += amount
    return total


def amount_text(name: str, amount: float) -> str:
    """An amount as a quota's status writes it."""
    if name.endswith("memory"):
        return f"{round(amount / 2**20)}Mi" if amount else "0"
    if name.endswith("cpu") and amount != int(amount):
        return f"{round(amount * 1000)}m"
    return str(int(amount))
