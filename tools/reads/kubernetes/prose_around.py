"""Views of pods in full and of what is around workloads, in lines of plain text. Pure; nothing is looked up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tools.reads.kubernetes import quantities
from tools.reads.kubernetes.prose import labels, node, pod
from tools.reads.kubernetes.views import (
    Backend,
    Budget,
    Claim,
    Condition,
    CronJob,
    Gateway,
    GitOpsApp,
    Ingress,
    IngressClass,
    Job,
    LimitRange,
    NetworkPolicy,
    Node,
    NodeUsage,
    Pod,
    Quota,
    Route,
    StorageClass,
    Terminated,
    Usage,
    Volume,
)


def pod_in_full(found: Pod) -> Iterator[str]:
    """Everything about a pod but its template."""
    yield pod(found)
    owner = f"{found.owner_kind} {found.owner_name}" if found.owner_name else "nobody"
    yield f"of {owner}, on {found.node or 'no node'}, created {_when(found.created)}"
    if found.deleting:
        yield f"to be gone by {_when(found.deleting_since)}, held by {', '.join(found.finalizers) or 'no finalizer'}"
    if found.reason or found.message:
        yield f"{found.reason}: {found.message}"
    yield from (_condition(one) for one in found.conditions)
    for state in found.states:
        for run, end in (("this", state.terminated), ("its last", state.last)):
            if end is not None:
                yield f"{state.name} {run} run {_end(end)}"
    for volume in found.asked.volumes:
        yield f"volume {volume.volume} from {volume.kind} {volume.name}{', optional' if volume.optional else ''}"
    yield f"tolerates {', '.join(found.asked.tolerates) or 'nothing'}; gates {', '.join(found.gates) or 'none'}"


def last_words(found: Pod) -> Iterator[str]:
    """What its containers wrote as they ended: the programs' own words."""
    for state in found.states:
        for end in (state.terminated, state.last):
            if end is not None and end.message:
                yield f"{state.name}: {end.message}"


def tenant(found: Pod) -> str:
    """`shop/web-1 Running asks for memory 90Mi`: a pod as its node sees it."""
    asks = ", ".join(f"{one.name} {labels(one.requests) or 'nothing'}" for one in found.asked.containers)
    return f"{found.namespace}/{found.name} {found.phase} requests {asks}"


def node_in_full(found: Node) -> Iterator[str]:
    """A node with its conditions and labels."""
    yield node(found)
    yield f"kubelet {found.version or 'unknown'}, at most {found.pods} pods, since {_when(found.created)}"
    if found.cordoned:
        yield f"cordoned by {found.cordoned_by or 'somebody'} at {_when(found.cordoned_at)}"
    yield from (_condition(one) for one in found.conditions)
    yield f"labels {labels(found.labels)}"


def usage(found: Usage) -> str:
    """`web-1/app 120Mi 35m`."""
    return f"{found.pod}/{found.container} {quantities.memory(found.memory)} memory, {quantities.cpu(found.cpu)} cpu"


def node_usage(found: NodeUsage) -> str:
    """`node a 3Gi 1200m`."""
    return f"node {found.node} {quantities.memory(found.memory)} memory, {quantities.cpu(found.cpu)} cpu"


def job(found: Job) -> str:
    """`Job backup-28: 0 of 1 succeeded, 3 failed, 0 running`."""
    of = f" of CronJob {found.cron_job}" if found.cron_job else ""
    states = "".join(f"; {_condition(one)}" for one in found.conditions if one.status == "True")
    held = ", suspended" if found.suspended else ""
    counts = f"{found.succeeded} of {found.wanted} succeeded, {found.failed} failed, {found.active} running"
    return f"Job {found.name}{of}: {counts}{held}, created {_when(found.created)}{states}"


def cron_job(found: CronJob) -> str:
    """`CronJob backup "0 2 * * *": last scheduled ..., last succeeded ...`."""
    held = ", suspended" if found.suspended else ""
    runs = f"last scheduled {_when(found.last_scheduled)}, last succeeded {_when(found.last_succeeded)}"
    return f'CronJob {found.name} "{found.schedule}"{held}: {runs}'


def budget(found: Budget) -> str:
    """`PodDisruptionBudget web: 1 of 2 healthy, at least 2 wanted, allows 0 disruptions`."""
    rule = f"minAvailable {found.minimum}" if found.minimum else f"maxUnavailable {found.maximum or '-'}"
    counts = f"{found.healthy} of {found.expected} healthy, {found.wanted} needed, allows {found.allowed} disruptions"
    return f"PodDisruptionBudget {found.name} on {labels(found.selector) or 'nothing'}, {rule}: {counts}"


def quota(found: Quota) -> str:
    """`ResourceQuota small: requests.memory 900Mi of 1Gi`."""
    parts = [f"{name} {found.used.get(name, '0')} of {hard}" for name, hard in sorted(found.hard.items())]
    return f"ResourceQuota {found.name}: {', '.join(parts)}"


def limit_range(found: LimitRange) -> str:
    """`LimitRange small (Container): max memory=1Gi`."""
    parts = [
        ("min", found.minimum),
        ("max", found.maximum),
        ("default", found.default),
        ("request", found.default_request),
    ]
    return f"LimitRange {found.name} ({found.type}): " + "; ".join(
        f"{name} {labels(kept)}" for name, kept in parts if kept
    )


def network_policy(found: NetworkPolicy) -> str:
    """`NetworkPolicy deny on every pod: Ingress; lets nothing through: Ingress`."""
    whom = "every pod" if found.selects_all else labels(found.selector) or "an expression"
    shut = f"; lets nothing through: {', '.join(found.allows_nothing)}" if found.allows_nothing else ""
    return f"NetworkPolicy {found.name} on {whom}: {', '.join(found.directions)}{shut}"


def ingress(found: Ingress) -> str:
    """`Ingress web class nginx at 10.0.0.1: shop.local/ -> web:80; TLS web-tls`."""
    ways = [f"{rule.host or '*'}{rule.path} -> {_backend(rule.backend)}" for rule in found.rules]
    ways += [f"default -> {_backend(found.default)}"] if found.default else []
    tls = f"; TLS {', '.join(found.tls_secrets)}" if found.tls_secrets else ""
    address = ", ".join(found.addresses) or "no address"
    return f"Ingress {found.name} class {found.class_name or 'none'} at {address}: {', '.join(ways)}{tls}"


def ingress_class(found: IngressClass) -> str:
    """`IngressClass nginx (k8s.io/ingress-nginx), default`."""
    return f"IngressClass {found.name} ({found.controller}){', default' if found.default else ''}"


def gateway(found: Gateway) -> str:
    """`Gateway edge class envoy: Accepted=True ...`."""
    return f"Gateway {found.name} class {found.class_name}: {_conditions(found.conditions)}"


def route(found: Route) -> str:
    """`HTTPRoute web of edge -> web:80: Accepted=True ...`."""
    backends = ", ".join(_backend(one) for one in found.backends)
    return f"HTTPRoute {found.name} of {', '.join(found.parents)} -> {backends}: {_conditions(found.conditions)}"


def claim(found: Claim) -> str:
    """`PersistentVolumeClaim data Pending, class fast, asks for 1Gi`."""
    bound = f", bound to {found.volume}" if found.volume else ""
    named = found.storage_class or "none named"
    return f"PersistentVolumeClaim {found.name} {found.phase}, class {named}, asks for {found.requested or '-'}{bound}"


def volume(found: Volume) -> str:
    """`PersistentVolume pv-1 Available 1Gi, class fast`."""
    told = f": {found.message}" if found.message else ""
    bound = f", of {found.claim}" if found.claim else ""
    return (
        f"PersistentVolume {found.name} {found.phase} {found.capacity}, class {found.storage_class or '-'}{bound}{told}"
    )


def storage_class(found: StorageClass) -> str:
    """`StorageClass fast by ebs.csi.aws.com, WaitForFirstConsumer, default`."""
    return f"StorageClass {found.name} by {found.provisioner}, {found.binding}{', default' if found.default else ''}"


def app(found: GitOpsApp) -> str:
    """`Application argocd/shop OutOfSync, Degraded, at 3f2a since ...: message`."""
    held = ", suspended" if found.suspended else ""
    told = f": {found.message}" if found.message else ""
    state = f"{found.sync or '-'}, {found.health or '-'}{held}"
    where = f"at {found.revision or '-'} since {_when(found.changed)}"
    return f"{found.kind} {found.namespace}/{found.name} {state}, {where}{told}"


def _condition(found: Condition) -> str:
    return f"condition {found.type}={found.status} {found.reason}: {found.message}".rstrip(": ")


def _conditions(found: tuple[Condition, ...]) -> str:
    return "; ".join(_condition(one) for one in found) or "no conditions"


def _backend(found: Backend) -> str:
    place = f"{found.namespace}/" if found.namespace else ""
    return f"{place}{found.service}:{found.port or '-'}"


def _end(found: Terminated) -> str:
    signal = f", signal {found.signal}" if found.signal else ""
    return f"ended {found.reason}, exit {found.exit_code}{signal} at {_when(found.finished)}"


def _when(moment: datetime | None) -> str:
    return moment.isoformat() if moment else "unknown"
