"""Naming one thing in the world, the same way everywhere: on cards, as lock keys, in findings."""

from __future__ import annotations

from enum import StrEnum

from tools.values import Value


class Provider(StrEnum):
    """Whose API knows the resource."""

    KUBERNETES = "kubernetes"
    AWS = "aws"


class Resource(Value):
    """One object: `scope` is the namespace (empty for cluster-wide kinds) or the AWS region."""

    provider: Provider
    scope: str
    kind: str
    name: str

    @property
    def key(self) -> str:
        """A unique, stable name; also the key under which work on the resource is serialised."""
        return f"{self.provider}:{self.scope}:{self.kind}:{self.name}"

    def __str__(self) -> str:
        return f"{self.scope}/{self.kind}/{self.name}" if self.scope else f"{self.kind}/{self.name}"


def kubernetes(namespace: str, kind: str, name: str) -> Resource:
    """A Kubernetes object, `kind` spelled as the API does (`Deployment`)."""
    return Resource(provider=Provider.KUBERNETES, scope=namespace, kind=kind, name=name)


def aws(region: str, kind: str, name: str) -> Resource:
    """An AWS resource, `kind` such as `AutoScalingGroup`, `EcsService`, `Instance`, `Alarm`."""
    return Resource(provider=Provider.AWS, scope=region, kind=kind, name=name)
