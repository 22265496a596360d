"""What the plans of a crash run are: which end each should come to, what it changes, and on what it is locked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tests.crash.world import BEFORE, SICK
from tools import resources
from tools.actions import Action, RestartDeployment, ScaleDeployment
from tools.criteria import RolloutDone
from tools.evidence import Proposal
from tools.previews import Change, Observed, Preview, Rehearsal, RehearsedStep

AFTER = 4
SHARED = 5
"""Targets that all plans of a run share, so that they queue for each other."""

Answer = Literal["nobody", "reject", "approve"]


@dataclass(frozen=True)
class Case:
    """One plan of a run, by its number. Of ten, nobody answers one and people reject one; two approve each other."""

    number: int

    @property
    def answer(self) -> Answer:
        """What people say to it."""
        return {3: "nobody", 7: "reject"}.get(self.number % 10, "approve")  # type: ignore[return-value]

    @property
    def sick(self) -> bool:
        """Whether the change makes things worse: every fourth of those people approve."""
        return self.answer == "approve" and self.number % 4 == 0

    @property
    def workload(self) -> str:
        """What it changes. Every plan has one of its own, so that none goes stale by another's success."""
        return f"w{self.number}{'-' + SICK if self.sick else ''}"

    @property
    def target(self) -> resources.Resource:
        """What it is locked on. Several plans share one."""
        return resources.kubernetes("shop", "Deployment", f"shared-{self.number % SHARED}")

    @property
    def actions(self) -> tuple[Action, ...]:
        """A wanted state, a restart that only a probe can tell of, or one after the other."""
        scale = ScaleDeployment(namespace="shop", deployment=self.workload, replicas=AFTER)
        restart = RestartDeployment(namespace="shop", deployment=self.workload)
        return ((scale,), (restart,), (scale, restart))[self.number % 3]

    @property
    def proposal(self) -> Proposal:
        """As an investigation would have it."""
        wanted = (RolloutDone(namespace="shop", deployment=self.workload),)
        return Proposal(hypothesis="It needs this", actions=self.actions, success_criteria=wanted, confidence=9)

    @property
    def rehearsal(self) -> Rehearsal:
        """As a rehearsal on the untouched workload would have it."""
        return Rehearsal(steps=tuple(self._step(action) for action in self.actions))

    def _step(self, action: Action) -> RehearsedStep:
        scales = isinstance(action, ScaleDeployment)
        observed = Observed(
            target=self.target,
            uid=self.workload,
            generation=1,
            spec_digest="d" * 64,
            before=f'{{"replicas":{BEFORE}}}',
            replicas_before=BEFORE if scales else None,
            replicas_after=AFTER if scales else None,
            pods_affected=AFTER,
        )
        changes = (Change(path="spec.replicas", before=str(BEFORE), after=str(AFTER)),) if scales else ()
        preview = Preview(
            changes=changes,
            blast_radius=f"the pods of {self.workload}",
            undo=f"back to {BEFORE} replicas" if scales else "another restart",
            command="none",
            dry_run="checked by reading; there is no dry run",
        )
        return RehearsedStep(action=action, observed=observed, preview=preview)


def number_of(workload: str) -> int:
    """The number of the plan that changes this workload."""
    return int(workload.removeprefix("w").removesuffix(f"-{SICK}"))
