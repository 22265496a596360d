"""Changing what a container requests and may use. The bounds that hold whoever asks are here."""

from __future__ import annotations

from decimal import Decimal

from tools.actions import SetResources
from tools.clients.kubernetes import KubernetesWriter
from tools.reads.kubernetes import quantities
from tools.reads.kubernetes.raw import member, obj, text, texts
from tools.values import JsonObject, JsonValue
from tools.writes.kubernetes.containers import container_gone, no_container, replacing
from tools.writes.kubernetes.live import Live, Place, container, deployment_with_room
from tools.writes.kubernetes.procedure import Edit, Procedure
from tools.writes.kubernetes.rollouts import effect, paused, pinned
from tools.writes.write import Refused, Stale

LARGEST_RAISE = 4
"""How many times its present value a request or limit may become in one step."""


def read_with_room(action: SetResources, writer: KubernetesWriter) -> Live:
    """The Deployment, and what the largest node offers. Raises NotFound."""
    return deployment_with_room(action.namespace, action.deployment, writer)


def plan(action: SetResources, live: Live, key: str) -> Edit | Refused:
    """The block of requests and limits with the wanted members, within bounds."""
    place = container(live, action.container)
    if place is None:
        return no_container(action)
    if not wanted_resources(action):
        return Refused(reason="Nothing is asked for: name a request or a limit")
    if _reached(action, live):
        return Refused(reason=f"{action.container} already has these requests and limits")
    for kind, resource, quantity in wanted_resources(action):
        refusal = _out_of_bounds(place, live, kind, resource, quantity)
        if refusal is not None:
            return refusal
    now = member(place.raw, "resources")
    block = _with(obj(place.raw, "resources"), action)
    return paused(live) or Edit(replacing(place, "resources", now, block), {"resources": now}, {"resources": block})


def wanted_resources(action: SetResources) -> tuple[tuple[str, str, str], ...]:
    """What is asked for, as (requests or limits, resource, quantity)."""
    asked = (
        ("requests", "memory", action.memory_request),
        ("limits", "memory", action.memory_limit),
        ("requests", "cpu", action.cpu_request),
        ("limits", "cpu", action.cpu_limit),
    )
    return tuple((kind, resource, quantity) for kind, resource, quantity in asked if quantity is not None)


def reached(action: SetResources, live: Live, key: str, before: JsonObject) -> bool:
    """Whether every wanted member is there."""
    return _reached(action, live)


def _reached(action: SetResources, live: Live) -> bool:
    """Compared as numbers: the API server may spell a quantity otherwise."""
    place = container(live, action.container)
    return place is not None and all(
        quantities.amount(text(place.raw, "resources", kind, resource)) == quantities.amount(quantity)
        for kind, resource, quantity in wanted_resources(action)
    )


def back(action: SetResources, live: Live, before: JsonObject) -> Edit | Stale:
    """The former block, or none where there was none."""
    place = container(live, action.container)
    if place is None:
        return container_gone(action)
    now, former = member(place.raw, "resources"), member(before, "resources")
    return Edit(replacing(place, "resources", now, former), before={"resources": now}, after=before)


def restored(action: SetResources, live: Live, before: JsonObject) -> bool:
    """Whether the former block is there."""
    place = container(live, action.container)
    return place is not None and _amounts(obj(place.raw, "resources")) == _amounts(obj(before, "resources"))


def _with(block: JsonObject, action: SetResources) -> dict[str, JsonValue]:
    changed: dict[str, JsonValue] = dict(block)
    for kind, resource, quantity in wanted_resources(action):
        changed[kind] = {**texts(changed, kind), resource: quantity}
    return changed


def _out_of_bounds(place: Place, live: Live, kind: str, resource: str, quantity: str) -> Refused | None:
    """At most LARGEST_RAISE times the present value, never more than the largest node has; limits are not lowered."""
    wanted = quantities.amount(quantity) or Decimal(0)
    now = quantities.amount(text(place.raw, "resources", kind, resource))
    room = live.largest_memory if resource == "memory" else live.largest_cpu
    what = f"{resource} {kind.removesuffix('s')}"
    if wanted == 0:
        return Refused(reason=f"A {what} of nothing is not allowed")
    if now is not None and wanted > now * LARGEST_RAISE:
        return Refused(reason=f"Raising the {what} to {quantity} is more than {LARGEST_RAISE} times what it is")
    if room is not None and wanted > room:
        return Refused(reason=f"The {what} of {quantity} is more than the largest node offers")
    if kind == "limits" and now is not None and wanted < now:
        return Refused(reason=f"The {what} is never lowered: {quantity} is less than what it is")
    return None


def _amounts(block: JsonObject) -> dict[tuple[str, str], Decimal | None]:
    return {
        (kind, resource): quantities.amount(quantity)
        for kind in ("requests", "limits")
        for resource, quantity in texts(block, kind).items()
    }


def _command(action: SetResources) -> str:
    flags = []
    for kind in ("requests", "limits"):
        asked = [f"{resource}={quantity}" for found, resource, quantity in wanted_resources(action) if found == kind]
        flags += [f"--{kind}={','.join(asked)}"] if asked else []
    target = f"kubectl -n {action.namespace} set resources deployment/{action.deployment}"
    return " ".join([target, f"-c {action.container}", *flags])


RESOURCES: Procedure[SetResources] = Procedure(
    read=read_with_room,
    pinned=pinned,
    plan=plan,
    reached=reached,
    back=back,
    restored=restored,
    effect=effect,
    command=_command,
    undo_in_words=lambda action: "The present requests and limits are put back.",
)
