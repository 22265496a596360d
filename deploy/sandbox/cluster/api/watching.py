"""WATCH: the changes of a selection, as they come, as JSON lines."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from deploy.sandbox.cluster.api.calls import Request
from deploy.sandbox.cluster.api.listing import form_of, partial_metadata
from deploy.sandbox.cluster.api.tables import table
from deploy.sandbox.cluster.objects.refusals import Refusal, bad_request
from deploy.sandbox.cluster.objects.resources import Resource
from deploy.sandbox.cluster.objects.selectors import Matches
from deploy.sandbox.cluster.objects.shapes import Object, key_of
from deploy.sandbox.cluster.objects.store import Change, Subscription
from deploy.sandbox.cluster.plane import Plane

_LONGEST_SECONDS = 1800.0
_INITIAL_END = "k8s.io/initial-events-end"


@dataclass(frozen=True)
class Watch:
    """A watch that passed every check and is about to begin."""

    resource: Resource
    request: Request
    matches: Matches


async def stream(plane: Plane, watch: Watch) -> AsyncIterator[bytes]:
    """The events of a watch until its time is over, the cluster stops, or its position is too old."""
    writer = _Writer(plane, watch)
    wake = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wake_from_any_thread() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(wake.set)

    try:
        with plane.store.lock:  # what is listed and what is subscribed to must meet without a gap
            initial = list(_initial(plane, watch, writer))
            subscription = plane.store.subscribe(watch.resource, _since(plane, watch.request), wake_from_any_thread)
    except Refusal as refusal:
        yield _line("ERROR", refusal.status())
        return
    try:
        for line in initial:
            yield line
        async for line in _follow(plane, watch, writer, subscription, wake):
            yield line
    finally:
        plane.store.unsubscribe(subscription)


async def _follow(
    plane: Plane, watch: Watch, writer: _Writer, subscription: Subscription, wake: asyncio.Event
) -> AsyncIterator[bytes]:
    end = time.monotonic() + float(watch.request.query.get("timeoutSeconds") or _LONGEST_SECONDS)
    while not subscription.closed:
        wake.clear()
        for change in subscription.take():
            if line := writer.change(change):
                yield line
        left = end - time.monotonic()
        if left <= 0:
            break
        try:
            await asyncio.wait_for(wake.wait(), left)
        except TimeoutError:
            break
    if watch.request.asks("allowWatchBookmarks"):
        yield writer.bookmark(str(plane.store.revision))


def _initial(plane: Plane, watch: Watch, writer: _Writer) -> Iterator[bytes]:
    """What is there already, for a watch that names no position or asks for it."""
    asked = watch.request.asks("sendInitialEvents")
    if watch.request.query.get("resourceVersion", "0") in ("", "0") or asked:
        for item in sorted(plane.store.all(watch.resource), key=key_of):
            if watch.matches(item):
                yield writer.event("ADDED", item)
    if asked:
        yield writer.bookmark(str(plane.store.revision), {_INITIAL_END: "true"})


def _since(plane: Plane, request: Request) -> int:
    position = request.query.get("resourceVersion", "0")
    from_now = position in ("", "0") or request.asks("sendInitialEvents")
    if not from_now and not position.isdigit():
        raise bad_request(f'invalid resource version "{position}"')
    return plane.store.revision if from_now else int(position)


class _Writer:
    """Turns changes into the lines of one watch."""

    def __init__(self, plane: Plane, watch: Watch) -> None:
        self._plane = plane
        self._watch = watch
        self._form = form_of(watch.request)
        self._headed = False

    def change(self, change: Change) -> bytes:
        """A change as the selection sees it: what enters is added, what leaves is deleted, the rest is silence."""
        after = self._watch.matches(change.item)
        before = change.before is not None and self._watch.matches(change.before)
        if change.kind == "DELETED":
            return self.event("DELETED", change.item) if before or after else b""
        if after:
            return self.event("MODIFIED" if before else "ADDED", change.item)
        return self.event("DELETED", change.item) if before else b""

    def event(self, kind: str, item: Object) -> bytes:
        """One line."""
        match self._form:
            case "table":
                meta = {"resourceVersion": item["metadata"]["resourceVersion"]}
                moment = self._plane.clock.moment()
                shown = table(self._watch.resource, [item], meta, moment, headed=not self._headed)
                self._headed = True
            case "metadata":
                shown = partial_metadata(item)
            case _:
                shown = item
        return _line(kind, shown)

    def bookmark(self, revision: str, annotations: dict[str, str] | None = None) -> bytes:
        """A line that only says how far the watch has come."""
        meta: Object = {"resourceVersion": revision}
        if annotations:
            meta["annotations"] = annotations
        resource = self._watch.resource
        return _line("BOOKMARK", {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": meta})


def _line(kind: str, item: Object) -> bytes:
    return json.dumps({"type": kind, "object": item}, separators=(",", ":")).encode() + b"\n"
