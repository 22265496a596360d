"""Findings about what is around workloads -> what helps: nodes, storage, the network, routes, what should leave. Pure.

Few of these have a typed action, and none deletes anything: a volume, a finalizer, a policy, a budget and a node belong
to somebody who has to be asked. The advice says what to look at, with the command, and whom to ask.
"""

from __future__ import annotations

from datetime import timedelta

from tools.actions import UndoRollout
from tools.criteria import Criterion, EndpointsReady, FindingGone, RolloutDone
from tools.diagnosis.kubernetes import leaving, mounts, ports
from tools.evidence import Finding
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Pod, Workload
from tools.remedies import Remedy

RECENT = timedelta(hours=6)
"""How old a rollout may be for going back to be the obvious thing, where the old revision has no pod left."""

ADVICE = {
    "k8s.node_not_ready": (
        "Look at the machine in the provider's console, and at `kubectl describe node {name}`. If it does not come "
        "back, drain it: its pods are made again elsewhere. Do not delete them by force while it may still run."
    ),
    "k8s.node_pressure": (
        "Cordon {name} (`kubectl cordon {name}`), find what fills it, and let its largest pods move. "
        "Pods without requests are evicted first."
    ),
    "k8s.node_cordoned": (
        "Ask whoever cordoned the node whether their work is done; then `kubectl uncordon {name}`. "
        "Otherwise add a node."
    ),
    "k8s.claim_lost": (
        "Do not delete claim {name}. Ask whoever runs storage whether its volume can be restored from a snapshot or "
        "backup, and keep the pods that use it down until then."
    ),
    "k8s.volume_failed": (
        "Ask whoever runs storage to look at the volume. A Released one can be given to the new claim once they have "
        "made sure that its data may be used."
    ),
    "k8s.claim_pending": (
        "Look at `kubectl -n {namespace} describe pvc {name}` and `kubectl get storageclass`. The class of a claim "
        "cannot be changed: its owner has to make a claim with the right one, or storage's owner the missing class."
    ),
    "k8s.sandbox_failed": (
        "Look at the network plugin's pods on that node (`kubectl -n kube-system get pods -o wide`) and at how many "
        "pod addresses are free. Cordon the node meanwhile, so that new pods go elsewhere."
    ),
    "k8s.dns_failing": (
        "Look at `kubectl -n kube-system get pods -l k8s-app=kube-dns` and their logs; then at network policies that "
        "keep pods from port 53."
    ),
    "k8s.registry_failing": (
        "Check the registry's own status page, and from a node whether it can be reached and the credentials still "
        "hold. Pods pull again by themselves; rolling back does not help."
    ),
    "k8s.network_policy_blocks": (
        "Show `kubectl -n {namespace} describe networkpolicy {name}` to its author: the pods need a rule for what they "
        "call, DNS on port 53 among it. Whether the policy goes is for its author to say."
    ),
    "k8s.target_port_unnamed": (
        "Let the Service lead to a port its pods have: `kubectl -n {namespace} edit service {name}`, targetPort. "
        "sayso changes selectors of Services, not their ports."
    ),
    "k8s.target_port_closed": (
        "Ask the application which port it listens on, then `kubectl -n {namespace} edit service {name}`, targetPort. "
        "sayso changes selectors of Services, not their ports."
    ),
    "k8s.ingress_broken": (
        "Fix the reference the finding names: `kubectl -n {namespace} edit ingress {name}`, or create what it leads to."
    ),
    "k8s.gateway_broken": (
        "Fix what the condition names: class, listener, backend, or the ReferenceGrant that permits it. "
        "Whoever runs the gateway can read the controller's log."
    ),
    "k8s.load_balancer_failed": (
        "Read the provider's refusal in `kubectl -n {namespace} describe service {name}`: mostly a quota, a subnet "
        "tag, a permission or an annotation."
    ),
    "k8s.budget_blocks_drain": (
        "The drain goes on by itself once one more pod of {name} is ready than it wants. Make the pods that are not "
        "ready well, or run one more replica; do not delete the budget."
    ),
    "k8s.stuck_terminating": (
        "Find out whether the containers still run on the node. Delete by force only when that machine is known to "
        "be off: a StatefulSet would otherwise run the same pod twice."
    ),
    "k8s.endpoints_not_ready": (
        "Look at what the pods' readiness probe asks and at their logs: nothing else in the cluster says why they are "
        "not ready."
    ),
    "k8s.volume_mount_failed": (
        "Look at `kubectl -n {namespace} describe pod` of one of them: create what is missing, or fix the reference."
    ),
}
"""What to tell a person, by code; every code of the module is here."""


def remedy(finding: Finding, picture: Picture) -> Remedy:
    """The known fix of a finding about surroundings; mostly advice."""
    action, why = _undo(finding, picture)
    said = ADVICE[finding.code].format(name=finding.resource.name, namespace=picture.namespace)
    if action is None:
        return Remedy(finding=finding, advice=_closer(finding, picture) or said)
    criteria: list[Criterion] = [RolloutDone(namespace=action.namespace, deployment=action.deployment)]
    if finding.resource.kind == "Service":
        criteria.append(EndpointsReady(namespace=action.namespace, service=finding.resource.name))
    criteria.append(FindingGone(code=finding.code, resource=finding.resource))
    return Remedy(finding=finding, actions=(action,), success_criteria=tuple(criteria), advice=why)


def _undo(finding: Finding, picture: Picture) -> tuple[UndoRollout | None, str]:
    """Back to the previous revision, where the last rollout took away what is missing now."""
    workload = _changed_by_rollout(finding, picture)
    previous, current = (workload.previous, workload.current) if workload else (None, None)
    if workload is None or previous is None or current is None or workload.kind != "Deployment":
        return None, ""
    fresh = current.created is not None and picture.now - current.created <= RECENT
    if not (previous.available or fresh):
        return None, ""
    action = UndoRollout(namespace=picture.namespace, deployment=workload.name, to_revision=previous.number)
    return action, f"Go back to revision {previous.number}, which did not need what revision {current.number} lacks."


def _changed_by_rollout(finding: Finding, picture: Picture) -> Workload | None:
    if finding.code == "k8s.target_port_unnamed":
        service = picture.service(finding.resource.name)
        return ports.renamed_by(service, picture) if service else None
    if finding.code == "k8s.volume_mount_failed":
        return mounts.wanted_by(finding.resource, picture)
    return None


def _closer(finding: Finding, picture: Picture) -> str:
    """Advice that depends on what was seen, rather than on the code alone."""
    if finding.code != "k8s.stuck_terminating":
        return ""
    held = next((pod for pod in picture.pods if leaving.is_stuck(pod, picture) and _is_of(pod, finding)), None)
    if held is None or not held.finalizers:
        return ""
    return (
        f"The controller that set finalizer {', '.join(held.finalizers)} has to remove it: look at that controller's "
        "own pods and log. Do not take the finalizer off by hand before its owner agrees."
    )


def _is_of(pod: Pod, finding: Finding) -> bool:
    return finding.resource.name in (pod.owner_name, pod.name)
