"""What was seen of one namespace at one moment, as typed views: the only input of `tools.diagnosis.kubernetes`.

Views hold what rules, cards and people need, never an environment variable's value, a Secret or a ConfigMap's content.
Text that strangers can write (logs, events, messages) is redacted before it gets here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, TypeVar

from pydantic import AwareDatetime

from tools.reads.kubernetes.views import (
    Autoscaler,
    Budget,
    Claim,
    CronJob,
    Endpoints,
    Event,
    Gateway,
    GitOpsApp,
    Ingress,
    IngressClass,
    Job,
    LimitRange,
    Log,
    NetworkPolicy,
    Node,
    NodeUsage,
    Pod,
    Quota,
    Route,
    Service,
    StorageClass,
    Usage,
    Volume,
    Webhook,
    Workload,
    Written,
)
from tools.subjects import KubernetesSubject
from tools.values import Value

View = TypeVar("View")
Key = TypeVar("Key")


class Picture(Value):
    """One namespace as it was seen. `now` is the later of our clock and the newest time the cluster mentions.

    `gaps` say in plain words what could not be read, `unread` which kinds those are (`endpointslices`).
    """

    subject: KubernetesSubject
    at: AwareDatetime
    now: AwareDatetime
    onset: AwareDatetime | None = None
    """When the trouble was first noticed, where something noticed it: the first alert of the incident."""
    workloads: tuple[Workload, ...] = ()
    pods: tuple[Pod, ...] = ()
    services: tuple[Service, ...] = ()
    endpoints: tuple[Endpoints, ...] = ()
    events: tuple[Event, ...] = ()
    nodes: tuple[Node, ...] = ()
    autoscalers: tuple[Autoscaler, ...] = ()
    claims: tuple[Claim, ...] = ()
    config_maps: tuple[str, ...] = ()
    secrets: tuple[str, ...] | None = None
    """Names only, and only where the reader may list them: None means nobody looked."""
    config_keys: Mapping[str, tuple[str, ...]] = {}
    """Keys of the ConfigMaps that some container misses a key of; never a value."""
    written: tuple[Written, ...] = ()
    """ConfigMaps of ill workloads: who last wrote them."""
    jobs: tuple[Job, ...] = ()
    cron_jobs: tuple[CronJob, ...] = ()
    budgets: tuple[Budget, ...] = ()
    quotas: tuple[Quota, ...] = ()
    limit_ranges: tuple[LimitRange, ...] = ()
    network_policies: tuple[NetworkPolicy, ...] = ()
    ingresses: tuple[Ingress, ...] = ()
    ingress_classes: tuple[IngressClass, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    routes: tuple[Route, ...] = ()
    volumes: tuple[Volume, ...] = ()
    storage_classes: tuple[StorageClass, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    apps: tuple[GitOpsApp, ...] = ()
    node_usage: tuple[NodeUsage, ...] = ()
    elsewhere: tuple[Pod, ...] = ()
    """Pods of other namespaces, where some node or webhook question needed them."""
    logs: tuple[Log, ...] = ()
    usage: tuple[Usage, ...] = ()
    gaps: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def namespace(self) -> str:
        """The namespace that was looked at."""
        return self.subject.namespace

    def workload(self, kind: str, name: str) -> Workload | None:
        """The workload of that kind and name."""
        return self._workloads.get((kind, name))

    def deployment(self, name: str) -> Workload | None:
        """The Deployment of that name."""
        return self.workload("Deployment", name)

    def service(self, name: str) -> Service | None:
        """The Service of that name."""
        return next((found for found in self.services if found.name == name), None)

    def endpoints_of(self, service: str) -> Endpoints | None:
        """The endpoints of a Service, where slices could be read."""
        return next(iter(self._endpoints.get(service, ())), None)

    def node(self, name: str) -> Node | None:
        """The node of that name."""
        return next((found for found in self.nodes if found.name == name), None)

    def claim(self, name: str) -> Claim | None:
        """The PersistentVolumeClaim of that name."""
        return next((found for found in self.claims if found.name == name), None)

    def pods_of(self, workload: Workload) -> tuple[Pod, ...]:
        """The pods a workload owns, leaving ones included."""
        return self._pods.get((workload.kind, workload.name), ())

    def pods_selected(self, selector: Mapping[str, str]) -> tuple[Pod, ...]:
        """The pods a selector picks, leaving ones included; an empty one picks none."""
        return tuple(pod for pod in _fewest(self._pods_labelled, selector) if selects(selector, pod.labels))

    def workloads_selected(self, selector: Mapping[str, str]) -> tuple[Workload, ...]:
        """The workloads whose pods a selector would pick."""
        meant = _fewest(self._workloads_labelled, selector)
        return tuple(workload for workload in meant if selects(selector, workload.template.labels))

    def has_read(self, *kinds: str) -> bool:
        """Whether these kinds (`services`, `endpointslices`) were read: without that, absence proves nothing."""
        return not set(kinds).intersection(self.unread)

    def events_of(self, kind: str, name: str) -> tuple[Event, ...]:
        """The events about one object, oldest first."""
        return self._events.get((kind, name), ())

    def logs_of(self, pod: str, container: str) -> tuple[Log, ...]:
        """The logs that were read of one container."""
        return self._logs.get((pod, container), ())

    def usage_of(self, pod: str, container: str) -> Usage | None:
        """What a container uses now, where metrics exist."""
        return next(iter(self._usage.get((pod, container), ())), None)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Picture:
        """A copy that looks things up anew: what was indexed of the original may not be in it."""
        copied = super().model_copy(update=update, deep=deep)
        for name in set(copied.__dict__) - set(type(self).model_fields):
            del copied.__dict__[name]
        return copied

    # Looked up once for every pod: scanning the lists again each time is what makes a thousand pods slow.

    @cached_property
    def _workloads(self) -> Mapping[tuple[str, str], Workload]:
        return {(found.kind, found.name): found for found in reversed(self.workloads)}

    @cached_property
    def _pods(self) -> Mapping[tuple[str, str], tuple[Pod, ...]]:
        return _grouped(self.pods, lambda pod: (pod.owner_kind, pod.owner_name))

    @cached_property
    def _pods_labelled(self) -> Mapping[tuple[str, str], tuple[Pod, ...]]:
        return _labelled(self.pods, lambda pod: pod.labels)

    @cached_property
    def _workloads_labelled(self) -> Mapping[tuple[str, str], tuple[Workload, ...]]:
        return _labelled(self.workloads, lambda workload: workload.template.labels)

    @cached_property
    def _events(self) -> Mapping[tuple[str, str], tuple[Event, ...]]:
        return _grouped(self.events, lambda found: (found.kind, found.name))

    @cached_property
    def _logs(self) -> Mapping[tuple[str, str], tuple[Log, ...]]:
        return _grouped(self.logs, lambda log: (log.pod, log.container))

    @cached_property
    def _usage(self) -> Mapping[tuple[str, str], tuple[Usage, ...]]:
        return _grouped(self.usage, lambda used: (used.pod, used.container))

    @cached_property
    def _endpoints(self) -> Mapping[str, tuple[Endpoints, ...]]:
        return _grouped(self.endpoints, lambda found: found.service)


def _grouped(views: Iterable[View], key: Callable[[View], Key]) -> Mapping[Key, tuple[View, ...]]:
    """The views under their keys, each group in the order in which it was seen."""
    grouped: dict[Key, list[View]] = {}
    for view in views:
        grouped.setdefault(key(view), []).append(view)
    return {found: tuple(group) for found, group in grouped.items()}


def _labelled(
    views: Iterable[View], labels: Callable[[View], Mapping[str, str]]
) -> Mapping[tuple[str, str], tuple[View, ...]]:
    """The views under each of their labels."""
    grouped: dict[tuple[str, str], list[View]] = {}
    for view in views:
        for label in labels(view).items():
            grouped.setdefault(label, []).append(view)
    return {label: tuple(group) for label, group in grouped.items()}


def _fewest(labelled: Mapping[tuple[str, str], tuple[View, ...]], selector: Mapping[str, str]) -> tuple[View, ...]:
    """The views under the rarest label of a selector: all it can pick."""
    return min((labelled.get(label, ()) for label in selector.items()), key=len, default=())


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether a Service's selector picks pods with these labels. An empty selector picks nothing here."""
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())
