"""HorizontalPodAutoscalers: every fifteen seconds, what the metric asks for, within the bounds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deploy.sandbox.cluster.kubelet.usage import container_usage
from deploy.sandbox.cluster.objects.quantities import mebibytes, millicores, quantity
from deploy.sandbox.cluster.objects.resources import AUTOSCALERS, DEPLOYMENTS, PODS, STATEFUL_SETS, by_kind
from deploy.sandbox.cluster.objects.selectors import selects
from deploy.sandbox.cluster.objects.shapes import Key, Object, condition, is_leaving, is_ready, key_of, labels_of
from deploy.sandbox.cluster.objects.store import Change
from deploy.sandbox.cluster.plane import Plane

SYNC_SECONDS = 15.0
_TOLERANCE = 0.1
_COMPONENT = "horizontal-pod-autoscaler"


@dataclass(frozen=True)
class _Reading:
    """What one metric says: the count it asks for and how it stands, or why it cannot be had."""

    wanted: int | None = None
    current: Object | None = None
    reason: str = ""
    message: str = ""


class Autoscalers:
    """The controller of HorizontalPodAutoscalers."""

    interests = (AUTOSCALERS,)

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def concerns(self, change: Change) -> Iterable[Key]:
        """The autoscaler itself, when its spec changed; its own status does not wake it."""
        if change.before is not None and change.before["spec"] is change.item["spec"]:
            return ()
        return (key_of(change.item),)

    def reconcile(self, key: Key) -> float | None:
        """One sync of one autoscaler."""
        scaler = self._plane.store.get(AUTOSCALERS, *key)
        if scaler is None or is_leaving(scaler):
            return None
        reference = scaler["spec"]["scaleTargetRef"]
        resource = by_kind(reference.get("apiVersion", "apps/v1"), reference["kind"])
        target = None
        if resource in (DEPLOYMENTS, STATEFUL_SETS) and resource is not None:
            target = self._plane.store.get(resource, key.namespace, reference["name"])
        if target is None:
            self._report_missing(scaler, reference)
        elif target["spec"]["replicas"] == 0:
            self._report(scaler, 0, 0, [], [self._off(scaler)])
        else:
            self._sync(scaler, target)
        return self._plane.clock.now() + SYNC_SECONDS

    def _sync(self, scaler: Object, target: Object) -> None:
        replicas = target["spec"]["replicas"]
        pods = [
            pod
            for pod in self._plane.store.all(PODS, target["metadata"]["namespace"])
            if selects(target["spec"]["selector"], labels_of(pod)) and is_ready(pod) and not is_leaving(pod)
        ]
        readings = [self._read(metric, pods, replicas) for metric in scaler["spec"].get("metrics") or []]
        counts = [reading.wanted for reading in readings if reading.wanted is not None]
        asked = max(counts, default=replicas)
        low, high = scaler["spec"].get("minReplicas", 1), scaler["spec"]["maxReplicas"]
        desired = max(low, min(high, asked))
        conditions = [
            self._condition(scaler, "AbleToScale", True, "ReadyForNewScale", "recommended size matches current size"),
            self._active(scaler, readings),
            self._limited(scaler, asked, low, high),
        ]
        if desired != replicas:
            self._scale(scaler, target, desired)
        self._report(scaler, replicas, desired, [entry.current for entry in readings if entry.current], conditions)

    def _read(self, metric: Object, pods: Sequence[Object], replicas: int) -> _Reading:
        wanted = metric.get("resource") or {}
        name, target = wanted.get("name", ""), wanted.get("target") or {}
        if name not in ("cpu", "memory"):
            return _Reading(reason="FailedGetResourceMetric", message=f"no metric {name} here")
        index = 0 if name == "cpu" else 1
        uses = [sum(use[index] for use in container_usage(self._plane, pod).values()) for pod in pods]
        if not uses:
            return _Reading(reason="FailedGetResourceMetric", message=f"failed to get {name} utilization: no pods")
        average = sum(uses) / len(uses)
        shown = millicores(average) if name == "cpu" else mebibytes(average)
        if "averageUtilization" not in target:
            ratio = average / quantity(target.get("averageValue", "1"))
            return _Reading(_ask(replicas, ratio), _current(name, {"averageValue": shown}))
        requests = [_request(pod, name) for pod in pods]
        if None in requests:
            text = f"failed to get {name} utilization: missing request for {name} in container app of Pod"
            return _Reading(reason="FailedGetResourceMetric", message=text)
        percent = round(100 * sum(uses) / sum(request for request in requests if request is not None))
        current = {"averageValue": shown, "averageUtilization": percent}
        return _Reading(_ask(replicas, percent / target["averageUtilization"]), _current(name, current))

    def _scale(self, scaler: Object, target: Object, desired: int) -> None:
        resource = by_kind(target["apiVersion"], target["kind"])
        assert resource is not None
        meta = {**target["metadata"], "generation": target["metadata"]["generation"] + 1}
        scaled = {**target, "metadata": meta, "spec": {**target["spec"], "replicas": desired}}
        self._plane.store.put(resource, scaled, target)
        text = f"New size: {desired}; reason: All metrics below target"
        if desired > target["spec"]["replicas"]:
            text = f"New size: {desired}; reason: resource utilization above target"
        self._plane.recorder.normal(scaler, "SuccessfulRescale", text, _COMPONENT)

    def _active(self, scaler: Object, readings: Sequence[_Reading]) -> Object:
        blind = next((reading for reading in readings if reading.reason), None)
        if blind is not None:
            self._plane.recorder.warning(scaler, blind.reason, blind.message, _COMPONENT)
            return self._condition(scaler, "ScalingActive", False, blind.reason, blind.message)
        text = "the HPA was able to successfully calculate a replica count"
        return self._condition(scaler, "ScalingActive", True, "ValidMetricFound", text)

    def _limited(self, scaler: Object, asked: int, low: int, high: int) -> Object:
        if asked > high:
            text = "the desired replica count is more than the maximum replica count"
            return self._condition(scaler, "ScalingLimited", True, "TooManyReplicas", text)
        if asked < low:
            text = "the desired replica count is less than the minimum replica count"
            return self._condition(scaler, "ScalingLimited", True, "TooFewReplicas", text)
        text = "the desired count is within the acceptable range"
        return self._condition(scaler, "ScalingLimited", False, "DesiredWithinRange", text)

    def _off(self, scaler: Object) -> Object:
        text = "scaling is disabled since the replica count of the target is zero"
        return self._condition(scaler, "ScalingActive", False, "ScalingDisabled", text)

    def _report_missing(self, scaler: Object, reference: Object) -> None:
        text = (
            f"the HPA controller was unable to get the target's current scale: "
            f'{reference["kind"].lower()}s.apps "{reference["name"]}" not found'
        )
        self._plane.recorder.warning(scaler, "FailedGetScale", text, _COMPONENT)
        self._report(scaler, 0, 0, [], [self._condition(scaler, "AbleToScale", False, "FailedGetScale", text)])

    def _condition(self, scaler: Object, kind: str, holds: bool, reason: str, message: str) -> Object:
        return condition(scaler, kind, holds, reason, message, self._plane.clock.stamp())

    def _report(
        self, scaler: Object, current: int, desired: int, metrics: Sequence[Object], conditions: Sequence[Object]
    ) -> None:
        status: Object = {"currentReplicas": current, "desiredReplicas": desired, "conditions": list(conditions)}
        status["currentMetrics"] = list(metrics) or None
        self._plane.registry.write_status(AUTOSCALERS, scaler, status)


def _ask(replicas: int, ratio: float) -> int:
    """The documented formula: ceil(current x ratio), unless the ratio is close to one."""
    return replicas if abs(ratio - 1.0) <= _TOLERANCE else math.ceil(replicas * ratio)


def _current(name: str, current: Object) -> Object:
    return {"type": "Resource", "resource": {"name": name, "current": current}}


def _request(pod: Object, name: str) -> float | None:
    found = [((entry.get("resources") or {}).get("requests") or {}).get(name) for entry in pod["spec"]["containers"]]
    return None if None in found else sum(quantity(value) for value in found if value is not None)
