"""Changing which pods a Service selects. A Service has no generation: its uid and the old selector are the guard."""

from __future__ import annotations

from tools.actions import SetServiceSelector
from tools.clients.kubernetes import KubernetesWriter, Operation
from tools.reads.kubernetes.raw import member, texts
from tools.values import JsonObject, JsonValue
from tools.writes.kubernetes import live as reading
from tools.writes.kubernetes.live import Live
from tools.writes.kubernetes.procedure import Edit, Effect, Procedure
from tools.writes.write import Refused, Stale


def read(action: SetServiceSelector, writer: KubernetesWriter) -> Live:
    """The Service, and how many pods the wanted selector picks. Raises NotFound."""
    return reading.service(action.namespace, action.service, action.selector, writer)


def pinned(live: Live) -> JsonValue:
    """The selector."""
    return member(live.raw, "spec", "selector")


def plan(action: SetServiceSelector, live: Live, key: str) -> Edit | Refused:
    """The whole selector at once: merging would leave a stale key in force."""
    now = texts(live.raw, "spec", "selector")
    if not now:
        return Refused(reason=f"Service {action.service} has no selector: its endpoints are made by hand")
    if now == action.selector:
        return Refused(reason=f"Service {action.service} already selects these labels")
    if live.pods_selected == 0:
        return Refused(reason=f"No pod in {action.namespace} has these labels; the Service would lead nowhere")
    return _selecting(now, action.selector)


def reached(action: SetServiceSelector, live: Live, key: str, before: JsonObject) -> bool:
    """Whether the Service selects exactly the wanted labels."""
    return texts(live.raw, "spec", "selector") == action.selector


def back(action: SetServiceSelector, live: Live, before: JsonObject) -> Edit | Stale:
    """The former selector."""
    return _selecting(action.selector, texts(before, "selector"))


def restored(action: SetServiceSelector, live: Live, before: JsonObject) -> bool:
    """Whether the Service selects what it did."""
    return texts(live.raw, "spec", "selector") == texts(before, "selector")


def effect(action: SetServiceSelector, live: Live) -> Effect:
    """No pod is touched; traffic goes elsewhere."""
    sentence = f"Traffic to Service {action.service} goes to {live.pods_selected} pods; no pod is restarted."
    return Effect(sentence, pods=live.pods_selected)


def undo_effect(action: SetServiceSelector, live: Live, before: JsonObject) -> str:
    """Traffic goes where it went."""
    return f"Traffic to Service {action.service} goes where it went before; no pod is restarted."


def _selecting(before: dict[str, str], after: dict[str, str]) -> Edit:
    old: dict[str, JsonValue] = dict(before)
    new: dict[str, JsonValue] = dict(after)
    operations = (
        Operation(op="test", path="/spec/selector", value=old),
        Operation(op="replace", path="/spec/selector", value=new),
    )
    return Edit(operations, before={"selector": old}, after={"selector": new})


def _command(action: SetServiceSelector) -> str:
    labels = ",".join(f"{key}={value}" for key, value in sorted(action.selector.items()))
    return f"kubectl -n {action.namespace} set selector service/{action.service} {labels}"


SELECTOR: Procedure[SetServiceSelector] = Procedure(
    read=read,
    pinned=pinned,
    plan=plan,
    reached=reached,
    back=back,
    restored=restored,
    effect=effect,
    command=_command,
    undo_in_words=lambda action: "The present selector is put back.",
    undo_effect=undo_effect,
)
