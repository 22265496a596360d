"""Findings about workloads as wholes -> what helps: rollouts, refused pods, autoscalers, sets, batch. Pure.

A rollout is undone only while its previous revision serves; a count is set only to what runs already, or to what an
autoscaler would never go below. For the rest there is advice: what to run, where to look, whom to ask.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from tools.actions import Action, ScaleDeployment, SetResources, UndoRollout
from tools.criteria import Criterion, FindingGone, RolloutDone
from tools.diagnosis.kubernetes.scaling import without_request
from tools.evidence import Finding
from tools.reads.kubernetes import quantities
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Autoscaler, Workload
from tools.remedies import Remedy

HEADROOM = Decimal("1.5")
"""Room above measured use when a request is derived from it."""

ADVICE = {
    "k8s.progress_deadline": (
        "Look at the newest pods: `kubectl -n {namespace} describe pods` of {name}, and at what the rollout changed. "
        "The previous revision no longer serves, so going back is a decision for its owner."
    ),
    "k8s.pods_rejected_quota": (
        "Ask the owner of the namespace to raise the quota, or free some of it: "
        "`kubectl -n {namespace} describe resourcequota` shows what uses it."
    ),
    "k8s.pods_rejected_security": (
        "Set the securityContext fields the message lists in the pod template of {name}; the namespace's level is "
        "for the cluster's owner to change."
    ),
    "k8s.pods_rejected_limits": (
        "Set requests and limits of {name} within the LimitRange: `kubectl -n {namespace} describe limitrange`."
    ),
    "k8s.webhook_down": (
        "Repair the pods behind the webhook's Service: look at them and their log in its namespace. Do not delete the "
        "webhook to get past it; ask its owner whether it may fail open meanwhile."
    ),
    "k8s.pods_not_created": (
        "Read the API server's message: it names what it refuses. A missing ServiceAccount or PriorityClass has to be "
        "made; a policy's refusal is for its owner."
    ),
    "k8s.hpa_switched_off": "Ask who scaled {name}'s target to 0 and why, then scale it back to the minimum.",
    "k8s.hpa_target_missing": (
        "Fix spec.scaleTargetRef of autoscaler {name} (`kubectl -n {namespace} edit hpa {name}`), or delete it if its "
        "target is gone for good: both are its owner's to do."
    ),
    "k8s.hpa_blind": (
        "Add the missing request to the pod template, or look at the metrics server: "
        "`kubectl -n {namespace} describe hpa {name}` and `kubectl top pods -n {namespace}`."
    ),
    "k8s.hpa_at_max": (
        "Raise maxReplicas of {name} if the nodes and what it calls can bear more; otherwise find what makes the load. "
        "Its bounds are its owner's to set."
    ),
    "k8s.job_failed": (
        "Read the log of its last pod (`kubectl -n {namespace} logs job/{name}`). When the cause is gone, its owner "
        "can run it again; first make sure that running it twice does no harm."
    ),
    "k8s.cronjob_broken": (
        "Fix the schedule or deadline of {name} (`kubectl -n {namespace} edit cronjob {name}`), or what its runs fail "
        "on. Then decide whether the runs that were missed have to be made up for."
    ),
    "k8s.statefulset_stuck": (
        "Look at the first pod that is not ready: `kubectl -n {namespace} describe pod` of it. The ones after it wait. "
        "Delete neither its volume claim nor, while it may still write, the pod."
    ),
    "k8s.daemonset_short": (
        "Look at the pods of {name} on those nodes, and at the nodes: `kubectl -n {namespace} get pods -o wide`."
    ),
    "k8s.replicas_short": (
        "Look at the pods that are not ready: `kubectl -n {namespace} describe pods` of {name}, and the newest events."
    ),
    "k8s.pod_evicted": (
        "Look at the node's memory and disk, and at what uses them. Request what {name} really uses, so that it is "
        "not the first to go."
    ),
    "k8s.scheduling_gated": "Nothing is broken: ask whoever set the gate when it will be lifted.",
    "k8s.pull_secret_missing": (
        "Create the pull secret in {namespace} (its owner has the credentials), or correct its name in the pod "
        "template or the ServiceAccount of {name}."
    ),
    "k8s.recent_restart": (
        "Read the previous run's log (`kubectl -n {namespace} logs --previous`) and watch whether it restarts again."
    ),
}
"""What to tell a person where no action is known. `{name}` and `{namespace}` are the finding's."""

Fix = tuple[Action | None, str]
"""A known action, or None, and the advice that goes with it; no words where the table's stand."""


def remedy(finding: Finding, picture: Picture) -> Remedy:
    """The known fix of a finding with a code in ADVICE."""
    fix = _FIXES.get(finding.code)
    action, said = fix(finding, picture) if fix else (None, "")
    resource = finding.resource
    advice = said or ADVICE[finding.code].format(name=resource.name, namespace=resource.scope)
    return Remedy(
        finding=finding,
        actions=(action,) if action is not None else (),
        success_criteria=_criteria(finding, action),
        advice=advice,
    )


def _undo(finding: Finding, picture: Picture) -> Fix:
    """Back to the previous revision, only while its pods show that it works."""
    workload = _deployment(finding, picture)
    previous = workload.previous if workload else None
    if workload is None or previous is None or not previous.available:
        return None, ""
    action = UndoRollout(namespace=picture.namespace, deployment=workload.name, to_revision=previous.number)
    return action, f"Go back to revision {previous.number}, which still serves with {previous.available} pods."


def _settle_for_less(finding: Finding, picture: Picture) -> Fix:
    """Scale back to what the quota let through, where only the count grew: nothing that runs is taken away."""
    workload = _deployment(finding, picture)
    if workload is None or _scaler_of(workload, picture) or not workload.replicas:
        return None, ""
    # A rollout needs room for one pod more; a lower count would stop the old revision's pods instead.
    if workload.updated < workload.replicas or workload.available < workload.replicas:
        return None, ""
    action = ScaleDeployment(namespace=picture.namespace, deployment=workload.name, replicas=workload.replicas)
    return action, (
        f"Settle for the {workload.replicas} replicas the quota lets through, until its owner raises it: "
        "nothing that runs is taken away."
    )


def _switch_on(finding: Finding, picture: Picture) -> Fix:
    """The autoscaler's own minimum: from there it acts again."""
    scaler = next((one for one in picture.autoscalers if one.name == finding.resource.name), None)
    if scaler is None or scaler.target_kind != "Deployment" or scaler.minimum < 1:
        return None, ""
    action = ScaleDeployment(namespace=picture.namespace, deployment=scaler.target, replicas=scaler.minimum)
    return action, f"Scale {scaler.target} to its autoscaler's minimum of {scaler.minimum}; from there it acts again."


def _request_something(finding: Finding, picture: Picture) -> Fix:
    """The missing request, from measured use with half as much again; never one made up."""
    scaler = next((one for one in picture.autoscalers if one.name == finding.resource.name), None)
    workload = picture.workload(scaler.target_kind, scaler.target) if scaler else None
    if workload is None or workload.kind != "Deployment" or "missing request for" not in _said(scaler):
        return None, ""
    resource = "memory" if "missing request for memory" in _said(scaler) else "cpu"
    for container in without_request(workload, resource):
        used = _most_used(workload, container, resource, picture)
        if used:
            wanted = quantities.memory(used * HEADROOM) if resource == "memory" else quantities.cpu(used * HEADROOM)
            action = SetResources(
                namespace=picture.namespace,
                deployment=workload.name,
                container=container,
                memory_request=wanted if resource == "memory" else None,
                cpu_request=wanted if resource == "cpu" else None,
            )
            return action, f"Request {wanted} of {resource}: what {container} uses now, and half as much again."
    return None, ""


def _most_used(workload: Workload, container: str, resource: str, picture: Picture) -> Decimal:
    found = [picture.usage_of(pod.name, container) for pod in picture.pods_of(workload)]
    return max((one.memory if resource == "memory" else one.cpu for one in found if one), default=Decimal(0))


def _said(scaler: Autoscaler | None) -> str:
    active = scaler.condition("ScalingActive") if scaler else None
    return active.message if active else ""


def _deployment(finding: Finding, picture: Picture) -> Workload | None:
    return picture.deployment(finding.resource.name) if finding.resource.kind == "Deployment" else None


def _scaler_of(workload: Workload, picture: Picture) -> Autoscaler | None:
    """The autoscaler that owns a count: a direct scale would be pulled back within seconds."""
    targets = (one for one in picture.autoscalers if (one.target_kind, one.target) == (workload.kind, workload.name))
    return next(targets, None)


def _criteria(finding: Finding, action: Action | None) -> tuple[Criterion, ...]:
    """What the action changes has rolled out, and the finding is no longer made."""
    gone = FindingGone(code=finding.code, resource=finding.resource)
    if action is None:
        return (gone,)
    return RolloutDone(namespace=finding.resource.scope, deployment=action.target.name), gone


_FIXES: dict[str, Callable[[Finding, Picture], Fix]] = {
    "k8s.progress_deadline": _undo,
    "k8s.pods_rejected_security": _undo,
    "k8s.pods_rejected_limits": _undo,
    "k8s.pods_rejected_quota": _settle_for_less,
    "k8s.hpa_switched_off": _switch_on,
    "k8s.hpa_blind": _request_something,
}
