"""Running every rule over a picture and ranking what they find: the alert's subject first, cause before symptom."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from tools.diagnosis import Diagnosis, in_order
from tools.diagnosis.confidence import confidence, missing
from tools.diagnosis.kubernetes import (
    admission,
    around,
    batch,
    configuration,
    crashes,
    evictions,
    images,
    inconclusive,
    memory,
    probes,
    rollouts,
    scaling,
    scheduling,
    sets,
)
from tools.diagnosis.kubernetes.catalogue import RULES
from tools.diagnosis.kubernetes.citing import Found
from tools.diagnosis.kubernetes.scene import Aim, scene
from tools.diagnosis.kubernetes.suspects import Suspect, judged_pods, suspects
from tools.diagnosis.ranking import ranked
from tools.evidence import Finding
from tools.reads.kubernetes.picture import Picture

CONTAINER_RULES: tuple[Callable[[Suspect], Found | None], ...] = (
    images.image_invalid,
    images.image_never_pull,
    images.image_not_pulled,
    configuration.missing_config_object,
    configuration.missing_config_key,
    crashes.container_start_failed,
    memory.oom_killed,
    configuration.missing_env,
    probes.liveness_kills,
    crashes.crash_loop,
    probes.readiness_failing,
    crashes.recent_restart,
)
"""For each container the first rule that speaks is the cause; those after it would only name its symptoms."""


def diagnose(picture: Picture) -> Diagnosis:
    """What the rules make of a picture. One finding per rule and resource, however many pods show it."""
    found: dict[tuple[str, str], Found] = {}
    for one in _everything(picture):
        found.setdefault((one.finding.code, one.finding.resource.key), one)
    findings = tuple(_weighed(one.finding, picture) for one in found.values())
    aim = Aim.of(picture)
    causes = ranked(findings, scene(aim, picture.onset))
    told = in_order(causes)
    evidence = {piece.id: piece for finding in told for piece in found[finding.code, finding.resource.key].evidence}
    return Diagnosis(
        findings=told,
        evidence=tuple(evidence.values()),
        gaps=(*picture.gaps, *_paused(picture)),
        causes=causes,
        well=inconclusive.well(picture, aim),
        next_look=inconclusive.next_look(picture, aim),
        remarks=tuple(_put_back(picture, findings)),
    )


def cause(suspect: Suspect) -> Found | None:
    """What ails one container, by the first rule that speaks."""
    return next((found for rule in CONTAINER_RULES if (found := rule(suspect)) is not None), None)


def _everything(picture: Picture) -> Iterator[Found]:
    """About workloads first: what is around them is often only told when nothing of theirs explains it."""
    known: list[Found] = []
    for one in _workloads(picture):
        known.append(one)
        yield one
    surroundings = list(around.findings(picture, [one.finding for one in known]))
    yield from surroundings
    # Last, because it is only told of workloads nobody else has a word for.
    yield from rollouts.short(picture, [one.finding for one in (*known, *surroundings)])


def _workloads(picture: Picture) -> Iterator[Found]:
    for pod in judged_pods(picture):
        unplaced = scheduling.unschedulable(pod, picture)
        if unplaced is not None:
            yield unplaced
    for suspect in suspects(picture):
        ill = cause(suspect)
        if ill is not None:
            yield ill
    for rules in (images, admission, rollouts, sets, scaling, batch, evictions):
        yield from rules.findings(picture)


def _weighed(finding: Finding, picture: Picture) -> Finding:
    """Less sure by each kind its rule needs and nobody could read."""
    rule = RULES.get(finding.code)
    lacking = missing(rule.needs or () if rule else (), picture.unread, gaps=0)
    return finding.model_copy(update={"confidence": confidence(finding.confidence, missing=lacking)})


def _put_back(picture: Picture, findings: Collection[Finding]) -> Iterator[str]:
    """Workloads somebody's tool keeps as Git has them: what is changed here does not last."""
    ill = {(finding.resource.kind, finding.resource.name) for finding in findings}
    for workload in picture.workloads:
        if workload.managed_by and (workload.kind, workload.name) in ill:
            apps = ", ".join(f"{app.kind} {app.name}" for app in picture.apps[:3])
            yield (
                f"{workload.name} is kept by {', '.join(workload.managed_by)}{f' ({apps})' if apps else ''}: its next "
                "sync or release puts back what is changed here, so make the same change in Git"
            )


def _paused(picture: Picture) -> tuple[str, ...]:
    return tuple(f"Deployment {found.name} is paused; it is not judged" for found in picture.workloads if found.paused)
