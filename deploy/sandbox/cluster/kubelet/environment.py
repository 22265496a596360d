"""What a pod's spec refers to: variables from Secrets and ConfigMaps, and volumes. What is missing is put in words."""

from __future__ import annotations

from deploy.sandbox.cluster.objects.resources import CONFIG_MAPS, SECRETS, Resource
from deploy.sandbox.cluster.objects.shapes import Object
from deploy.sandbox.cluster.objects.store import Store

_SOURCES: tuple[tuple[str, str, Resource], ...] = (
    ("secretKeyRef", "secretRef", SECRETS),
    ("configMapKeyRef", "configMapRef", CONFIG_MAPS),
)
_VOLUMES: tuple[tuple[str, str, Resource], ...] = (
    ("secret", "secretName", SECRETS),
    ("configMap", "name", CONFIG_MAPS),
)


class _MissingError(Exception):
    """Something the environment refers to is not there; the text is the kubelet's."""


def environment(store: Store, pod: Object, container: Object) -> dict[str, str] | str:
    """The variables a container's program sees, or why the kubelet cannot make them."""
    namespace = pod["metadata"]["namespace"]
    found: dict[str, str] = {}
    try:
        for source in container.get("envFrom") or []:
            found |= _all_of(store, namespace, source)
        for variable in container.get("env") or []:
            value = _value(store, namespace, pod, variable)
            if value is not None:
                found[variable["name"]] = value
    except _MissingError as missing:
        return str(missing)
    return found


def _all_of(store: Store, namespace: str, source: Object) -> dict[str, str]:
    for _, field, resource in _SOURCES:
        if reference := source.get(field):
            data = _data(store, resource, namespace, reference)
            prefix = source.get("prefix") or ""
            return {prefix + name: str(value) for name, value in (data or {}).items()}
    return {}


def _value(store: Store, namespace: str, pod: Object, variable: Object) -> str | None:
    origin = variable.get("valueFrom") or {}
    for field, _, resource in _SOURCES:
        if reference := origin.get(field):
            return _key(store, resource, namespace, reference)
    if origin.get("fieldRef"):
        return str(pod["metadata"]["name"])
    return str(variable.get("value") or "") if not origin else "1"


def _key(store: Store, resource: Resource, namespace: str, reference: Object) -> str | None:
    data = _data(store, resource, namespace, reference)
    if data is None:
        return None
    if reference["key"] not in data and not reference.get("optional"):
        raise _MissingError(f"couldn't find key {reference['key']} in {resource.kind} {namespace}/{reference['name']}")
    return str(data[reference["key"]]) if reference["key"] in data else None


def _data(store: Store, resource: Resource, namespace: str, reference: Object) -> Object | None:
    found = store.get(resource, namespace, reference.get("name", ""))
    if found is None:
        if reference.get("optional"):
            return None
        raise _MissingError(f'{resource.kind.lower()} "{reference.get("name", "")}" not found')
    return {**(found.get("data") or {}), **(found.get("stringData") or {}), **(found.get("binaryData") or {})}


def unmountable(store: Store, pod: Object) -> str:
    """Why one of the pod's volumes cannot be mounted; nothing when all can."""
    for volume in pod["spec"].get("volumes") or []:
        for field, name_field, resource in _VOLUMES:
            source = volume.get(field)
            if source and not source.get("optional"):
                name = source.get(name_field, "")
                if store.get(resource, pod["metadata"]["namespace"], name) is None:
                    missing = f'{resource.kind.lower()} "{name}" not found'
                    return f'MountVolume.SetUp failed for volume "{volume["name"]}" : {missing}'
    return ""
