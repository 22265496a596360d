"""Changing how many pods a Deployment wants, through its scale and never against an autoscaler."""

from __future__ import annotations

from tools.actions import ScaleDeployment
from tools.clients.kubernetes import KubernetesWriter, Operation
from tools.reads.kubernetes.raw import number, obj
from tools.values import JsonObject, JsonValue
from tools.writes.kubernetes import live as reading
from tools.writes.kubernetes.live import Live
from tools.writes.kubernetes.procedure import Edit, Effect, Procedure
from tools.writes.write import Refused, Stale


def read(action: ScaleDeployment, writer: KubernetesWriter) -> Live:
    """The scale, the Deployment, and the autoscalers that own its count. Raises NotFound."""
    return reading.scale(action.namespace, action.deployment, writer)


def pinned(live: Live) -> JsonValue:
    """The count alone: a scale has no generation, and a new image does not change how many pods are wanted."""
    return {"replicas": live.replicas}


def plan(action: ScaleDeployment, live: Live, key: str) -> Edit | Refused:
    """The wanted count. An autoscaler would pull a count of ours back within seconds; zero would switch it off."""
    if action.replicas == 0:
        return Refused(reason=f"sayso does not scale to zero: that takes {action.deployment} away altogether")
    if live.autoscalers:
        names = ", ".join(found.name for found in live.autoscalers)
        return Refused(reason=f"Autoscaler {names} owns the count of {action.deployment}; change its bounds instead")
    if live.replicas == action.replicas:
        return Refused(reason=f"{action.deployment} already wants {action.replicas} replicas")
    return _counting(live, action.replicas)


def reached(action: ScaleDeployment, live: Live, key: str, before: JsonObject) -> bool:
    """Whether the wanted count is asked for."""
    return live.replicas == action.replicas


def back(action: ScaleDeployment, live: Live, before: JsonObject) -> Edit | Stale:
    """The former count, whatever it was."""
    return _counting(live, number(before, "replicas"))


def restored(action: ScaleDeployment, live: Live, before: JsonObject) -> bool:
    """Whether the former count is asked for."""
    return live.replicas == number(before, "replicas")


def effect(action: ScaleDeployment, live: Live) -> Effect:
    """Only the pods that come or go are touched."""
    return Effect(
        _coming_or_going(action.deployment, live.replicas, action.replicas),
        pods=abs(action.replicas - live.replicas),
        replicas_before=live.replicas,
        replicas_after=action.replicas,
    )


def undo_effect(action: ScaleDeployment, live: Live, before: JsonObject) -> str:
    """The same pods, the other way round."""
    return _coming_or_going(action.deployment, live.replicas, number(before, "replicas"))


def _coming_or_going(deployment: str, now: int, then: int) -> str:
    gesture = "started" if then > now else "stopped"
    return f"{abs(then - now)} pods of {deployment} are {gesture}: {now} now, {then} then."


def _counting(live: Live, replicas: int) -> Edit:
    """A count of zero is left out of a scale's JSON, so neither `test` nor `replace` would find it."""
    if live.replicas:
        operations = (
            Operation(op="test", path="/spec/replicas", value=live.replicas),
            Operation(op="replace", path="/spec/replicas", value=replicas),
        )
    else:
        spec: dict[str, JsonValue] = dict(obj(live.raw, "spec"))
        operations = (
            Operation(op="test", path="/spec", value=spec),
            Operation(op="add", path="/spec/replicas", value=replicas),
        )
    return Edit(operations, before={"replicas": live.replicas}, after={"replicas": replicas})


SCALE: Procedure[ScaleDeployment] = Procedure(
    read=read,
    pinned=pinned,
    plan=plan,
    reached=reached,
    back=back,
    restored=restored,
    effect=effect,
    command=lambda action: (
        f"kubectl -n {action.namespace} scale deployment/{action.deployment} --replicas={action.replicas}"
    ),
    undo_in_words=lambda action: "The present count is put back.",
    undo_effect=undo_effect,
)
