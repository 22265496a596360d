"""What an alert is about, as far as its labels say: where an investigation starts to look."""

from __future__ import annotations

from typing import Literal

from tools.values import Value


class KubernetesSubject(Value):
    """A namespace, and the workload, Service or pod named by the alert, where it names one."""

    provider: Literal["kubernetes"] = "kubernetes"
    namespace: str
    deployment: str | None = None
    service: str | None = None
    pod: str | None = None


class AwsSubject(Value):
    """A CloudWatch alarm: the metric it watches and the dimensions that name the resource."""

    provider: Literal["aws"] = "aws"
    region: str
    alarm: str
    namespace: str
    metric: str
    dimensions: dict[str, str]


Subject = KubernetesSubject | AwsSubject
"""Where to look."""
