"""What lies outside the namespace and matters to it: the Services behind failing webhooks, ill nodes, DNS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from tools.clients.kubernetes import NotFound, path_to
from tools.reads.kubernetes import admission, kinds, surroundings
from tools.reads.kubernetes import pods as parsing
from tools.reads.kubernetes.asking import Question, Survey, list_all
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.raw import texts
from tools.reads.kubernetes.views import Log, Node, Pod, Webhook
from tools.values import JsonObject

MOST_WEBHOOKS = 3
MOST_NODES = 3
"""So many are looked into; more of them say the same."""

UNRESOLVED = re.compile(r"name resolution|EAI_AGAIN|server misbehaving|SERVFAIL|\b(?:lookup|dns|resolv)", re.IGNORECASE)
"""Log lines that make the cluster's DNS worth a look; what they prove is for the rules to say."""


@dataclass(frozen=True)
class _Crowd:
    """Pods of other namespaces: which to ask for, and what a gap calls them."""

    name: str
    namespace: str | None
    query: dict[str, str]


def neighbours(
    first: Picture, found: Mapping[str, tuple[JsonObject, ...]], logs: tuple[Log, ...], survey: Survey
) -> dict[str, object]:
    """The failing webhooks with their Services, and pods of other namespaces that have to do with this one."""
    failed = failed_webhooks(first)
    named = [one for one in _webhooks(found) if one.name in failed][:MOST_WEBHOOKS]
    answers = survey.ask(
        [Question(f"the Service of webhook {one.name}", partial(_behind, one, survey)) for one in named]
    )
    looked = [answer or (one, {}) for one, answer in zip(named, answers, strict=True)]
    crowds = [*_behind_webhooks(looked), *_on_ill_nodes(first), *_resolvers(logs)]
    pods = survey.ask([Question(crowd.name, partial(_pods, crowd, survey), essential=False) for crowd in crowds])
    others = (pod for some in pods if some for pod in some if pod.namespace != survey.namespace)
    return {
        "webhooks": tuple(webhook for webhook, _ in looked),
        "elsewhere": tuple({(pod.namespace, pod.name): pod for pod in others}.values()),
    }


def failed_webhooks(first: Picture) -> frozenset[str]:
    """The webhooks that events or conditions say could not be called."""
    messages = [event.message for event in first.events]
    messages += [found.message for workload in first.workloads for found in workload.conditions]
    return admission.failed_calls(messages)


def ill_nodes(first: Picture) -> tuple[Node, ...]:
    """The nodes that are not well and carry pods of the namespace, or are asked about."""
    used = {pod.node for pod in first.pods if pod.node}
    if first.subject.kind == "Node" and first.subject.name:
        used.add(first.subject.name)
    return tuple(node for node in first.nodes if node.name in used and (node.pressures or not node.ready))


def _webhooks(found: Mapping[str, tuple[JsonObject, ...]]) -> Iterator[Webhook]:
    for kind in (kinds.VALIDATING, kinds.MUTATING):
        for raw in found.get(kind.name, ()):
            yield from admission.webhooks(raw, mutating=kind is kinds.MUTATING)


def _behind(webhook: Webhook, survey: Survey) -> tuple[Webhook, dict[str, str]]:
    """The webhook with what is known of its Service, and that Service's selector."""
    if not webhook.service:
        return webhook, {}
    namespace, _, name = webhook.service.partition("/")
    try:
        service = survey.reader.get(path_to("v1", "services", namespace, name))
    except NotFound:
        return webhook.model_copy(update={"exists": False, "ready": 0}), {}
    of_service = {"labelSelector": f"{surroundings.SERVICE_LABEL}={name}"}
    slices = list_all(path_to("discovery.k8s.io/v1", "endpointslices", namespace), survey.reader, of_service)
    ready = sum(one.ready for one in surroundings.endpoints(slices))
    return webhook.model_copy(update={"exists": True, "ready": ready}), texts(service, "spec", "selector")


def _behind_webhooks(looked: Iterable[tuple[Webhook, dict[str, str]]]) -> Iterator[_Crowd]:
    for webhook, selector in looked:
        if selector:
            wanted = ",".join(f"{key}={value}" for key, value in selector.items())
            namespace = webhook.service.partition("/")[0]
            yield _Crowd(f"the pods behind webhook {webhook.name}", namespace, {"labelSelector": wanted})


def _on_ill_nodes(first: Picture) -> Iterator[_Crowd]:
    for node in ill_nodes(first)[:MOST_NODES]:
        yield _Crowd(f"the pods of node {node.name}", None, {"fieldSelector": f"spec.nodeName={node.name}"})


def _resolvers(logs: tuple[Log, ...]) -> Iterator[_Crowd]:
    """The cluster's DNS, when some log complains about it."""
    if any(UNRESOLVED.search(line) for log in logs for line in log.lines):
        yield _Crowd("the pods of the cluster's DNS", "kube-system", {"labelSelector": "k8s-app=kube-dns"})


def _pods(crowd: _Crowd, survey: Survey) -> tuple[Pod, ...]:
    listed = list_all(path_to("v1", "pods", crowd.namespace), survey.reader, crowd.query)
    return tuple(parsing.pod(raw) for raw in listed)
