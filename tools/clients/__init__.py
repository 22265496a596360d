"""Clients of the outside world. Readers and Writers are two types, because they are two identities."""

from __future__ import annotations

from dataclasses import dataclass

from tools.clients.aws import AwsReader, AwsWriter
from tools.clients.kubernetes import KubernetesSource, KubernetesWriter
from tools.clients.prometheus import AlertmanagerReader, PrometheusReader


@dataclass(frozen=True)
class Readers:
    """The read-only identities. None where the provider is not configured."""

    kubernetes: KubernetesSource | None
    aws: AwsReader | None
    prometheus: PrometheusReader | None = None
    alertmanager: AlertmanagerReader | None = None


@dataclass(frozen=True)
class Writers:
    """The identities that may change things. Only rehearsal (dry run) and remediation hold one."""

    kubernetes: KubernetesWriter | None
    aws: AwsWriter | None
