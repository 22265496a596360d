"""Restoring an environment variable of a container from an earlier revision. No value passes through any record.

The entry (a literal or a reference) is copied inside the cluster, from the ReplicaSet that holds it; what is recorded
is where it came from.
"""

from __future__ import annotations

from tools.actions import SetEnv
from tools.clients.kubernetes import Operation
from tools.reads.kubernetes.pods import env_source
from tools.reads.kubernetes.raw import flag, items, member, text
from tools.values import JsonObject, JsonValue
from tools.writes.kubernetes.containers import container_gone, named, no_container
from tools.writes.kubernetes.live import (
    Live,
    Place,
    container,
    container_of,
    current_revision,
    named_revision,
    revision,
    template_of,
)
from tools.writes.kubernetes.procedure import Edit, Procedure
from tools.writes.kubernetes.rollouts import effect, paused, pinned, read
from tools.writes.write import Refused, Stale


def plan(action: SetEnv, live: Live, key: str) -> Edit | Refused:
    """The earlier revision's entry, added or in place of the present one."""
    place = container(live, action.container)
    if place is None:
        return no_container(action)
    source = revision(live, action.revision)
    wanted = _entry_in(source, action)
    if source is None or wanted is None:
        return Refused(reason=f"Revision {action.revision} of {action.deployment} does not set {action.variable}")
    if _entry(place.raw, action.variable) == wanted:
        return Refused(reason=f"{action.variable} is already what it was in revision {action.revision}")
    before = _before(action, live, place, source)
    if before is None:
        return Refused(reason=f"The present template of {action.deployment} has no revision to come back to yet")
    after: JsonObject = {"variable": action.variable, "source": env_source(wanted), "revision": action.revision}
    return paused(live) or Edit(_setting(place, action.variable, wanted), before, after)


def reached(action: SetEnv, live: Live, key: str, before: JsonObject) -> bool:
    """Whether the variable is what the earlier revision had; its ReplicaSet keeps its name when it is renumbered."""
    place, wanted = container(live, action.container), _entry_in(named_revision(live, text(before, "wanted")), action)
    return place is not None and wanted is not None and _entry(place.raw, action.variable) == wanted


def back(action: SetEnv, live: Live, before: JsonObject) -> Edit | Stale:
    """Without the variable again, or with the entry it had, copied from the ReplicaSet that holds it."""
    place = container(live, action.container)
    if place is None:
        return container_gone(action)
    now: JsonObject = {"variable": action.variable, "revision": action.revision}
    if not flag(before, "present"):
        return Edit(_removing(place, action.variable), before=now, after=before)
    old = _entry_in(named_revision(live, text(before, "replica_set")), action)
    if old is None:
        return Stale(reason=f"The revision that had the former {action.variable} is no longer kept")
    return Edit(_setting(place, action.variable, old), before=now, after=before)


def restored(action: SetEnv, live: Live, before: JsonObject) -> bool:
    """Whether the variable is absent again, or what it was."""
    place = container(live, action.container)
    if place is None:
        return False
    entry = _entry(place.raw, action.variable)
    if not flag(before, "present"):
        return entry is None
    return entry is not None and entry == _entry_in(named_revision(live, text(before, "replica_set")), action)


def _setting(place: Place, variable: str, wanted: JsonObject) -> tuple[Operation, ...]:
    """`add .../env/-` would happily append a second entry of the same name, so the present one is looked for first."""
    value: dict[str, JsonValue] = dict(wanted)
    if member(place.raw, "env") is None:
        return (named(place), Operation(op="add", path=f"{place.pointer}/env", value=[value]))
    position = _position(place.raw, variable)
    if position is None:
        return (named(place), Operation(op="add", path=f"{place.pointer}/env/-", value=value))
    at = f"{place.pointer}/env/{position}"
    return (
        named(place),
        Operation(op="test", path=f"{at}/name", value=variable),
        Operation(op="replace", path=at, value=value),
    )


def _removing(place: Place, variable: str) -> tuple[Operation, ...]:
    if len(items(place.raw, "env")) == 1:
        return (named(place), Operation(op="remove", path=f"{place.pointer}/env"))
    at = f"{place.pointer}/env/{_position(place.raw, variable)}"
    test = Operation(op="test", path=f"{at}/name", value=variable)
    return (named(place), test, Operation(op="remove", path=at))


def _before(action: SetEnv, live: Live, place: Place, source: JsonObject) -> JsonObject | None:
    """Which ReplicaSet holds the wanted entry, and which the present one; None while none holds the present one."""
    wanted = text(source, "metadata", "name")
    if _entry(place.raw, action.variable) is None:
        return {"present": False, "wanted": wanted}
    holder = current_revision(live)
    if holder is None:
        return None
    return {"present": True, "wanted": wanted, "replica_set": text(holder, "metadata", "name")}


def _entry_in(holder: JsonObject | None, action: SetEnv) -> JsonObject | None:
    place = container_of(template_of(holder), action.container) if holder is not None else None
    return _entry(place.raw, action.variable) if place is not None else None


def _entry(raw: JsonObject, variable: str) -> JsonObject | None:
    return next((found for found in items(raw, "env") if text(found, "name") == variable), None)


def _position(raw: JsonObject, variable: str) -> int | None:
    names = [text(found, "name") for found in items(raw, "env")]
    return names.index(variable) if variable in names else None


ENV: Procedure[SetEnv] = Procedure(
    read=read,
    pinned=pinned,
    plan=plan,
    reached=reached,
    back=back,
    restored=restored,
    effect=effect,
    command=lambda action: (
        f"kubectl -n {action.namespace} set env deployment/{action.deployment} -c {action.container} "
        f"{action.variable}=<as in revision {action.revision}>"
    ),
    undo_in_words=lambda action: f"{action.variable} is put back as it is now, from the revision that holds it.",
)
