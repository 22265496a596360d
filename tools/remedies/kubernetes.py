"""Kubernetes findings -> the narrowest known fix, with bounded values taken from the cluster, never invented.

Pure: a finding and the picture it was made from go in. Where nothing is known for certain there is no action, and the
advice says what a person should look at. Sources of every bound: the operations table of our Kubernetes notes.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Literal

from tools.actions import Action, SetEnv, SetImage, SetProbe, SetResources, SetServiceSelector, UndoRollout
from tools.criteria import Criterion, EndpointsReady, FindingGone, RolloutDone
from tools.diagnosis.kubernetes import probes, scheduling, services
from tools.diagnosis.kubernetes.configuration import missing_variable
from tools.diagnosis.kubernetes.diagnosing import cause
from tools.diagnosis.kubernetes.suspects import Suspect, judged_pods, suspects
from tools.evidence import Finding
from tools.reads.kubernetes import quantities
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Container, Pod, Probe, Revision, Workload
from tools.remedies import Remedy, kubernetes_around, kubernetes_workloads

USUAL_RAISE = 2
"""How many times its present value a memory limit may become without more evidence."""
LARGEST_RAISE = 4
"""How many times, when a previous revision or measured use shows that it is needed."""
HEADROOM = Decimal("1.5")
"""Room above measured use when a request or limit is derived from it."""

Fix = tuple[Action | None, str]
"""A known action, or None, and the advice that goes with it."""


def remedy(finding: Finding, picture: Picture) -> Remedy:
    """The known fix of a finding. No action means that a person has to act; the advice says on what."""
    if finding.code in kubernetes_around.ADVICE:
        return kubernetes_around.remedy(finding, picture)
    if finding.code in kubernetes_workloads.ADVICE:
        return kubernetes_workloads.remedy(finding, picture)
    action, advice = _fix(finding, picture)
    return Remedy(
        finding=finding,
        actions=(action,) if action is not None else (),
        success_criteria=_criteria(finding),
        advice=advice,
    )


def _fix(finding: Finding, picture: Picture) -> Fix:
    if finding.code == "k8s.selector_matches_nothing":
        return _select(finding, picture)
    if finding.resource.kind != "Deployment":
        return None, _ADVICE.get(finding.code, f"Look at {finding.resource.name}: sayso changes Deployments only.")
    if finding.code in ("k8s.request_exceeds_any_node", "k8s.unschedulable_resources"):
        return _request_less(finding, picture)
    fix = _CONTAINER_FIXES.get(finding.code)
    suspect = _suspect(finding, picture) if fix else None
    if fix is None or suspect is None or suspect.workload is None:
        return None, _ADVICE.get(finding.code, "Nothing known fixes this; a person has to look.")
    return fix(suspect, suspect.workload)


def _criteria(finding: Finding) -> tuple[Criterion, ...]:
    """The target works again, and the finding is no longer made."""
    namespace, name = finding.resource.scope, finding.resource.name
    gone = FindingGone(code=finding.code, resource=finding.resource)
    match finding.resource.kind:
        case "Deployment":
            return RolloutDone(namespace=namespace, deployment=name), gone
        case "Service":
            return EndpointsReady(namespace=namespace, service=name), gone
        case _:
            return (gone,)


def _restore_variable(suspect: Suspect, workload: Workload) -> Fix:
    """The variable's entry from the newest earlier revision that had it. A value is never made up."""
    missing = missing_variable(suspect)
    if missing is None:
        return None, _ADVICE["k8s.missing_env"]
    source = _newest_with_variable(workload, suspect.asked.name, missing[0])
    if source is None:
        return None, f"No earlier revision sets {missing[0]}. Somebody who knows its value has to set it."
    action = SetEnv(
        namespace=suspect.picture.namespace,
        deployment=workload.name,
        container=suspect.asked.name,
        variable=missing[0],
        revision=source.number,
    )
    return action, f"Restore {missing[0]} as revision {source.number} had it; its value stays inside the cluster."


def _raise_memory(suspect: Suspect, workload: Workload) -> Fix:
    """The limit the previous revision had, else twice the present one; within LARGEST_RAISE and the largest node."""
    limit = quantities.amount(suspect.asked.limits.get("memory", ""))
    room = scheduling.largest_memory(suspect.picture)
    if limit is None or room == 0:
        return (
            None,
            "The container has no memory limit of its own (or no node could be read): look at the node's memory.",
        )
    wanted, why = _wanted_memory(suspect, limit)
    bounded = min(wanted, limit * LARGEST_RAISE, room)
    if bounded <= limit:
        return None, f"The limit is already {quantities.memory(limit)}; no node offers more. Find what uses the memory."
    action = SetResources(
        namespace=suspect.picture.namespace,
        deployment=workload.name,
        container=suspect.asked.name,
        memory_limit=quantities.memory(bounded),
    )
    return action, f"Raise the memory limit to {quantities.memory(bounded)}: {why}."


def _wanted_memory(suspect: Suspect, limit: Decimal) -> tuple[Decimal, str]:
    before = quantities.amount(suspect.before.limits.get("memory", "")) if suspect.before else None
    if before is not None and before > limit and suspect.previous:
        return before, f"revision {suspect.previous.number} had that much"
    used = suspect.usage.memory * HEADROOM if suspect.usage else Decimal(0)
    if used > limit * USUAL_RAISE:
        return used, "measured use with half as much again"
    return limit * USUAL_RAISE, "twice what it was, as no earlier revision had more"


def _last_good_image(suspect: Suspect, workload: Workload) -> Fix:
    """The image of the previous revision, preferring one whose pods are available right now."""
    before = suspect.before
    if before is None or before.image == suspect.asked.image:
        return None, "No earlier revision ran another image. Push the image, or say which tag is right."
    action = SetImage(
        namespace=suspect.picture.namespace,
        deployment=workload.name,
        container=suspect.asked.name,
        image=before.image,
    )
    return action, f"Go back to {before.image}, which {_record(suspect.previous)}."


def _repair_probe(kind: Literal["liveness", "readiness", "startup"]) -> Callable[[Suspect, Workload], Fix]:
    """A fix that asks what the previous revision asked, else what the container itself leaves no doubt about."""

    def fix(suspect: Suspect, workload: Workload) -> Fix:
        probe: Probe | None = getattr(suspect.asked, kind)
        if probe is None or probe.handler != "httpGet":
            return None, f"Only HTTP probes are changed by sayso; look at the {kind} probe."
        path, port, why = _previous_probe(suspect, kind, probe)
        if path is None and port is None:
            path, port, why = _obvious_probe(suspect, kind, probe)
        if path is None and port is None:
            return None, f"Nothing says what the {kind} probe should ask; the application may really be unwell."
        action = SetProbe(
            namespace=suspect.picture.namespace,
            deployment=workload.name,
            container=suspect.asked.name,
            probe=kind,
            path=path,
            port=port,
        )
        return action, f"Let the {kind} probe ask {path or probe.path} on port {port or probe.port}: {why}."

    return fix


def _repair_killer(suspect: Suspect, workload: Workload) -> Fix:
    """Repair the probe that kills; back to the previous revision where the rollout only changed its patience."""
    kind = probes.killer(suspect)
    action, said = _repair_probe(kind)(suspect, workload)
    if action is None and probes.altered(suspect, kind):
        action, said = _undo(suspect, workload)
    if action is None and kind == "startup":
        said = "Give it longer to start: raise the startup probe's failureThreshold, or find out what it waits for."
    return action, said


def _repair_readiness(suspect: Suspect, workload: Workload) -> Fix:
    """Repair the probe, unless the rollout left it alone and the log names what the application waits for.

    A revision that never came up, while the one before it serves, goes back: what it answers is its own doing.
    """
    waits = None if probes.altered(suspect, "readiness") else probes.lacking(suspect)
    if waits is not None:
        return None, f"The probe does its duty: repair what {workload.name} needs. {waits.statement}"
    action, said = _repair_probe("readiness")(suspect, workload)
    current, before = workload.current, suspect.previous
    if action is None and current is not None and not current.available and before is not None and before.available:
        return _undo(suspect, workload)
    return action, said


def _previous_probe(suspect: Suspect, kind: str, probe: Probe) -> tuple[str | None, str | None, str]:
    """The leaves the previous revision had otherwise."""
    before: Probe | None = getattr(suspect.before, kind) if suspect.before else None
    if before is None or before.handler != "httpGet" or suspect.previous is None:
        return None, None, ""
    path = before.path if before.path != probe.path else None
    port = before.port if before.port != probe.port else None
    return path, port, f"revision {suspect.previous.number} did"


def _obvious_probe(suspect: Suspect, kind: str, probe: Probe) -> tuple[str | None, str | None, str]:
    """The container's only port, when the probe asks another where nothing listens; or the readiness probe's path, when
    that probe is content and liveness asks for a page that is not there. A slow answer is no wrong path.
    """
    declared = suspect.asked.ports
    known = {str(port.number) for port in declared} | {port.name for port in declared}
    failed = suspect.event("Unhealthy", f"{kind.capitalize()} probe failed")
    answers = failed is not None and ("statuscode" in failed.message or "deadline" in failed.message)
    if len(declared) == 1 and probe.port not in known and not answers:
        return None, declared[0].name or str(declared[0].number), "it is the only port the container declares"
    other = suspect.asked.readiness if kind == "liveness" else None
    was_ready = suspect.event("Unhealthy", "Readiness probe failed") is None
    absent = failed is not None and "statuscode: 404" in failed.message and was_ready
    if other and other.handler == "httpGet" and other.path != probe.path and other.port == probe.port and absent:
        return other.path, None, "the readiness probe asks that and is content"
    return None, None, ""


def _request_less(finding: Finding, picture: Picture) -> Fix:
    """The request the previous revision had, else measured use with headroom; only where the request is the trouble."""
    for pod in judged_pods(picture):
        workload = picture.workload(pod.owner_kind, pod.owner_name)
        if workload is None or workload.name != finding.resource.name or pod.phase != "Pending":
            continue
        for container, resource in _greedy(pod, workload, picture):
            wanted = _wanted_request(container, resource, workload, picture)
            if wanted is None:
                return None, f"Neither an earlier revision nor measured use says how much {resource} it needs."
            return _requesting(picture, workload, container, resource, wanted[0]), wanted[1]
    return None, _ADVICE["k8s.unschedulable_resources"]


def _greedy(pod: Pod, workload: Workload, picture: Picture) -> tuple[tuple[Container, str], ...]:
    """Requests no node can meet; else those the last rollout raised."""
    excessive = scheduling.excessive_requests(pod, picture)
    if excessive or workload.previous is None:
        return excessive
    return tuple(
        (container, resource)
        for container in pod.asked.containers
        for resource in ("memory", "cpu")
        if _request(workload.previous.template.container(container.name), resource) < _request(container, resource)
    )


def _wanted_request(
    container: Container, resource: str, workload: Workload, picture: Picture
) -> tuple[Decimal, str] | None:
    """What to request instead, below what is requested now and within the largest node."""
    room = {
        "memory": scheduling.largest_memory(picture),
        "cpu": max((n.cpu for n in picture.nodes), default=Decimal(0)),
    }
    limit = min(room[resource], _request(container, resource))
    before = workload.previous.template.container(container.name) if workload.previous else None
    if before is not None and workload.previous and 0 < _request(before, resource) < limit:
        return _request(before, resource), f"Request what revision {workload.previous.number} did."
    owned = {pod.name for pod in picture.pods if (pod.owner_kind, pod.owner_name) == ("Deployment", workload.name)}
    used = [
        usage.memory if resource == "memory" else usage.cpu
        for usage in picture.usage
        if usage.pod in owned and usage.container == container.name
    ]
    wanted = max(used, default=Decimal(0)) * HEADROOM
    return (wanted, "Request what its running pods use, and half as much again.") if 0 < wanted < limit else None


def _requesting(picture: Picture, workload: Workload, container: Container, resource: str, wanted: Decimal) -> Action:
    spelled = quantities.memory(wanted) if resource == "memory" else quantities.cpu(wanted)
    return SetResources(
        namespace=picture.namespace,
        deployment=workload.name,
        container=container.name,
        memory_request=spelled if resource == "memory" else None,
        cpu_request=spelled if resource == "cpu" else None,
    )


def _request(container: Container | None, resource: str) -> Decimal:
    asked = container.requests.get(resource, "") if container else ""
    return quantities.amount(asked) or Decimal(0)


def _select(finding: Finding, picture: Picture) -> Fix:
    """The labels of the workload whose labels come nearest to the selector."""
    service = picture.service(finding.resource.name)
    meant = services.meant_workload(service, picture) if service else None
    if service is None or meant is None:
        return None, "No running workload has labels near the selector; say which pods the Service is for."
    selector = services.meant_selector(service, meant)
    action = SetServiceSelector(namespace=picture.namespace, service=service.name, selector=selector)
    return action, f"Select {services.spelled(selector)}: {meant.available} pods of {meant.name} carry those labels."


def _undo(suspect: Suspect, workload: Workload) -> Fix:
    """Back to the previous revision, only while its pods show that it works."""
    previous = workload.previous
    if previous is None or previous.available == 0:
        ran = suspect.last_end is not None or suspect.state.running_since is not None
        advice = _ADVICE["k8s.crash_loop"] if ran else _NEVER_RAN.format(suspect.resource.name)
        return None, f"{advice} No earlier revision is known to work."
    action = UndoRollout(namespace=suspect.picture.namespace, deployment=workload.name, to_revision=previous.number)
    return action, f"Go back to revision {previous.number}, which {_record(previous)}."


def _record(revision: Revision | None) -> str:
    if revision is not None and revision.available:
        return f"still serves with {revision.available} pods"
    return f"revision {revision.number} ran" if revision else "ran before"


def _newest_with_variable(workload: Workload, container: str, variable: str) -> Revision | None:
    for revision in workload.revisions:
        found = revision.template.container(container)
        older = workload.revision is None or revision.number < workload.revision
        if older and found is not None and variable in {entry.name for entry in found.env}:
            return revision
    return None


def _suspect(finding: Finding, picture: Picture) -> Suspect | None:
    """The container the finding was made from: the first one of its resource for which the same rule speaks."""
    for suspect in suspects(picture):
        if suspect.resource == finding.resource:
            found = cause(suspect)
            if found is not None and found.finding.code == finding.code:
                return suspect
    return None


_CONTAINER_FIXES: dict[str, Callable[[Suspect, Workload], Fix]] = {
    "k8s.missing_env": _restore_variable,
    "k8s.oom_killed": _raise_memory,
    "k8s.image_not_found": _last_good_image,
    "k8s.image_invalid": _last_good_image,
    "k8s.image_never_pull": _last_good_image,
    "k8s.liveness_kills": _repair_killer,
    "k8s.readiness_failing": _repair_readiness,
    "k8s.missing_config_object": _undo,
    "k8s.missing_config_key": _undo,
    "k8s.container_start_failed": _undo,
    "k8s.crash_loop": _undo,
}

_ADVICE = {
    "k8s.missing_env": "Find out which value the variable should have, and set it.",
    "k8s.crash_loop": "Read the last lines of its log and what the last rollout changed.",
    "k8s.image_auth": "Check the pull secret: the registry refuses the credentials, and going back would not help.",
    "k8s.image_unreachable": "Check the registry and the nodes' way to it; pods recover by themselves.",
    "k8s.image_rate_limited": "Wait, or pull through a mirror; the registry limits how often we pull.",
    "k8s.unschedulable_resources": "Add capacity, or free some: the pod asks for no more than before.",
    "k8s.untolerated_taint": "Find out why the nodes are tainted; do not tolerate a taint blindly.",
    "k8s.affinity_unsatisfied": "Compare the node selector and affinity with the nodes' labels.",
    "k8s.nodes_cordoned": "Find out who cordoned the nodes and why, and uncordon them.",
    "k8s.claim_unbound": "Look at the volume claim: its storage class, and whether a volume can be made for it.",
}
"""What to tell a person where no action is known."""

_NEVER_RAN = "{} never ran, so there is no log to read: create or correct what its pods refer to."
