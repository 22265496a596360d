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
    kind: str | None = None
    """Another kind of object the alert is about, as the API spells it: StatefulSet, Job, Node, ..."""
    name: str | None = None
    """And its name."""


class AwsSubject(Value):
    """A CloudWatch alarm: the metric it watches and the dimensions that name the resource.

    Where somebody asks about a resource and no alarm has rung, `alarm` and `metric` are empty.
    """

    provider: Literal["aws"] = "aws"
    region: str
    alarm: str
    namespace: str
    metric: str
    dimensions: dict[str, str]


Subject = KubernetesSubject | AwsSubject
"""Where to look."""
