"""Rules about NetworkPolicies that cut pods off: new, allowing nothing in a direction, and followed by time-outs.

A policy leaves no trace when it drops a packet: this is inference from time and silence, and its confidence is modest.
A default-deny that was there long before the trouble is good practice, not its cause.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tools import resources
from tools.diagnosis.kubernetes import citing, owners
from tools.diagnosis.kubernetes.citing import Found
from tools.evidence import Evidence
from tools.reads.kubernetes.picture import Picture, selects
from tools.reads.kubernetes.views import Event, Log, NetworkPolicy, Pod

SLACK = timedelta(minutes=2)
"""How far the clocks of two controllers, and a probe's period, may lie apart."""
WINDOW = timedelta(hours=1)
"""Within this time after the policy the trouble has to begin."""
CLOSE = timedelta(minutes=10)
"""Within this time the two are close enough to be surer."""

_TIMEOUT = re.compile(
    r"i/o timeout|timed? ?out|ETIMEDOUT|EAI_AGAIN|deadline exceeded|no route to host|temporary failure in name",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Trouble:
    """A pod that was cut off: since when, in which direction, and what shows it."""

    pod: Pod
    since: datetime
    direction: str
    shown_by: Event | Log


def findings(picture: Picture) -> Iterator[Found]:
    """k8s.network_policy_blocks: a policy made just before the pods it selects began to run into time-outs."""
    for policy in picture.network_policies:
        shown = troubles(policy, picture)
        if policy.created is not None and shown:
            yield _blocks(policy, policy.created, shown, picture)


def troubles(policy: NetworkPolicy, picture: Picture) -> list[Trouble]:
    """What shows that a policy cuts off living pods."""
    return [one for pod in picture.pods if owners.is_alive(pod) for one in _troubles(pod, policy, picture)]


def closed(policy: NetworkPolicy, pod: Pod, picture: Picture) -> tuple[str, ...]:
    """The directions a policy closes for a pod, and that no other policy opens again: allowances add up."""
    if not _picks(policy, pod):
        return ()
    others = [other for other in picture.network_policies if other.name != policy.name and _picks(other, pod)]
    opened = {one for other in others for one in other.directions if one not in other.allows_nothing}
    return tuple(one for one in policy.allows_nothing if one not in opened)


def _picks(policy: NetworkPolicy, pod: Pod) -> bool:
    return policy.selects_all or selects(policy.selector, pod.labels)


def _troubles(pod: Pod, policy: NetworkPolicy, picture: Picture) -> Iterator[Trouble]:
    """What shows that the pod is cut off, where it began soon after the policy."""
    ready = pod.condition("Ready")
    since = ready.since if ready and ready.status != "True" else None
    if policy.created is None or since is None or not policy.created - SLACK <= since <= policy.created + WINDOW:
        return
    directions = closed(policy, pod, picture)
    written = next((log for log in picture.logs if log.pod == pod.name and _timeout(log)), None)
    if written is not None and "Egress" in directions:
        yield Trouble(pod, since, "Egress", written)
    unhealthy = [
        event
        for event in picture.events_of("Pod", pod.name)
        if event.reason == "Unhealthy" and _TIMEOUT.search(event.message)
    ]
    if unhealthy and "Ingress" in directions:
        yield Trouble(pod, since, "Ingress", unhealthy[-1])


def _timeout(log: Log) -> str:
    return next((line for line in reversed(log.lines) if _TIMEOUT.search(line)), "")


def _blocks(policy: NetworkPolicy, created: datetime, troubles: list[Trouble], picture: Picture) -> Found:
    pods = tuple({one.pod.name: one.pod for one in troubles}.values())
    directions = sorted({one.direction for one in troubles})
    troubles.sort(key=lambda one: one.since)
    since = troubles[0].since
    return citing.found(
        "k8s.network_policy_blocks",
        f"NetworkPolicy {policy.name} may cut off {owners.told(pods)}",
        f"NetworkPolicy {policy.name} was made at {created:%Y-%m-%d %H:%M} UTC and allows {owners.told(pods)} no "
        f"{' and no '.join(word.lower() for word in directions)}; they have met time-outs and not been ready"
        f"{owners.clock(since)}.",
        resource=resources.kubernetes(picture.namespace, "NetworkPolicy", policy.name),
        severity=owners.worst(pods, picture),
        confidence=7 if since - created <= CLOSE else 5,
        since=created,
        evidence=(
            citing.quote(
                picture,
                f"networkpolicies/{policy.name}",
                "spec",
                f"selects {'every pod' if policy.selects_all else dict(policy.selector)}, "
                f"nothing allowed for {', '.join(policy.allows_nothing)}, created {created:%Y-%m-%d %H:%M} UTC",
                f"{policy.name} allows no {' and no '.join(directions)}",
            ),
            *(_shown(one, picture) for one in troubles[:3]),
            citing.quote(
                picture,
                f"pods/{troubles[0].pod.name}",
                "status.conditions[Ready]",
                f"False since {since:%Y-%m-%d %H:%M} UTC",
                "it stopped being ready",
            ),
        ),
    )


def _shown(trouble: Trouble, picture: Picture) -> Evidence | None:
    if isinstance(trouble.shown_by, Event):
        return citing.event(picture, trouble.shown_by)
    line = _timeout(trouble.shown_by)
    return citing.log(picture, trouble.shown_by.model_copy(update={"lines": (line,)}))
