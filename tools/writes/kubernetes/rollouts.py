"""What every change of a Deployment's pod template shares, and the two that concern the template as a whole:
restarting, and going back to an earlier revision.
"""

from __future__ import annotations

from tools.actions import (
    RestartDeployment,
    SetEnv,
    SetImage,
    SetProbe,
    SetResources,
    UndoRollout,
)
from tools.clients.kubernetes import KubernetesWriter, Operation
from tools.reads.kubernetes import workloads
from tools.reads.kubernetes.raw import flag, member, number, text
from tools.values import JsonObject, JsonValue
from tools.writes.kubernetes.live import (
    TEMPLATE,
    Live,
    current_revision,
    deployment,
    named_revision,
    revision,
    template_digest,
    template_of,
)
from tools.writes.kubernetes.procedure import Edit, Effect, Procedure
from tools.writes.write import Refused, Stale

RESTART_ANNOTATION = "sayso/restart"
"""Holds the key of the attempt that asked for the restart, so that asking again changes nothing."""

TemplateAction = SetEnv | SetResources | SetImage | SetProbe | RestartDeployment | UndoRollout

READ_PERMISSIONS = ("get deployments.apps", "list replicasets.apps")
PATCH_PERMISSIONS = (*READ_PERMISSIONS, "patch deployments.apps")


def read(action: TemplateAction, writer: KubernetesWriter) -> Live:
    """The Deployment and its revisions. Raises NotFound."""
    return deployment(action.namespace, action.deployment, writer)


def pinned(live: Live) -> JsonValue:
    """The whole spec but the count, which an autoscaler may move at any time without changing what was approved."""
    spec = member(live.raw, "spec")
    return {key: value for key, value in spec.items() if key != "replicas"} if isinstance(spec, dict) else None


def effect(action: TemplateAction, live: Live) -> Effect:
    """A changed template replaces every pod, as fast as the Deployment's own strategy allows."""
    available = number(live.raw, "status", "availableReplicas")
    sentence = (
        f"The {live.replicas} pods of {action.deployment} are replaced a few at a time; {available} are available now."
    )
    return Effect(sentence, pods=live.replicas)


def paused(live: Live) -> Refused | None:
    """A paused Deployment takes the change and rolls nothing out: people would wait for ever."""
    if flag(live.raw, "spec", "paused"):
        return Refused(reason="The Deployment is paused: a change would not roll out. Resume it first.")
    return None


def nothing_to_undo(action: RestartDeployment, live: Live, before: JsonObject) -> Edit | Stale:
    """A restart leaves nothing behind that could be put back."""
    return Stale(reason=f"A restart of {action.deployment} cannot be undone; there is nothing to put back")


def plan_restart(action: RestartDeployment, live: Live, key: str) -> Edit | Refused:
    """An annotation on the template, as `kubectl rollout restart` does it."""
    if live.replicas == 0:
        return Refused(reason=f"{action.deployment} is scaled to zero; there is nothing to restart")
    value: dict[str, JsonValue] = {RESTART_ANNOTATION: key}
    if member(live.template, "metadata", "annotations") is None:
        operation = Operation(op="add", path=f"{TEMPLATE}/metadata/annotations", value=value)
    else:
        escaped = RESTART_ANNOTATION.replace("~", "~0").replace("/", "~1")
        operation = Operation(op="add", path=f"{TEMPLATE}/metadata/annotations/{escaped}", value=key)
    return paused(live) or Edit((operation,), before={}, after={"restart": key})


def restarted(action: RestartDeployment, live: Live, key: str, before: JsonObject) -> bool:
    """Whether this very attempt's restart is what the template carries."""
    return text(live.template, "metadata", "annotations", RESTART_ANNOTATION) == key


def plan_undo(action: UndoRollout, live: Live, key: str) -> Edit | Refused:
    """The template of an earlier revision in place of the present one: there is no API call for it."""
    target = revision(live, action.to_revision)
    if target is None:
        kept = ", ".join(str(workloads.revision_number(found)) for found in live.replica_sets) or "none"
        return Refused(reason=f"Revision {action.to_revision} of {action.deployment} is no longer kept (kept: {kept})")
    if template_digest(template_of(target)) == template_digest(live.template):
        return Refused(reason=f"{action.deployment} already runs revision {action.to_revision}")
    current = current_revision(live)
    if current is None:
        return Refused(reason=f"The present template of {action.deployment} has no revision to come back to yet")
    return paused(live) or _replacing(target, current)


def rolled_back(action: UndoRollout, live: Live, key: str, before: JsonObject) -> bool:
    """Whether the wanted template is the present one. Its ReplicaSet keeps its name when it gets a new number."""
    return _runs(live, text(before, "wanted"))


def plan_return(action: UndoRollout, live: Live, before: JsonObject) -> Edit | Stale:
    """The template that was replaced, found by the ReplicaSet that holds it."""
    held, current = named_revision(live, text(before, "replica_set")), current_revision(live)
    if held is None or current is None:
        return Stale(reason=f"The revision {action.deployment} came from is no longer kept")
    return _replacing(held, current)


def returned(action: UndoRollout, live: Live, before: JsonObject) -> bool:
    """Whether the template that was replaced is the present one again."""
    return _runs(live, text(before, "replica_set"))


def _runs(live: Live, replica_set: str) -> bool:
    held = named_revision(live, replica_set)
    return held is not None and template_digest(template_of(held)) == template_digest(live.template)


def _replacing(target: JsonObject, current: JsonObject) -> Edit:
    """Templates are recorded by the names of the ReplicaSets that keep them: no value leaves the cluster."""
    template: dict[str, JsonValue] = dict(template_of(target))
    former, wanted = text(current, "metadata", "name"), text(target, "metadata", "name")
    return Edit(
        (Operation(op="replace", path=TEMPLATE, value=template),),
        before={"replica_set": former, "wanted": wanted},
        after={"replica_set": wanted},
    )


RESTART: Procedure[RestartDeployment] = Procedure(
    read=read,
    pinned=pinned,
    plan=plan_restart,
    reached=restarted,
    back=nothing_to_undo,
    restored=lambda action, live, before: False,
    effect=effect,
    command=lambda action: f"kubectl -n {action.namespace} rollout restart deployment/{action.deployment}",
    undo_in_words=lambda action: "A restart cannot be undone; the pods run the same template as before.",
)

UNDO: Procedure[UndoRollout] = Procedure(
    read=read,
    pinned=pinned,
    plan=plan_undo,
    reached=rolled_back,
    back=plan_return,
    restored=returned,
    effect=effect,
    command=lambda action: (
        f"kubectl -n {action.namespace} rollout undo deployment/{action.deployment} --to-revision={action.to_revision}"
    ),
    undo_in_words=lambda action: "The present template is put back from the ReplicaSet that keeps it.",
)
