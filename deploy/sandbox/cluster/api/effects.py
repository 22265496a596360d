"""The effects log: every mutating call that succeeded, in order, so that a test can count effects exactly once."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from deploy.sandbox.cluster.objects.shapes import Object


@dataclass(frozen=True)
class Effect:
    """One mutating call the API server carried out, or in a dry run would have."""

    seq: int
    time: str
    user: str
    user_agent: str
    manager: str
    verb: str
    group: str
    resource: str
    kind: str
    subresource: str
    namespace: str
    name: str
    uid: str
    dry_run: bool
    changed: bool
    """Whether anything is different afterwards; never in a dry run, nor for a patch that sets what is set."""
    resource_version: str


class Effects:
    """An append-only list of effects."""

    def __init__(self) -> None:
        self._kept: list[Effect] = []

    def __len__(self) -> int:
        return len(self._kept)

    def append(self, effect: Effect) -> None:
        """Remember one effect."""
        self._kept.append(effect)

    def all(self, manager: str = "", dry_run: bool | None = None, changed: bool | None = None) -> list[Effect]:
        """The effects so far, oldest first, perhaps only one manager's, only (or no) dry runs, only real changes."""
        return [
            effect
            for effect in self._kept
            if (not manager or effect.manager == manager)
            and (dry_run is None or effect.dry_run == dry_run)
            and (changed is None or effect.changed == changed)
        ]

    def listing(self, manager: str = "", dry_run: bool | None = None, changed: bool | None = None) -> Object:
        """The same as JSON."""
        return {"items": [asdict(effect) for effect in self.all(manager, dry_run, changed)], "total": len(self._kept)}
