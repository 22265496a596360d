"""The second round of a look: what is asked for only because the first round gave a reason, and how it becomes views.

A namespace in which all is well costs no question here but one: which groups of custom resources the cluster serves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tools.clients.kubernetes import KubernetesSource
from tools.reads.kubernetes import configs, gitops, kinds, limits, neighbours, routing, spoken, storage, surroundings
from tools.reads.kubernetes.asking import Kind, Question, Survey
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.raw import items, text
from tools.values import JsonObject

DRAINING = frozenset(
    {"EvictionThresholdMet", "Evicted", "Drain", "FailedEviction", "NodeNotReady", "TaintManagerEviction"}
)
"""Reasons of events that make disruption budgets worth reading."""


def api_groups(reader: KubernetesSource) -> Question[frozenset[str]]:
    """Which API groups the cluster serves."""

    def ask() -> frozenset[str]:
        return frozenset(text(found, "name") for found in items(reader.get("/apis"), "groups"))

    return Question("custom resources", ask, essential=False)


def seen(first: Picture, survey: Survey, groups: frozenset[str]) -> dict[str, object]:
    """What the second round adds, by the picture's fields."""
    reasons = Reasons(first)
    custom = tuple(kind for kind in kinds.CUSTOM if kind.group.partition("/")[0] in groups)
    found = survey.list(*reasons.kinds(), *custom)
    reasons.complain(survey)
    logs = spoken.logs(first, survey)
    return {
        **_views(found, survey.namespace),
        **configs.seen(first, found, survey),
        **neighbours.neighbours(first, found, logs, survey),
        "logs": logs,
    }


@dataclass(frozen=True)
class Reasons:
    """Why the first round calls for more."""

    first: Picture

    def kinds(self) -> tuple[Kind, ...]:
        """What to list."""
        return tuple(dict.fromkeys(self._wanted()))

    def complain(self, survey: Survey) -> None:
        """Gaps for what was asked for a reason and could not be read."""
        if self.creation_refused:
            survey.need("resourcequotas", "whether a quota is exhausted is unknown")
            survey.need("limitranges", "what a LimitRange allows is unknown")
        if self.storage_trouble:
            survey.need("persistentvolumes", "which volumes are free is unknown")
            survey.need("storageclasses", "whether the storage class exists is unknown")
        if self.failed_webhooks:
            for kind in (kinds.VALIDATING, kinds.MUTATING):
                survey.need(kind.name, "which Service the failing webhook calls is unknown")
        if self.first.subject.kind in ("Job", "CronJob"):
            for kind in (kinds.JOBS, kinds.CRON_JOBS):
                survey.need(kind.name, "how its runs went is unknown")
        if self.first.subject.kind == "Ingress":
            survey.need("ingresses", "what it leads to is unknown")

    @property
    def creation_refused(self) -> bool:
        """Whether pods could not be made."""
        refused = any(found.reason == "FailedCreate" for found in self.first.events)
        return refused or any(found.condition("ReplicaFailure") for found in self.first.workloads)

    @property
    def storage_trouble(self) -> bool:
        """Whether a claim is not bound, or a pod waits for a volume."""
        if any(claim.phase != "Bound" for claim in self.first.claims):
            return True
        unplaced = [found for pod in self.first.pods if (found := pod.condition("PodScheduled"))]
        messages = [found.message for found in unplaced if found.status == "False"]
        return any("persistentvolumeclaim" in message.lower() or "volume" in message.lower() for message in messages)

    @property
    def failed_webhooks(self) -> frozenset[str]:
        """The webhooks that could not be called."""
        return neighbours.failed_webhooks(self.first)

    def _wanted(self) -> Iterator[Kind]:
        first = self.first
        yield from configs.wanted(first)
        if self.creation_refused or _ran_out(first):
            yield from (kinds.QUOTAS, kinds.LIMIT_RANGES)
        if _disturbed(first):
            yield kinds.BUDGETS
        if first.ingresses:
            yield kinds.INGRESS_CLASSES
        if self.storage_trouble:
            yield from (kinds.VOLUMES, kinds.STORAGE_CLASSES)
        if neighbours.ill_nodes(first) or _unplaced(first):
            yield kinds.NODE_METRICS
        if self.failed_webhooks:
            yield from (kinds.VALIDATING, kinds.MUTATING)


def _ran_out(first: Picture) -> bool:
    """Whether memory or replicas ran out, so that the room above decides what may be raised."""
    ends = (end for pod in first.pods for state in pod.states for end in (state.terminated, state.last) if end)
    if any(end.reason == "OOMKilled" or end.exit_code == 137 for end in ends):
        return True
    return any((limit := found.condition("ScalingLimited")) and limit.status == "True" for found in first.autoscalers)


def _disturbed(first: Picture) -> bool:
    """Whether pods are being moved about, or somebody asks about a node or a budget."""
    if first.subject.kind in ("Node", "PodDisruptionBudget"):
        return True
    if any(node.cordoned or not node.ready for node in first.nodes):
        return True
    return any(found.reason in DRAINING or "disruption budget" in found.message for found in first.events)


def _unplaced(first: Picture) -> bool:
    placed = (pod.condition("PodScheduled") for pod in first.pods if not pod.deleting)
    return any(found.status == "False" for found in placed if found)


def _views(found: Mapping[str, tuple[JsonObject, ...]], namespace: str) -> dict[str, object]:
    """The views of what was listed for a reason."""

    def of(kind: Kind) -> tuple[JsonObject, ...]:
        return found.get(kind.name, ())

    flux = ((kinds.KUSTOMIZATIONS, "Kustomization"), (kinds.HELM_RELEASES, "HelmRelease"))
    return {
        "quotas": tuple(limits.quota(raw) for raw in of(kinds.QUOTAS)),
        "limit_ranges": tuple(one for raw in of(kinds.LIMIT_RANGES) for one in limits.limit_ranges(raw)),
        "budgets": tuple(limits.budget(raw) for raw in of(kinds.BUDGETS)),
        "ingress_classes": tuple(routing.ingress_class(raw) for raw in of(kinds.INGRESS_CLASSES)),
        "gateways": tuple(routing.gateway(raw) for raw in of(kinds.GATEWAYS)),
        "routes": tuple(routing.route(raw) for raw in of(kinds.ROUTES)),
        "volumes": tuple(storage.volume(raw) for raw in of(kinds.VOLUMES)),
        "storage_classes": tuple(storage.storage_class(raw) for raw in of(kinds.STORAGE_CLASSES)),
        "node_usage": tuple(surroundings.node_usage(raw) for raw in of(kinds.NODE_METRICS)),
        "apps": (
            *(gitops.application(raw) for raw in of(kinds.APPLICATIONS) if gitops.serves(raw, namespace)),
            *(gitops.flux(raw, name) for kind, name in flux for raw in of(kind) if gitops.serves(raw, namespace)),
        ),
    }
