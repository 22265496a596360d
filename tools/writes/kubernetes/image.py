"""Changing the image of a container, to one that some revision of the same Deployment ran."""

from __future__ import annotations

from tools.actions import SetImage
from tools.reads.kubernetes.raw import text
from tools.values import JsonObject
from tools.writes.kubernetes.containers import container_gone, no_container, replacing
from tools.writes.kubernetes.live import Live, container, container_of, template_of
from tools.writes.kubernetes.procedure import Edit, Procedure
from tools.writes.kubernetes.rollouts import effect, paused, pinned, read
from tools.writes.write import Refused, Stale


def plan(action: SetImage, live: Live, key: str) -> Edit | Refused:
    """An image that some revision of this very Deployment ran in this very container."""
    place = container(live, action.container)
    if place is None:
        return no_container(action)
    now = text(place.raw, "image")
    if now == action.image:
        return Refused(reason=f"{action.container} already runs {action.image}")
    if action.image not in _images(live, action.container):
        return Refused(reason=f"No revision of {action.deployment} ever ran {action.image}")
    return paused(live) or Edit(replacing(place, "image", now, action.image), {"image": now}, {"image": action.image})


def reached(action: SetImage, live: Live, key: str, before: JsonObject) -> bool:
    """Whether the container runs the wanted image."""
    place = container(live, action.container)
    return place is not None and text(place.raw, "image") == action.image


def back(action: SetImage, live: Live, before: JsonObject) -> Edit | Stale:
    """The former image."""
    place = container(live, action.container)
    if place is None:
        return container_gone(action)
    operations = replacing(place, "image", action.image, text(before, "image"))
    return Edit(operations, before={"image": action.image}, after=before)


def restored(action: SetImage, live: Live, before: JsonObject) -> bool:
    """Whether the container runs the former image."""
    place = container(live, action.container)
    return place is not None and text(place.raw, "image") == text(before, "image")


def _images(live: Live, name: str) -> set[str]:
    places = [container_of(template_of(found), name) for found in live.replica_sets]
    return {text(place.raw, "image") for place in places if place is not None}


IMAGE: Procedure[SetImage] = Procedure(
    read=read,
    pinned=pinned,
    plan=plan,
    reached=reached,
    back=back,
    restored=restored,
    effect=effect,
    command=lambda action: (
        f"kubectl -n {action.namespace} set image deployment/{action.deployment} {action.container}={action.image}"
    ),
    undo_in_words=lambda action: "The present image is put back.",
)
