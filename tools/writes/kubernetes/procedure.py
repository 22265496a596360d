"""The one way any Kubernetes object is changed: look, compare with the approval, rehearse, send guarded, look again.

What to change is each action's own module; this one knows how to change it without surprising anybody.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from tools.actions import (
    RestartDeployment,
    ScaleDeployment,
    SetEnv,
    SetImage,
    SetProbe,
    SetResources,
    SetServiceSelector,
    UndoRollout,
)
from tools.clients import Writers
from tools.clients.kubernetes import Conflict, Invalid, KubernetesWriter, NotFound, Operation
from tools.errors import PermanentError
from tools.reads.kubernetes.workloads import managers
from tools.redaction import redact
from tools.values import JsonObject, JsonValue
from tools.writes.kubernetes.diffing import differences
from tools.writes.kubernetes.live import Live, canonical, digest, identity
from tools.writes.write import Applied, Landing, Observed, Preview, Reentry, Refused, Stale, Write, no_way_back

KubernetesAction = TypeVar(
    "KubernetesAction",
    SetEnv,
    SetResources,
    SetImage,
    SetProbe,
    SetServiceSelector,
    RestartDeployment,
    UndoRollout,
    ScaleDeployment,
)

REHEARSAL = "(set when applied)"
"""Stands for the key of an attempt while there is no attempt yet."""


@dataclass(frozen=True)
class Edit:
    """A change ready to send: the operations, what undoing it needs, and what will be there."""

    operations: tuple[Operation, ...]
    before: JsonObject
    after: JsonObject


@dataclass(frozen=True)
class Effect:
    """Whom a change touches: pods replaced or reached, replica counts, and one sentence for people."""

    sentence: str
    pods: int
    replicas_before: int | None = None
    replicas_after: int | None = None


@dataclass(frozen=True)
class Procedure(Generic[KubernetesAction]):
    """What is particular to one kind of action. All but `read` are pure functions of what `read` returned.

    read(action, writer)          the target and its neighbours; raises NotFound
    pinned(live)                  the part of the target an approval rests on
    plan(action, live, key)       the change, or why it must not be made
    reached(action, live, key, before)  whether the wanted end state is there
    back(action, live, before)    the change that puts `before` back
    restored(action, live, before)  whether `before` is there
    """

    read: Callable[[KubernetesAction, KubernetesWriter], Live]
    pinned: Callable[[Live], JsonValue]
    plan: Callable[[KubernetesAction, Live, str], Edit | Refused]
    reached: Callable[[KubernetesAction, Live, str, JsonObject], bool]
    back: Callable[[KubernetesAction, Live, JsonObject], Edit | Stale]
    restored: Callable[[KubernetesAction, Live, JsonObject], bool]
    effect: Callable[[KubernetesAction, Live], Effect]
    command: Callable[[KubernetesAction], str]
    undo_in_words: Callable[[KubernetesAction], str]
    undo_effect: Callable[[KubernetesAction, Live, JsonObject], str] | None = None
    """Whom the way back touches, where `effect` would not say so."""

    def write(
        self, *, permissions: tuple[str, ...], reversible: bool = True, routine: bool = False
    ) -> Write[KubernetesAction]:
        """The entry of WRITES. The end state of each of these actions can be read: a lost answer is never a riddle."""
        return Write(
            destructive=False,
            reversible=reversible,
            routine=routine,
            reentry=Reentry.WANTED_STATE,
            permissions=permissions,
            observe=self.observe,
            check=self.check,
            preview=self.preview,
            apply=self.apply,
            landed=self.landed,
            undo=self.undo,
            undone=self.undone,
            preview_undo=self.preview_undo if reversible else no_way_back,
        )

    def observe(self, action: KubernetesAction, writers: Writers) -> Observed | Refused:
        """The target as people are about to see it, or why this must not be done to it."""
        try:
            live = self.read(action, identity(writers))
        except NotFound:
            return Refused(reason=f"{action.target} does not exist")
        return self._observed(action, live)

    def check(self, action: KubernetesAction, approved: Observed, writers: Writers) -> Observed | Stale | Refused:
        """The target again. A generation that moved without the pinned part of the spec is refreshed, not refused."""
        try:
            live = self.read(action, identity(writers))
        except NotFound:
            return Stale(reason=f"{action.target} no longer exists")
        return self._moved(approved, live) or self._observed(action, live)

    def preview(self, action: KubernetesAction, observed: Observed, writers: Writers) -> Preview | Refused:
        """The server's own dry run of exactly the patch that would be sent."""
        writer = identity(writers)
        try:
            live = self.read(action, writer)
            edit = self.plan(action, live, REHEARSAL)
            if isinstance(edit, Refused):
                return edit
            answer = writer.patch(live.path, guarded(live, edit.operations), dry_run=True)
        except NotFound:
            return Refused(reason=f"{action.target} does not exist")
        except (Invalid, Conflict) as error:
            return Refused(reason=f"The API server refuses the change: {redact(str(error))}")
        return Preview(
            changes=differences(live.raw, answer),
            blast_radius=self.effect(action, live).sentence,
            undo=self.undo_in_words(action),
            command=self.command(action),
            dry_run="accepted by the API server (server-side dry run, strict validation)",
            warnings=_warnings(live, self._moved(observed, live)),
        )

    def apply(self, action: KubernetesAction, observed: Observed, key: str, writers: Writers) -> Applied | Stale:
        """Change the world, once, if it still is what was observed. Raises Uncertain when the answer was lost."""
        writer = identity(writers)
        try:
            live = self.read(action, writer)
        except NotFound:
            return Stale(reason=f"{action.target} no longer exists")
        moved = self._moved(observed, live)
        if moved is not None:
            return moved
        edit = self.plan(action, live, key)
        return Stale(reason=edit.reason) if isinstance(edit, Refused) else self._send(action, live, edit, writer)

    def landed(self, action: KubernetesAction, observed: Observed, key: str, writers: Writers) -> Landing:
        """Whether the wanted end is there, or the world is still as observed, or neither."""
        try:
            live = self.read(action, identity(writers))
        except NotFound:
            return Landing.UNKNOWN
        if live.uid != observed.uid:
            return Landing.UNKNOWN
        if self.reached(action, live, key, _before(observed)):
            return Landing.LANDED
        return Landing.NOT_LANDED if self._digest(live) == observed.spec_digest else Landing.UNKNOWN

    def undo(self, action: KubernetesAction, observed: Observed, key: str, writers: Writers) -> Applied | Stale:
        """Put the old value back, only over our own end state: what others changed since is theirs."""
        writer, before = identity(writers), _before(observed)
        try:
            live = self.read(action, writer)
        except NotFound:
            return Stale(reason=f"{action.target} no longer exists")
        if live.uid == observed.uid and self.restored(action, live, before):
            return Applied(after=canonical(before))
        edit = self._way_back(action, observed, live, key)
        return edit if isinstance(edit, Stale) else self._send(action, live, edit, writer)

    def undone(self, action: KubernetesAction, observed: Observed, key: str, writers: Writers) -> Landing:
        """Whether the old value is back, or our end state still stands, or neither."""
        try:
            live = self.read(action, identity(writers))
        except NotFound:
            return Landing.UNKNOWN
        if live.uid != observed.uid:
            return Landing.UNKNOWN
        before = _before(observed)
        if self.restored(action, live, before):
            return Landing.LANDED
        return Landing.NOT_LANDED if self.reached(action, live, key, before) else Landing.UNKNOWN

    def preview_undo(self, action: KubernetesAction, observed: Observed, writers: Writers) -> Preview | Refused:
        """The server's own dry run of exactly the patch that `undo` would send."""
        writer, before, where = identity(writers), _before(observed), action.target
        try:
            live = self.read(action, writer)
            edit = self._way_back(action, observed, live, REHEARSAL)
            if not isinstance(edit, Edit):
                return Refused(reason=edit.reason)
            answer = writer.patch(live.path, guarded(live, edit.operations), dry_run=True)
        except NotFound:
            return Refused(reason=f"{action.target} no longer exists")
        except (Invalid, Conflict) as error:
            return Refused(reason=f"The API server refuses the change: {redact(str(error))}")
        return Preview(
            changes=differences(live.raw, answer),
            blast_radius=self._reach_of_undo(action, live, before),
            undo="sayso does not take this back again by itself: look again to get a new fix.",
            command=f"kubectl -n {where.scope} edit {where.kind.lower()}/{where.name}  # as the diff shows",
            dry_run="accepted by the API server (server-side dry run, strict validation)",
            warnings=_warnings(live, None),
        )

    def _way_back(self, action: KubernetesAction, observed: Observed, live: Live, key: str) -> Edit | Stale:
        """The change that puts the old value back, if our own end state is what it would replace."""
        before = _before(observed)
        if live.uid != observed.uid:
            return Stale(reason=f"{action.target} was deleted and made anew")
        if self.restored(action, live, before):
            return Stale(reason=f"{action.target} is already as it was before")
        if not self.reached(action, live, key, before):
            return Stale(reason=f"{action.target} is no longer as sayso left it; somebody else has changed it since")
        return self.back(action, live, before)

    def _observed(self, action: KubernetesAction, live: Live) -> Observed | Refused:
        edit = self.plan(action, live, REHEARSAL)
        if isinstance(edit, Refused):
            return edit
        effect = self.effect(action, live)
        return Observed(
            target=action.target,
            uid=live.uid,
            generation=live.generation,
            spec_digest=self._digest(live),
            before=canonical(edit.before),
            replicas_before=effect.replicas_before,
            replicas_after=effect.replicas_after,
            pods_affected=effect.pods,
        )

    def _reach_of_undo(self, action: KubernetesAction, live: Live, before: JsonObject) -> str:
        if self.undo_effect is None:
            return self.effect(action, live).sentence
        return self.undo_effect(action, live, before)

    def _digest(self, live: Live) -> str:
        return digest(self.pinned(live))

    def _moved(self, observed: Observed, live: Live) -> Stale | None:
        """What moved since it was observed, as far as the approval rests on it."""
        if live.uid != observed.uid:
            return Stale(reason=f"{observed.target} was deleted and made anew since people saw it")
        if self._digest(live) != observed.spec_digest:
            counters = f" (generation {observed.generation}, now {live.generation})" if live.generation else ""
            return Stale(reason=f"{observed.target} has changed since people saw it{counters}")
        return None

    def _send(self, action: KubernetesAction, live: Live, edit: Edit, writer: KubernetesWriter) -> Applied | Stale:
        """Dry run, then for good, with the same guards. A refusal means Stale if the world moved, else it is final."""
        operations = guarded(live, edit.operations)
        try:
            writer.patch(live.path, operations, dry_run=True)
            writer.patch(live.path, operations, dry_run=False)
        except NotFound:
            return Stale(reason=f"{action.target} no longer exists")
        except (Invalid, Conflict) as error:
            return self._why_refused(action, live, error, writer)
        return Applied(after=canonical(edit.after))

    def _why_refused(
        self, action: KubernetesAction, sent: Live, error: PermanentError, writer: KubernetesWriter
    ) -> Stale:
        """A failed guard and an invalid value are both 422 with like text; only another look tells them apart."""
        try:
            now = self.read(action, writer)
        except NotFound:
            return Stale(reason=f"{action.target} no longer exists")
        same = (now.uid, now.generation, self._digest(now)) == (sent.uid, sent.generation, self._digest(sent))
        if same:
            raise PermanentError(f"The API server refuses the change: {redact(str(error))}") from error
        return Stale(reason=f"{action.target} changed at the very moment of the change")


def guarded(live: Live, operations: tuple[Operation, ...]) -> list[Operation]:
    """The operations behind tests that this is the same object at the same generation."""
    guards: list[Operation] = [Operation(op="test", path="/metadata/uid", value=live.uid)]
    if live.generation is not None:
        guards.append(Operation(op="test", path="/metadata/generation", value=live.generation))
    return [*guards, *operations]


def _before(observed: Observed) -> JsonObject:
    before = json.loads(observed.before)
    if not isinstance(before, dict):
        raise PermanentError("The recorded state to go back to is not readable")
    return before


def _warnings(live: Live, moved: Stale | None) -> tuple[str, ...]:
    tools = managers(live.deployment or live.raw)
    owned = [f"{', '.join(tools)} manages this object and may put its own value back"] if tools else []
    return (*owned, *([moved.reason] if moved else []))
