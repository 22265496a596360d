"""What the changes of a single container share: addressing it safely, and saying that it is not there."""

from __future__ import annotations

from tools.actions import SetEnv, SetImage, SetProbe, SetResources
from tools.clients.kubernetes import Operation
from tools.reads.kubernetes.raw import text
from tools.values import JsonValue
from tools.writes.kubernetes.live import Place
from tools.writes.write import Refused, Stale

ContainerAction = SetEnv | SetImage | SetResources | SetProbe


def named(place: Place) -> Operation:
    """A container is addressed by its position, so its name is tested at that position."""
    return Operation(op="test", path=f"{place.pointer}/name", value=text(place.raw, "name"))


def replacing(place: Place, field: str, before: JsonValue, after: JsonValue) -> tuple[Operation, ...]:
    """One member of a container from one value to another; null stands for absent."""
    path = f"{place.pointer}/{field}"
    if before is None:
        return (named(place), Operation(op="add", path=path, value=after))
    old = Operation(op="test", path=path, value=before)
    if after is None:
        return (named(place), old, Operation(op="remove", path=path))
    return (named(place), old, Operation(op="replace", path=path, value=after))


def no_container(action: ContainerAction) -> Refused:
    """There never was such a container."""
    return Refused(reason=f"{action.deployment} has no container {action.container}")


def container_gone(action: ContainerAction) -> Stale:
    """There was such a container when people were asked."""
    return Stale(reason=f"{action.deployment} has no container {action.container} any more")
