"""Every node's kubelet: brings bound pods to life, restarts what ends, reports, and takes leaving pods down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from deploy.sandbox.cluster.kubelet.containers import step
from deploy.sandbox.cluster.kubelet.environment import environment, unmountable
from deploy.sandbox.cluster.kubelet.states import Container, Facts, Phase, Said, new_container
from deploy.sandbox.cluster.kubelet.status import full_name, pod_status
from deploy.sandbox.cluster.objects.names import pod_address
from deploy.sandbox.cluster.objects.resources import CONFIG_MAPS, ENDPOINTS, NODES, PODS, SECRETS
from deploy.sandbox.cluster.objects.shapes import (
    Key,
    Object,
    is_finished,
    is_leaving,
    is_ready,
    key_of,
    status_of,
    uid_of,
)
from deploy.sandbox.cluster.objects.store import Change
from deploy.sandbox.cluster.plane import Plane

_STOP_SECONDS = 1.0
_COMPONENT = "kubelet"


class Kubelets:
    """The kubelets of all nodes."""

    interests = (PODS, SECRETS, CONFIG_MAPS, ENDPOINTS, NODES)

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def concerns(self, change: Change) -> Iterable[Key]:
        """Pods whose spec changed or that begin to leave; pods that wait for what a change may bring."""
        item, before = change.item, change.before
        if change.resource is PODS:
            if change.kind == "DELETED":
                self._plane.runtime.forget(uid_of(item))
                return ()
            same = before is not None and before["spec"] is item["spec"] and is_leaving(before) == is_leaving(item)
            return () if same else (key_of(item),)
        if change.resource is NODES:
            return [key_of(pod) for pod in self._plane.store.pods_on(item["metadata"]["name"])]
        pods = self._plane.store.all(PODS, item["metadata"]["namespace"])
        if change.resource is ENDPOINTS:
            return [key_of(pod) for pod in pods if self._needs(pod, item["metadata"]["name"])]
        return [key_of(pod) for pod in pods if status_of(pod).get("phase") == "Pending" or not is_ready(pod)]

    def reconcile(self, key: Key) -> float | None:
        """Take one pod as far as it goes at this instant."""
        pod = self._plane.store.get(PODS, *key)
        if pod is None or not (node := pod["spec"].get("nodeName")) or node in self._plane.runtime.silent_since:
            return None
        if is_leaving(pod):
            return self._stop(pod)
        if is_finished(pod):
            return None
        if why := unmountable(self._plane.store, pod):
            self._plane.recorder.warning(pod, "FailedMount", why, _COMPONENT)
            self._report(pod, initialized=False)
            return None
        return self._run(pod)

    def _run(self, pod: Object) -> float | None:
        wakes: list[float] = []
        for spec in pod["spec"].get("initContainers") or []:
            container, wake = self._advance(pod, spec, init=True)
            if not (container.phase is Phase.ENDED and container.last and container.last.exit_code == 0):
                self._report(pod, initialized=False)
                return wake
        for spec in pod["spec"]["containers"]:
            _, wake = self._advance(pod, spec, init=False)
            if wake is not None:
                wakes.append(wake)
        self._report(pod, initialized=True)
        return min(wakes, default=None)

    def _advance(self, pod: Object, spec: Object, init: bool) -> tuple[Container, float | None]:
        clock = self._plane.clock
        known = self._plane.runtime.containers.setdefault(uid_of(pod), {})
        container = known.get(spec["name"]) or new_container(spec, clock.now(), clock.stamp())
        facts = self._facts(pod, spec, init)
        while True:
            done = step(container, spec, facts)
            before, container = container, done.container
            self._tell(pod, spec, before, done.container, done.said, done.lines)
            if not done.moved:
                known[spec["name"]] = container
                return container, done.wake_at

    def _facts(self, pod: Object, spec: Object, init: bool) -> Facts:
        app = self._plane.app(spec["image"])
        if init and app is not None and app.finishes_after is None:
            app = replace(
                app, finishes_after=1.0
            )  # an image without an end of its own ends at once as an init container
        policy = pod["spec"].get("restartPolicy", "Always")
        return Facts(
            now=self._plane.clock.now(),
            stamp=self._plane.clock.stamp(),
            pod=full_name(pod),
            address=pod_address(uid_of(pod)),
            app=app,
            environment=environment(self._plane.store, pod, spec),
            restart_policy="OnFailure" if init and policy == "Always" else policy,
            has_pull_secret=self._has_pull_secret(pod),
            needs_met=all(self._answers(pod["metadata"]["namespace"], name) for name in (app.needs if app else ())),
        )

    def _tell(
        self,
        pod: Object,
        spec: Object,
        before: Container,
        after: Container,
        said: Iterable[Said],
        lines: Iterable[str],
    ) -> None:
        part = f"spec.containers{{{spec['name']}}}"
        for event in said:
            record = self._plane.recorder.warning if event.warning else self._plane.recorder.normal
            record(pod, event.reason, event.message, _COMPONENT, part)
        run = before.restarts if after.phase in (Phase.CRASHED, Phase.ENDED) else after.restarts
        for line in lines:
            self._plane.runtime.logs.write(uid_of(pod), spec["name"], run, self._plane.clock.moment(), line)

    def _report(self, pod: Object, initialized: bool, stopping: bool = False) -> None:
        runtime, clock = self._plane.runtime, self._plane.clock
        uid = uid_of(pod)
        node = self._plane.store.get(NODES, "", pod["spec"]["nodeName"])
        status = pod_status(
            pod, runtime.containers.get(uid, {}), initialized, _node_address(node), clock.stamp(), stopping
        )
        if is_ready({"metadata": {}, "status": status}):
            runtime.ready_since.setdefault(uid, clock.now())
        else:
            runtime.ready_since.pop(uid, None)
        self._plane.registry.write_status(PODS, pod, status)

    def _stop(self, pod: Object) -> float | None:
        runtime, now = self._plane.runtime, self._plane.clock.now()
        uid = uid_of(pod)
        if uid not in runtime.stopping_since:
            runtime.stopping_since[uid] = now
            for spec in pod["spec"]["containers"]:
                part = f"spec.containers{{{spec['name']}}}"
                self._plane.recorder.normal(pod, "Killing", f"Stopping container {spec['name']}", _COMPONENT, part)
            if not is_finished(pod):
                self._report(pod, initialized=True, stopping=True)
        grace = float(pod["metadata"].get("deletionGracePeriodSeconds") or 0)
        gone_at = runtime.stopping_since[uid] + min(grace, _STOP_SECONDS)
        if now < gone_at:
            return gone_at
        if not pod["metadata"].get("finalizers"):
            latest = self._plane.store.get(PODS, *key_of(pod))
            if latest is not None:
                self._plane.registry.finish(PODS, latest)
        return None

    def _needs(self, pod: Object, service: str) -> bool:
        apps = (self._plane.app(spec["image"]) for spec in pod["spec"]["containers"])
        return any(app is not None and service in app.needs for app in apps)

    def _answers(self, namespace: str, service: str) -> bool:
        found = self._plane.store.get(ENDPOINTS, namespace, service)
        return found is not None and any(subset.get("addresses") for subset in found.get("subsets") or [])

    def _has_pull_secret(self, pod: Object) -> bool:
        named = [reference.get("name", "") for reference in pod["spec"].get("imagePullSecrets") or []]
        return any(self._plane.store.get(SECRETS, pod["metadata"]["namespace"], name) for name in named)


def _node_address(node: Object | None) -> str:
    addresses = status_of(node).get("addresses") or [] if node else []
    return next((entry["address"] for entry in addresses if entry["type"] == "InternalIP"), "10.0.0.1")
