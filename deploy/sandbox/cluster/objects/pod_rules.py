"""The rules of a pod spec: containers, resources, environment, probes, volumes, and what may change in a live pod."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.sandbox.cluster.objects.quantities import QUANTITY_PATTERN, BadQuantityError, quantity
from deploy.sandbox.cluster.objects.refusals import Cause
from deploy.sandbox.cluster.objects.shapes import Object, clone

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_LIVE_FIELDS = ("tolerations", "activeDeadlineSeconds", "nodeName", "terminationGracePeriodSeconds")


def bad_quantity(spec: Object) -> str:
    """What the decoder says of the first container quantity it cannot read; nothing when it reads them all."""
    for container in (spec.get("containers") or []) + (spec.get("initContainers") or []):
        for block in ("limits", "requests"):
            for value in ((container.get("resources") or {}).get(block) or {}).values():
                try:
                    quantity(value)
                except BadQuantityError:
                    return f"quantities must match the regular expression '{QUANTITY_PATTERN}'"
    return ""


def pod_spec_causes(spec: Object, path: str) -> Iterator[Cause]:
    """Every rule a pod spec breaks; `path` is where the spec stands in its object."""
    if not spec.get("containers"):
        yield Cause(f"{path}.containers", "Required value", "FieldValueRequired")
    volumes = {volume.get("name") for volume in spec.get("volumes") or []}
    seen: set[str] = set()
    for group in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(group) or []):
            at = f"{path}.{group}[{index}]"
            yield from _container(container, at)
            yield from _mounts(container, at, volumes)
            if container.get("name") in seen:
                yield Cause(f"{at}.name", f'Duplicate value: "{container["name"]}"', "FieldValueDuplicate")
            seen.add(container.get("name", ""))


def _container(container: Object, at: str) -> Iterator[Cause]:
    for name in ("name", "image"):
        if not container.get(name):
            yield Cause(f"{at}.{name}", "Required value", "FieldValueRequired")
    yield from _resources(container.get("resources") or {}, f"{at}.resources")
    for index, variable in enumerate(container.get("env") or []):
        yield from _variable(variable, f"{at}.env[{index}]")
    for name in _PROBES:
        if container.get(name):
            yield from _probe(container[name], f"{at}.{name}")
    for index, port in enumerate(container.get("ports") or []):
        number = port.get("containerPort")
        if not isinstance(number, int) or not 0 < number < 65536:
            text = f"Invalid value: {number}: must be between 1 and 65535, inclusive"
            yield Cause(f"{at}.ports[{index}].containerPort", text)


def _resources(resources: Object, at: str) -> Iterator[Cause]:
    limits = resources.get("limits") or {}
    for name, value in (resources.get("requests") or {}).items():
        if name in limits and quantity(value) > quantity(limits[name]):
            text = f'Invalid value: "{value}": must be less than or equal to {name} limit of {limits[name]}'
            yield Cause(f"{at}.requests", text)
    for block in ("limits", "requests"):
        for name, value in (resources.get(block) or {}).items():
            if quantity(value) < 0:
                text = f'Invalid value: "{value}": must be greater than or equal to 0'
                yield Cause(f"{at}.{block}[{name}]", text)


def _variable(variable: Object, at: str) -> Iterator[Cause]:
    if not variable.get("name"):
        yield Cause(f"{at}.name", "Required value", "FieldValueRequired")
    sources = [name for name, value in (variable.get("valueFrom") or {}).items() if value is not None]
    if variable.get("value") and sources:
        yield Cause(f"{at}.valueFrom", 'Invalid value: "": may not be specified when `value` is not empty')
    elif len(sources) > 1:
        yield Cause(f"{at}.valueFrom", 'Invalid value: "": may not have more than one field specified at a time')
    elif variable.get("valueFrom") is not None and not sources:
        yield Cause(f"{at}.valueFrom", 'Invalid value: "": must specify one of the source fields')


def _probe(probe: Object, at: str) -> Iterator[Cause]:
    handlers = [name for name in _HANDLERS if probe.get(name) is not None]
    if not handlers:
        yield Cause(at, "Required value: must specify a handler type", "FieldValueRequired")
    for extra in handlers[1:]:
        text = "Forbidden: may not specify more than 1 handler type"
        yield Cause(f"{at}.{extra}", text, "FieldValueForbidden")
    for name in ("periodSeconds", "timeoutSeconds", "failureThreshold", "successThreshold"):
        if probe.get(name, 1) < 1:
            yield Cause(f"{at}.{name}", f"Invalid value: {probe[name]}: must be greater than or equal to 1")
    if at.endswith("livenessProbe") and probe.get("successThreshold", 1) != 1:
        yield Cause(f"{at}.successThreshold", f"Invalid value: {probe['successThreshold']}: must be 1")


def _mounts(container: Object, at: str, volumes: set[str]) -> Iterator[Cause]:
    for index, mount in enumerate(container.get("volumeMounts") or []):
        if mount.get("name") not in volumes:
            text = f'Not found: "{mount.get("name")}"'
            yield Cause(f"{at}.volumeMounts[{index}].name", text, "FieldValueNotFound")


def pod_update_causes(spec: Object, before: Object) -> Iterator[Cause]:
    """What of a live pod may not change: everything but images, deadlines and added tolerations."""
    if _fixed_part(spec) != _fixed_part(before):
        yield Cause(
            "spec",
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` "
            "(only additions to existing tolerations),`spec.terminationGracePeriodSeconds` "
            "(allow it to be set to 1 if it was previously negative)",
            "FieldValueForbidden",
        )


def _fixed_part(spec: Object) -> Object:
    fixed: Object = clone({name: value for name, value in spec.items() if name not in _LIVE_FIELDS})
    for container in (fixed.get("containers") or []) + (fixed.get("initContainers") or []):
        container.pop("image", None)
    return fixed
