"""The stand-in cluster as a whole: wired by hand, served on loopback, its time driven by a thread or by a test."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.sandbox.cluster.api.access import Access, Identity
from deploy.sandbox.cluster.api.effects import Effect, Effects
from deploy.sandbox.cluster.api.http import create_app, switch_node
from deploy.sandbox.cluster.api.server import ApiServer
from deploy.sandbox.cluster.clock import Clock
from deploy.sandbox.cluster.controllers.autoscalers import Autoscalers
from deploy.sandbox.cluster.controllers.budgets import Budgets
from deploy.sandbox.cluster.controllers.claims import Claims, Quotas
from deploy.sandbox.cluster.controllers.daemonsets import DaemonSets
from deploy.sandbox.cluster.controllers.deployments import Deployments
from deploy.sandbox.cluster.controllers.endpoints import EndpointSlices
from deploy.sandbox.cluster.controllers.garbage import GarbageCollector, Namespaces
from deploy.sandbox.cluster.controllers.jobs import Jobs
from deploy.sandbox.cluster.controllers.kubelets import Kubelets
from deploy.sandbox.cluster.controllers.loop import Controller, Loop
from deploy.sandbox.cluster.controllers.nodes import Nodes
from deploy.sandbox.cluster.controllers.replicasets import ReplicaSets
from deploy.sandbox.cluster.controllers.scheduler import Scheduler
from deploy.sandbox.cluster.controllers.statefulsets import StatefulSets
from deploy.sandbox.cluster.events import Recorder
from deploy.sandbox.cluster.furnishing import furnish
from deploy.sandbox.cluster.images import IMAGES, Images
from deploy.sandbox.cluster.kubeconfig import write_kubeconfig
from deploy.sandbox.cluster.objects.names import Names
from deploy.sandbox.cluster.objects.ownership import Manager
from deploy.sandbox.cluster.objects.registry import Registry
from deploy.sandbox.cluster.objects.resources import Resource, by_kind
from deploy.sandbox.cluster.objects.shapes import Object
from deploy.sandbox.cluster.objects.store import Change, Store, Subscription
from deploy.sandbox.cluster.plane import Plane
from deploy.sandbox.serving import LoopbackServer

_SHORTEST_NAP = 0.02


@dataclass(frozen=True)
class NodePool:
    """The worker nodes a cluster starts with."""

    count: int = 3
    cpu: str = "4"
    memory: str = "8Gi"


class Cluster:
    """A Kubernetes API on loopback: `with Cluster(speed=10.0) as cluster: cluster.url`.

    With speed 0 nothing happens by itself: controllers and kubelets act inside `advance`. With any other speed a thread
    lets that many simulated seconds pass in a real one.
    """

    def __init__(
        self,
        images: Images = IMAGES,
        speed: float = 1.0,
        *,
        port: int = 0,
        nodes: NodePool | None = None,
        rbac: bool = False,
        kept_changes: int = 20_000,
        seed: int = 7,
        started_at: datetime | None = None,
    ) -> None:
        clock = Clock(speed, started_at or datetime.now(UTC))
        store, names = Store(kept_changes), Names(seed)
        self._plane = Plane(store, Registry(store, clock, names), clock, names, Recorder(store, clock, names), images)
        self._loop = Loop(clock, _controllers(self._plane))
        self._effects = Effects()
        self._work = threading.Event()
        self._stopping = False
        store.on_change = self._loop.notice
        pool = nodes or NodePool()
        furnish(self._plane, pool.count, pool.cpu, pool.memory)
        with store.lock:
            self._loop.settle()
        server = ApiServer(self._plane, Access(store, enabled=rbac), self._effects)
        self._server = LoopbackServer(create_app(self._plane, server, self._effects), port)
        self._thread = threading.Thread(target=self._live, name=f"cluster-{self._server.port}", daemon=True)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>`."""
        return self._server.url

    def kubeconfig(self, path: Path, identity: Identity | str = Identity.ADMIN) -> Path:
        """Write a kubeconfig for the administrator, the reader or the writer; returns its path."""
        return write_kubeconfig(path, self.url, Identity(identity))

    def advance(self, seconds: float) -> None:
        """Let simulated time pass at once; `advance(0)` only does what is due already."""
        with self._plane.store.lock:
            self._loop.advance(seconds)

    def load(self, documents: Iterable[Object]) -> None:
        """Create objects straight in the store, as manifests loaded before anybody looks."""
        with self._plane.store.lock:
            for body in documents:
                resource = by_kind(body.get("apiVersion", ""), body.get("kind", ""))
                if resource is None:
                    raise ValueError(f"no such kind here: {body.get('apiVersion')} {body.get('kind')}")
                namespace = (body.get("metadata") or {}).get("namespace", "default") if resource.namespaced else ""
                self._plane.registry.create(resource, namespace, body, Manager("sandbox-load"))

    def effects(self, manager: str = "", dry_run: bool | None = False, changed: bool | None = None) -> list[Effect]:
        """The mutating calls so far; without more words, those that were no dry run."""
        with self._plane.store.lock:
            return self._effects.all(manager, dry_run, changed)

    def changes(self, resource: Resource, wake: Callable[[], None]) -> Subscription:
        """Everything that happened to objects of a kind and will; `wake` is called, in any thread, on each change."""
        with self._plane.store.lock:
            return self._plane.store.subscribe(resource, 100, wake)

    def power(self, node: str, on: bool) -> None:
        """Silence a node's kubelet, or let it speak again."""
        with self._plane.store.lock:
            switch_node(self._plane, node, "on" if on else "off")

    def start(self) -> Self:
        """Serve, and let time pass unless the speed is 0."""
        self._server.start()
        self._begin_living()
        return self

    def serve_forever(self) -> None:
        """Serve in this thread until interrupted."""
        self._begin_living()
        try:
            self._server.serve_forever()
        finally:
            self._end_living()

    def stop(self) -> None:
        """End every watch, stop time, stop serving."""
        self._end_living()
        self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _begin_living(self) -> None:
        if self._plane.clock.speed:
            self._plane.store.on_change = self._notice_and_wake
            self._work.set()
            self._thread.start()

    def _end_living(self) -> None:
        self._stopping = True
        self._work.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        with self._plane.store.lock:
            self._plane.store.close_subscriptions()

    def _notice_and_wake(self, change: Change) -> None:
        self._loop.notice(change)
        self._work.set()

    def _live(self) -> None:
        """Sleep until something changes or is due; work; sleep again. Costs nothing while nothing happens."""
        while not self._stopping:
            self._work.clear()
            with self._plane.store.lock:
                self._settle()
                due = self._loop.next_deadline()
            nap = None if due is None else max(_SHORTEST_NAP, self._plane.clock.wait_for(due))
            self._work.wait(nap)

    def _settle(self) -> None:
        try:
            self._loop.settle()
        except Exception:  # the boundary of this thread: one broken object must not stop time for all
            logging.getLogger(__name__).exception("a controller failed")


def _controllers(plane: Plane) -> list[Controller]:
    """In the order in which one's work becomes the next one's."""
    return [
        Namespaces(plane),
        Autoscalers(plane),
        Deployments(plane),
        ReplicaSets(plane),
        StatefulSets(plane),
        DaemonSets(plane),
        Jobs(plane),
        Claims(plane),
        Scheduler(plane),
        Kubelets(plane),
        EndpointSlices(plane),
        Budgets(plane),
        Quotas(plane),
        Nodes(plane),
        GarbageCollector(plane),
    ]
