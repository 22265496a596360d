"""The rules an object must keep, and what the server answers when it does not.

Rules over one pod spec live in `pod_rules`; here are names, the rules of each kind, and what may not change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from deploy.sandbox.cluster.objects.defaults import pod_spec_of
from deploy.sandbox.cluster.objects.pod_rules import pod_spec_causes, pod_update_causes
from deploy.sandbox.cluster.objects.refusals import Cause, invalid
from deploy.sandbox.cluster.objects.resources import Resource
from deploy.sandbox.cluster.objects.selectors import selects
from deploy.sandbox.cluster.objects.shapes import Object

_SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character"
)
_LABEL_VALUE = re.compile(r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")
_IMMUTABLE_SELECTORS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet")
_TEMPLATED = (*_IMMUTABLE_SELECTORS, "Job")


def validate(resource: Resource, item: Object, before: Object | None = None) -> None:
    """Raise a 422 naming every field that breaks a rule; `before` is the stored object on an update."""
    causes = [*_name(resource, item), *_labels(item), *_kind(resource, item)]
    if (pod_spec := pod_spec_of(resource, item)) is not None:
        causes += pod_spec_causes(pod_spec, _pod_spec_path(resource))
    if before is not None:
        causes += _changes(resource, item, before)
    if causes:
        raise invalid(resource, item["metadata"].get("name", ""), causes)


def _pod_spec_path(resource: Resource) -> str:
    match resource.kind:
        case "Pod":
            return "spec"
        case "CronJob":
            return "spec.jobTemplate.spec.template.spec"
        case _:
            return "spec.template.spec"


def _name(resource: Resource, item: Object) -> Iterator[Cause]:
    name = item["metadata"].get("name", "")
    if not name:
        yield Cause("metadata.name", "Required value: name or generateName is required", "FieldValueRequired")
    elif resource.group != "rbac.authorization.k8s.io" and (not _SUBDOMAIN.match(name) or len(name) > 253):
        yield Cause("metadata.name", f'Invalid value: "{name}": {_SUBDOMAIN_RULE}')


def _labels(item: Object) -> Iterator[Cause]:
    for label, value in (item["metadata"].get("labels") or {}).items():
        if not _LABEL_VALUE.match(str(value)) or len(str(value)) > 63:
            rule = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'"
            yield Cause("metadata.labels", f'Invalid value: "{value}": {rule} (label {label})')


def _kind(resource: Resource, item: Object) -> Iterator[Cause]:
    spec = item.get("spec") or {}
    if resource.kind in _IMMUTABLE_SELECTORS:
        yield from _workload(spec)
    match resource.kind:
        case "Service":
            yield from _service(spec)
        case "HorizontalPodAutoscaler":
            yield from _autoscaler(spec)
        case "Job":
            if ((spec.get("template") or {}).get("spec") or {}).get("restartPolicy") not in ("OnFailure", "Never"):
                text = 'Required value: valid values: "OnFailure", "Never"'
                yield Cause("spec.template.spec.restartPolicy", text, "FieldValueRequired")
        case "PodDisruptionBudget":
            if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
                yield Cause("spec", "Invalid value: minAvailable and maxUnavailable cannot be both set")
        case "CronJob":
            if len(str(spec.get("schedule", "")).split()) != 5 and not str(spec.get("schedule", "")).startswith("@"):
                yield Cause("spec.schedule", f'Invalid value: "{spec.get("schedule", "")}": expected exactly 5 fields')
        case _:
            return


def _workload(spec: Object) -> Iterator[Cause]:
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    if not spec.get("selector"):
        yield Cause("spec.selector", "Required value", "FieldValueRequired")
    elif not selects(spec["selector"], labels):
        yield Cause(
            "spec.template.metadata.labels",
            f"Invalid value: {labels}: `selector` does not match template `labels`",
        )
    if spec.get("replicas", 0) < 0:
        yield Cause("spec.replicas", f"Invalid value: {spec['replicas']}: must be greater than or equal to 0")
    rolling = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    if spec.get("strategy") and {
        str(rolling.get(name)).removesuffix("%") for name in ("maxUnavailable", "maxSurge")
    } == {"0"}:
        yield Cause("spec.strategy.rollingUpdate.maxUnavailable", "Invalid value: 0: may not be 0 when `maxSurge` is 0")
    if (spec.get("strategy") or {}).get("type") == "Recreate" and rolling:
        yield Cause(
            "spec.strategy.rollingUpdate",
            "Forbidden: may not be specified when strategy `type` is 'Recreate'",
            "FieldValueForbidden",
        )


def _service(spec: Object) -> Iterator[Cause]:
    ports = spec.get("ports") or []
    if not ports and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        yield Cause("spec.ports", "Required value", "FieldValueRequired")
    for index, port in enumerate(ports):
        if not isinstance(port.get("port"), int) or not 0 < port["port"] < 65536:
            text = f"Invalid value: {port.get('port')}: must be between 1 and 65535, inclusive"
            yield Cause(f"spec.ports[{index}].port", text)
        if len(ports) > 1 and not port.get("name"):
            yield Cause(f"spec.ports[{index}].name", "Required value", "FieldValueRequired")


def _autoscaler(spec: Object) -> Iterator[Cause]:
    largest, smallest = spec.get("maxReplicas"), spec.get("minReplicas", 1)
    if not isinstance(largest, int) or largest < 1:
        yield Cause("spec.maxReplicas", f"Invalid value: {largest}: must be greater than 0")
    elif largest < smallest:
        text = f"Invalid value: {largest}: must be greater than or equal to `minReplicas`"
        yield Cause("spec.maxReplicas", text)
    if smallest < 1:
        yield Cause("spec.minReplicas", f"Invalid value: {smallest}: must be greater than or equal to 1")
    for name in ("kind", "name"):
        if not (spec.get("scaleTargetRef") or {}).get(name):
            yield Cause(f"spec.scaleTargetRef.{name}", "Required value", "FieldValueRequired")


def _changes(resource: Resource, item: Object, before: Object) -> Iterator[Cause]:
    spec, old = item.get("spec") or {}, before.get("spec") or {}
    if resource.kind in _IMMUTABLE_SELECTORS and spec.get("selector") != old.get("selector"):
        yield Cause("spec.selector", f"Invalid value: {spec.get('selector')}: field is immutable")
    if resource.kind == "Pod":
        yield from pod_update_causes(spec, old)
    if resource.kind == "Job" and spec.get("template") != old.get("template"):
        yield Cause("spec.template", "Invalid value: field is immutable")
    if resource.kind == "Service" and old.get("clusterIP") and spec.get("clusterIP") != old["clusterIP"]:
        yield Cause("spec.clusterIP", f'Invalid value: "{spec.get("clusterIP")}": field is immutable')
    if resource.kind in ("ConfigMap", "Secret") and before.get("immutable") and item.get("data") != before.get("data"):
        yield Cause("data", "Forbidden: field is immutable when `immutable` is set", "FieldValueForbidden")
    if resource.kind == "StatefulSet":
        fixed = {name for name in {*spec, *old} if spec.get(name) != old.get(name)} - _CHANGEABLE_IN_STATEFUL_SETS
        if fixed - {"selector"}:
            yield Cause("spec", f"Forbidden: updates to statefulset spec for fields other than {_STATEFUL_SET_TEXT}")


_STATEFUL_SET_TEXT = "'replicas', 'ordinals', 'template', 'updateStrategy' and 'minReadySeconds' are forbidden"
_CHANGEABLE_IN_STATEFUL_SETS = {
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "minReadySeconds",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
}
