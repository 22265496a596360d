"""What the rows share: the arguments they take, the reader they use, and the evidence they answer with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from pydantic import Field

from tools.actions import DnsName
from tools.clients import Readers
from tools.clients.kubernetes import KubernetesSource, NotFound, path_to
from tools.errors import Forbidden, PermanentError
from tools.evidence import Evidence, Trust, evidence
from tools.reads.kubernetes.asking import LOG_LINES, NAMES_ONLY, Kind, list_all
from tools.redaction import redact
from tools.values import JsonObject, Value


class InNamespace(Value):
    """Which namespace to look at."""

    namespace: DnsName


class OfDeployment(InNamespace):
    """Which Deployment to look at."""

    deployment: DnsName


class OfChanges(InNamespace):
    """A whole namespace, or one Deployment of it."""

    deployment: DnsName | None = None


class OfPod(InNamespace):
    """Which pod to look at."""

    pod: DnsName


class OfPodLog(OfPod):
    """Whose log to read, and which run of the container."""

    container: DnsName
    previous: bool = False
    lines: Annotated[int, Field(ge=1, le=200)] = LOG_LINES


class OfEvents(InNamespace):
    """Events of a namespace, or of one object in it."""

    name: DnsName | None = None


class OfNode(Value):
    """Which node to look at."""

    node: DnsName


class Everywhere(Value):
    """Cluster-wide; nothing to choose."""


def reader_of(readers: Readers) -> KubernetesSource:
    """The cluster to ask. Raises PermanentError where there is none."""
    if readers.kubernetes is None:
        raise PermanentError("Kubernetes is not configured")
    return readers.kubernetes


def listed(kind: Kind, namespace: str | None, reader: KubernetesSource) -> tuple[JsonObject, ...]:
    """Every object of a kind, of one namespace unless the kind is in none; metadata alone where that is enough."""
    path = path_to(kind.group, kind.resource, None if kind.everywhere else namespace)
    return list_all(path, reader, accept=NAMES_ONLY if kind.names_only else None)


def listed_if_any(kind: Kind, namespace: str, reader: KubernetesSource) -> tuple[tuple[JsonObject, ...], str]:
    """The objects of a kind the cluster may not serve or the reader may not list, and a line that says so."""
    try:
        return listed(kind, namespace, reader), ""
    except NotFound:
        return (), ""
    except Forbidden:
        return (), f"{kind.name} may not be listed"


def status(tool: str, query: str, summary: str, lines: Iterable[str], at: datetime) -> tuple[Evidence, ...]:
    """What the API server says of its objects."""
    excerpt = redact("\n".join(line for line in lines if line)) or "nothing"
    return (evidence(tool=tool, query=query, summary=summary, excerpt=excerpt, at=at, trust=Trust.STATUS),)


def spoken(tool: str, query: str, summary: str, lines: Iterable[str], at: datetime) -> tuple[Evidence, ...]:
    """What programs and people wrote; `lines` are redacted already or will be."""
    excerpt = redact("\n".join(lines))
    return (evidence(tool=tool, query=query, summary=summary, excerpt=excerpt, at=at, trust=Trust.TEXT),)
