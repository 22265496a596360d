"""What `sayso doctor` sees of the cluster: what each of its two identities may do there, asked of the API server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bot.doctor.findings import Ailment, Check, Status, checked, skipped
from bot.settings import Settings

if TYPE_CHECKING:
    from tools.clients.kubernetes import KubernetesReader, KubernetesWriter

LISTED = (
    "pods services events nodes persistentvolumeclaims deployments.apps replicasets.apps statefulsets.apps "
    "daemonsets.apps horizontalpodautoscalers.autoscaling endpointslices.discovery.k8s.io"
)
KUBERNETES_READS = ("get pods/log", *(f"list {kind}" for kind in LISTED.split()))
"""What the reader cannot do without in `tools.reads.kubernetes`; the other kinds are used where they are granted."""
KUBERNETES_WRITES = (
    "get deployments.apps",
    "get deployments.apps/scale",
    "get services",
    "list horizontalpodautoscalers.autoscaling",
    "list nodes",
    "list pods",
    "list replicasets.apps",
    "patch deployments.apps",
    "patch deployments.apps/scale",
    "patch services",
)
"""What the writer needs, for the actions of `tools.writes.kubernetes` (which only two modules may import)."""


def look(settings: Settings) -> Iterator[Check]:
    """The checks of the identity that looks and of the one that acts."""
    from tools.clients.kubernetes import KubernetesReader, KubernetesWriter

    if not settings.cluster_enabled:
        yield skipped("cluster", "no KUBECONFIG, and not in a pod")
        return
    path, context = settings.kubeconfig, settings.kube_context

    def sees() -> str:
        reader = KubernetesReader.from_kubeconfig(path, context)
        server = _granted(reader, KUBERNETES_READS)
        if reader.permitted("patch", "deployments", group="apps"):
            raise Ailment("the identity that looks may also change Deployments", Status.MISSING)
        return f"sees what it needs at {server}, and cannot change it"

    def acts() -> str:
        writer = KubernetesWriter.from_kubeconfig(settings.writer_kubeconfig, context)
        return f"may do what plans contain at {_granted(writer, KUBERNETES_WRITES)}"

    yield checked(
        "cluster reader", "give KUBECONFIG an identity with the reader's ClusterRole (README, Kubernetes)", sees
    )
    if settings.writer_kubeconfig is None:
        yield skipped("cluster writer", "no SAYSO_WRITER_KUBECONFIG: nothing in the cluster can be changed")
    else:
        yield checked("cluster writer", "grant the writer's ClusterRole (README, Kubernetes)", acts)


def _granted(identity: KubernetesReader | KubernetesWriter, wanted: tuple[str, ...]) -> str:
    """The server's address; Ailment when a permission is not granted in every namespace."""
    lacking = [permission for permission in wanted if not _may(identity, permission)]
    if lacking:
        raise Ailment(f"not permitted: {', '.join(lacking)}", Status.MISSING)
    return identity.server


def _may(identity: KubernetesReader | KubernetesWriter, permission: str) -> bool:
    verb, _, target = permission.partition(" ")
    kind, _, part = target.partition("/")
    resource, _, group = kind.partition(".")
    return identity.permitted(verb, resource, group=group, subresource=part)
