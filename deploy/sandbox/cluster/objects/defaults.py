"""What the server fills in when a manifest leaves it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deploy.sandbox.cluster.objects.quantities import quantity
from deploy.sandbox.cluster.objects.resources import Resource
from deploy.sandbox.cluster.objects.shapes import Object

_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_POD_SPEC = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
}
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def fill(resource: Resource, item: Object) -> None:
    """Fill an object's defaults in, in place."""
    if special := _BY_KIND.get(resource.kind):
        special(item)


def pod_spec_of(resource: Resource, item: Object) -> Object | None:
    """The pod spec inside an object, for the kinds that have one."""
    spec = item.get("spec") or {}
    match resource.kind:
        case "Pod":
            return spec
        case "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job":
            return (spec.get("template") or {}).get("spec") or {}
        case "CronJob":
            job = (spec.get("jobTemplate") or {}).get("spec") or {}
            return (job.get("template") or {}).get("spec") or {}
        case _:
            return None


def _setdefaults(target: Object, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if target.get(name) is None:
            target[name] = value


def _pod_spec(spec: Object) -> None:
    _setdefaults(spec, _POD_SPEC)
    if spec.get("securityContext") is None:
        spec["securityContext"] = {}
    for container in (spec.get("containers") or []) + (spec.get("initContainers") or []):
        _container(container)
    for volume in spec.get("volumes") or []:
        for source in ("configMap", "secret"):
            if volume.get(source) is not None:
                _setdefaults(volume[source], {"defaultMode": 420})


def _container(container: Object) -> None:
    image = str(container.get("image") or "")
    floating = image.endswith(":latest") or ":" not in image.rsplit("/", 1)[-1]
    _setdefaults(
        container,
        {
            "imagePullPolicy": "Always" if floating else "IfNotPresent",
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
        },
    )
    if container.get("resources") is None:
        container["resources"] = {}
    _requests_from_limits(container["resources"])
    for port in container.get("ports") or []:
        _setdefaults(port, {"protocol": "TCP"})
    for name in _PROBES:
        if container.get(name):
            _setdefaults(container[name], _PROBE)
            if get := container[name].get("httpGet"):
                _setdefaults(get, {"path": "/", "scheme": "HTTP"})
    for variable in container.get("env") or []:
        if reference := (variable.get("valueFrom") or {}).get("fieldRef"):
            _setdefaults(reference, {"apiVersion": "v1"})


def _requests_from_limits(resources: Object) -> None:
    for name, limit in (resources.get("limits") or {}).items():
        resources.setdefault("requests", {}).setdefault(name, limit)


def _template(item: Object) -> None:
    template = item.get("spec", {}).get("template")
    if isinstance(template, dict) and isinstance(template.get("spec"), dict):
        _pod_spec(template["spec"])


def _deployment(item: Object) -> None:
    spec = item.setdefault("spec", {})
    _setdefaults(spec, {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600})
    if spec.get("strategy") is None:
        spec["strategy"] = {}
    _setdefaults(spec["strategy"], {"type": "RollingUpdate"})
    if spec["strategy"]["type"] == "RollingUpdate":
        spec["strategy"]["rollingUpdate"] = spec["strategy"].get("rollingUpdate") or {}
        _setdefaults(spec["strategy"]["rollingUpdate"], {"maxUnavailable": "25%", "maxSurge": "25%"})
    _template(item)


def _replica_set(item: Object) -> None:
    _setdefaults(item.setdefault("spec", {}), {"replicas": 1})
    _template(item)


def _stateful_set(item: Object) -> None:
    spec = item.setdefault("spec", {})
    _setdefaults(spec, {"replicas": 1, "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10})
    spec["updateStrategy"] = spec.get("updateStrategy") or {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
    _template(item)


def _daemon_set(item: Object) -> None:
    spec = item.setdefault("spec", {})
    _setdefaults(spec, {"revisionHistoryLimit": 10})
    spec["updateStrategy"] = spec.get("updateStrategy") or {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0},
    }
    _template(item)


def _job(item: Object) -> None:
    spec = item.setdefault("spec", {})
    _setdefaults(spec, {"parallelism": 1, "backoffLimit": 6, "completionMode": "NonIndexed", "suspend": False})
    if spec.get("completions") is None and spec["parallelism"] == 1:
        spec["completions"] = 1
    _template(item)


def _cron_job(item: Object) -> None:
    _setdefaults(
        item.setdefault("spec", {}),
        {
            "concurrencyPolicy": "Allow",
            "suspend": False,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
        },
    )


def _pod(item: Object) -> None:
    spec = item.setdefault("spec", {})
    _pod_spec(spec)
    _setdefaults(spec, {"serviceAccountName": "default", "serviceAccount": spec.get("serviceAccountName") or "default"})
    seconds = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    wanted = [f"node.kubernetes.io/{name}" for name in ("not-ready", "unreachable")]
    present = {toleration.get("key") for toleration in spec.get("tolerations") or []}
    extra = [{"key": taint, **seconds} for taint in wanted if taint not in present and None not in present]
    if extra:
        spec["tolerations"] = [*(spec.get("tolerations") or []), *extra]
    item["status"] = item.get("status") or {"phase": "Pending", "qosClass": quality_of_service(spec)}


def _service(item: Object) -> None:
    spec = item.setdefault("spec", {})
    _setdefaults(spec, {"type": "ClusterIP", "sessionAffinity": "None"})
    for port in spec.get("ports") or []:
        _setdefaults(port, {"protocol": "TCP", "targetPort": port.get("port")})
    if spec["type"] != "ExternalName":
        _setdefaults(
            spec, {"internalTrafficPolicy": "Cluster", "ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv4"]}
        )
    item["status"] = item.get("status") or {"loadBalancer": {}}


def _autoscaler(item: Object) -> None:
    _setdefaults(item.setdefault("spec", {}), {"minReplicas": 1})


def _namespace(item: Object) -> None:
    item["spec"] = item.get("spec") or {"finalizers": ["kubernetes"]}
    item["status"] = item.get("status") or {"phase": "Active"}
    labels = item["metadata"]["labels"] = item["metadata"].get("labels") or {}
    labels["kubernetes.io/metadata.name"] = item["metadata"].get("name", "")


def _claim(item: Object) -> None:
    _setdefaults(item.setdefault("spec", {}), {"volumeMode": "Filesystem"})
    item["status"] = item.get("status") or {"phase": "Pending"}


def _spec(item: Object) -> None:
    item["spec"] = item.get("spec") or {}


def _node(item: Object) -> None:
    _spec(item)
    item["status"] = item.get("status") or {"allocatable": {}, "capacity": {}}


def _secret(item: Object) -> None:
    _setdefaults(item, {"type": "Opaque"})


def quality_of_service(spec: Object) -> str:
    """The pod's quality-of-service class: Guaranteed, Burstable or BestEffort."""
    blocks = [container.get("resources") or {} for container in spec.get("containers") or []]
    if not any(block.get("requests") or block.get("limits") for block in blocks):
        return "BestEffort"
    return "Guaranteed" if all(_is_guaranteed(block) for block in blocks) else "Burstable"


def _is_guaranteed(block: Object) -> bool:
    limits, requests = block.get("limits") or {}, block.get("requests") or {}
    return all(
        name in limits and quantity(requests.get(name, "0")) == quantity(limits[name]) for name in ("cpu", "memory")
    )


_BY_KIND: Mapping[str, Callable[[Object], None]] = {
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "CronJob": _cron_job,
    "Service": _service,
    "HorizontalPodAutoscaler": _autoscaler,
    "Namespace": _namespace,
    "PersistentVolumeClaim": _claim,
    "Secret": _secret,
    "Node": _node,
    "PodDisruptionBudget": _spec,
    "ResourceQuota": _spec,
    "LimitRange": _spec,
}
