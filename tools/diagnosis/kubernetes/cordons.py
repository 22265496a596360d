"""The rule about cordoned nodes that pods wait for. A cordoned node nobody waits for is maintenance, not a fault."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from tools import resources
from tools.diagnosis.kubernetes import citing, owners, scheduling
from tools.diagnosis.kubernetes.citing import Found
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Node, Pod

OURSELVES = "sayso"
"""The field manager of our own writes: a node cordoned under an approved plan needs no finding."""

SLACK = timedelta(minutes=5)
"""How far the clocks of the API server and of whoever wrote may lie apart."""


def findings(picture: Picture) -> Iterator[Found]:
    """One finding for all the cordoned nodes that pods wait for."""
    found = node_cordoned(picture)
    if found is not None:
        yield found


def node_cordoned(picture: Picture) -> Found | None:
    """k8s.node_cordoned: the scheduler passes cordoned nodes over and pods stay Pending; one finding for all."""
    nodes = [node for node in picture.nodes if node.cordoned and node.cordoned_by != OURSELVES]
    nodes.sort(key=lambda node: (node.cordoned_at.timestamp() if node.cordoned_at else 0.0, node.name))
    waiting = [pod for pod in picture.pods if _passed_over(pod, picture) and not _waited_before(pod, nodes)]
    if not nodes or not waiting:
        return None
    latest, condition = nodes[-1], waiting[0].condition("PodScheduled")
    return citing.found(
        "k8s.node_cordoned",
        f"{', '.join(node.name for node in nodes)} {'are' if len(nodes) > 1 else 'is'} cordoned",
        f"No pod may be placed on {'; '.join(_cordon(node) for node in nodes)}. "
        f"{owners.told(waiting)} cannot be placed elsewhere.",
        resource=resources.kubernetes("", "Node", latest.name),
        severity=owners.worst(waiting, picture),
        confidence=9,
        since=latest.cordoned_at,
        evidence=(
            *(
                citing.quote(picture, f"nodes/{node.name}", "spec.unschedulable", "true", _cordon(node))
                for node in nodes
            ),
            citing.quote(
                picture,
                f"pods/{waiting[0].name}",
                "status.conditions[PodScheduled].message",
                condition.message if condition else "",
                "the scheduler's own words",
            ),
        ),
    )


def refusal(pod: Pod, picture: Picture) -> tuple[str, ...]:
    """The scheduler's reasons, where a pod has been Pending for longer than a moment."""
    condition = pod.condition("PodScheduled")
    if pod.deleting or pod.phase != "Pending" or condition is None or condition.reason != "Unschedulable":
        return ()
    waits = owners.is_older(pod.created, owners.MOMENT, picture)
    return tuple(scheduling.scheduler_reasons(condition.message)) if waits else ()


def _passed_over(pod: Pod, picture: Picture) -> bool:
    """Whether the scheduler counts a cordoned node among the reasons why this pod is still Pending."""
    return any("were unschedulable" in reason for reason in refusal(pod, picture))


def _waited_before(pod: Pod, nodes: list[Node]) -> bool:
    """Whether the pod was waiting well before the first of these nodes was cordoned."""
    first = nodes[0].cordoned_at if nodes else None
    return first is not None and pod.created is not None and pod.created < first - SLACK


def _cordon(node: Node) -> str:
    by = f" by {node.cordoned_by}" if node.cordoned_by else ""
    return f"{node.name}, cordoned{by}{owners.clock(node.cordoned_at)}"
