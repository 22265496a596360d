"""Changing what an HTTP probe of a container asks: its path and its port, nothing else of it."""

from __future__ import annotations

from tools.actions import SetProbe
from tools.clients.kubernetes import Operation
from tools.reads.kubernetes.raw import items, member, obj, text
from tools.values import JsonObject, JsonValue
from tools.writes.kubernetes.containers import container_gone, no_container, replacing
from tools.writes.kubernetes.live import Live, Place, container
from tools.writes.kubernetes.procedure import Edit, Procedure
from tools.writes.kubernetes.rollouts import effect, paused, pinned, read
from tools.writes.write import Refused, Stale


def plan(action: SetProbe, live: Live, key: str) -> Edit | Refused:
    """Only the leaves that differ of an HTTP probe that exists; a port name must be one the container declares."""
    place = container(live, action.container)
    if place is None:
        return no_container(action)
    asks = _http_get(place, action)
    if not asks:
        return Refused(reason=f"{action.container} has no HTTP {action.probe} probe")
    wanted = _wanted_probe(action)
    if not wanted or _reached(action, live):
        return Refused(reason=f"The {action.probe} probe of {action.container} already asks that")
    if action.port is not None and not _port_exists(place, action.port):
        return Refused(reason=f"{action.container} declares no port {action.port}")
    before: dict[str, JsonValue] = {leaf: member(asks, leaf) for leaf in wanted}
    return paused(live) or Edit(_probing(place, action, before, wanted), before, wanted)


def reached(action: SetProbe, live: Live, key: str, before: JsonObject) -> bool:
    """Whether the probe asks the wanted path and port."""
    return _reached(action, live)


def _reached(action: SetProbe, live: Live) -> bool:
    place = container(live, action.container)
    asks = _http_get(place, action) if place is not None else {}
    return bool(asks) and all(text(asks, leaf) == str(value) for leaf, value in _wanted_probe(action).items())


def back(action: SetProbe, live: Live, before: JsonObject) -> Edit | Stale:
    """The former leaves."""
    place = container(live, action.container)
    if place is None:
        return container_gone(action)
    asks = _http_get(place, action)
    now: dict[str, JsonValue] = {leaf: member(asks, leaf) for leaf in before}
    return Edit(_probing(place, action, now, dict(before)), before=now, after=before)


def restored(action: SetProbe, live: Live, before: JsonObject) -> bool:
    """Whether the probe asks what it did."""
    place = container(live, action.container)
    asks = _http_get(place, action) if place is not None else {}
    return bool(asks) and all(member(asks, leaf) == value for leaf, value in before.items())


def _probing(
    place: Place, action: SetProbe, before: dict[str, JsonValue], after: dict[str, JsonValue]
) -> tuple[Operation, ...]:
    operations: tuple[Operation, ...] = ()
    for leaf, value in after.items():
        operations += replacing(place, f"{action.probe}Probe/httpGet/{leaf}", before[leaf], value)
    return operations


def _http_get(place: Place, action: SetProbe) -> JsonObject:
    return obj(place.raw, f"{action.probe}Probe", "httpGet")


def _wanted_probe(action: SetProbe) -> dict[str, JsonValue]:
    """The leaves asked for; a port of digits is a number on the wire."""
    wanted: dict[str, JsonValue] = {}
    if action.path is not None:
        wanted["path"] = action.path
    if action.port is not None:
        wanted["port"] = int(action.port) if action.port.isdecimal() else action.port
    return wanted


def _port_exists(place: Place, port: str) -> bool:
    """A number may be undeclared, a name may not: the kubelet would never find it."""
    return port.isdecimal() or port in {text(found, "name") for found in items(place.raw, "ports")}


def _command(action: SetProbe) -> str:
    leaves = ", ".join(f"{leaf} {value}" for leaf, value in _wanted_probe(action).items())
    return f"kubectl -n {action.namespace} edit deployment/{action.deployment}  # {action.probe}Probe.httpGet: {leaves}"


PROBE: Procedure[SetProbe] = Procedure(
    read=read,
    pinned=pinned,
    plan=plan,
    reached=reached,
    back=back,
    restored=restored,
    effect=effect,
    command=_command,
    undo_in_words=lambda action: f"The present path and port of the {action.probe} probe are put back.",
)
