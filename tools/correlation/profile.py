"""An alert as correlation sees it: what it is about, where, and since when. From labels, so none of it is certain."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import AwareDatetime

from tools.correlation.identity import POD_LABELS, workload_of
from tools.evidence import Severity
from tools.resources import Resource, kubernetes
from tools.values import Value

WORKLOAD_LABELS = ("deployment", "statefulset", "daemonset", "cronjob", "job_name", "workload", "rollout")
NAMESPACE_LABELS = ("namespace", "kubernetes_namespace", "exported_namespace")
NODE_LABELS = ("node", "kubernetes_node", "nodename", "node_name")
ZONE_LABELS = ("topology_kubernetes_io_zone", "zone", "availability_zone", "az")
CLUSTER_LABELS = ("cluster", "cluster_name")
GENERIC = re.compile(
    r".*(kube-state-metrics|kubelet|cadvisor|exporter|prometheus|alertmanager|pushgateway|blackbox|grafana|telegraf).*"
    r"|unknown( service)?|none|default|all|main|services?|apps?|application|nodes?|hosts?|pods?"
    r"|kubernetes|kubernetes-(pods|nodes|service-endpoints|apiservers|services)|k8s|monitoring|statsd|otel-collector"
    r"|aws|cloudwatch|prod|production|staging|dev|test",
    re.IGNORECASE,
)
"""Names that say who measured, or nothing: two alerts that share one share no service."""


class Profile(Value):
    """One alert. Where a label is missing the field is None, and None agrees with nothing."""

    identity: str
    name: str
    text: str = ""
    """Name and summary, for comparing words."""
    service: str | None = None
    workload: str | None = None
    place: str | None = None
    """`kubernetes:shop` or `aws:eu-west-2`."""
    cluster: str | None = None
    node: str | None = None
    zone: str | None = None
    severity: Severity
    since: AwareDatetime

    @property
    def names(self) -> frozenset[str]:
        """What it may be about, by name."""
        return frozenset(name for name in (self.service, self.workload) if name)

    @property
    def about(self) -> str | None:
        """The one name it is best known by."""
        return self.service or self.workload or self.node


def profile(
    *,
    identity: str,
    name: str,
    service: str | None,
    severity: Severity,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    since: AwareDatetime,
) -> Profile:
    """What an alert's fields say of it."""
    return Profile(
        identity=identity,
        name=name,
        text=f"{name} {annotations.get('summary', '')}",
        service=telling(service),
        workload=telling(_workload(labels)),
        place=_place(labels),
        cluster=_first(labels, CLUSTER_LABELS),
        node=_node(labels),
        zone=_first(labels, ZONE_LABELS),
        severity=severity,
        since=since,
    )


def telling(name: str | None) -> str | None:
    """The name, unless it says nothing."""
    return name if name and not GENERIC.fullmatch(name) else None


def service(name: str) -> Resource:
    """A service as the links of a topology name it: by its name alone."""
    return kubernetes("", "Service", name)


def _workload(labels: Mapping[str, str]) -> str | None:
    pod = _first(labels, POD_LABELS)
    return _first(labels, WORKLOAD_LABELS) or (workload_of(pod) if pod else None)


def _place(labels: Mapping[str, str]) -> str | None:
    if labels.get("arn") or labels.get("alarm"):  # CloudWatch's `namespace` is a product, such as AWS/EC2
        return f"aws:{labels['region']}" if labels.get("region") else None
    namespace = _first(labels, NAMESPACE_LABELS)
    return f"kubernetes:{namespace}" if namespace else None


def _node(labels: Mapping[str, str]) -> str | None:
    """The node an alert names; the exporter of a node is its instance."""
    named = _first(labels, NODE_LABELS)
    if named is None and labels.get("job", "").endswith("node-exporter"):
        named = labels.get("instance")
    return named.partition(":")[0] if named else None


def _first(labels: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((labels[name] for name in names if labels.get(name)), None)
