"""What every part of the cluster that acts by itself works with: the store, its door, the clock, events, images."""

from __future__ import annotations

from dataclasses import dataclass, field

from deploy.sandbox.cluster.clock import Clock
from deploy.sandbox.cluster.events import Recorder
from deploy.sandbox.cluster.images import App, Images
from deploy.sandbox.cluster.kubelet.logs import LogBook
from deploy.sandbox.cluster.kubelet.states import Container
from deploy.sandbox.cluster.objects.names import Names
from deploy.sandbox.cluster.objects.registry import Registry
from deploy.sandbox.cluster.objects.store import Store


@dataclass
class Runtime:
    """What runs on the nodes now: containers, logs, since when pods are ready, which nodes are switched off."""

    containers: dict[str, dict[str, Container]] = field(default_factory=dict)
    """Pod uid -> container name -> where it stands."""
    logs: LogBook = field(default_factory=LogBook)
    ready_since: dict[str, float] = field(default_factory=dict)
    """Pod uid -> simulated instant; absent while not ready."""
    stopping_since: dict[str, float] = field(default_factory=dict)
    silent_since: dict[str, float] = field(default_factory=dict)
    """Node name -> since when its kubelet says nothing."""

    def forget(self, uid: str) -> None:
        """Drop everything about a pod that is gone."""
        self.logs.forget(uid)
        for known in (self.containers, self.ready_since, self.stopping_since):
            known.pop(uid, None)


@dataclass
class Plane:
    """The control plane's shared parts, wired once by `Cluster`."""

    store: Store
    registry: Registry
    clock: Clock
    names: Names
    recorder: Recorder
    images: Images
    runtime: Runtime = field(default_factory=Runtime)

    def app(self, image: str) -> App | None:
        """The program in an image; None when it cannot be pulled."""
        return self.images.get(image)

    def is_available(self, pod_uid: str, min_ready_seconds: int) -> bool:
        """Whether a pod has been ready for long enough."""
        since = self.runtime.ready_since.get(pod_uid)
        return since is not None and self.clock.now() >= since + min_ready_seconds
