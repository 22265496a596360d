"""What changed in a namespace, in the order of time: rollouts, scaling, edits, nodes, evictions, GitOps, Jobs. Pure.

Only what some object dates itself is here. Whether a change is to blame is for the rules and the ranking to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from tools import resources
from tools.changes import Change
from tools.diagnosis.kubernetes.changes import changed
from tools.diagnosis.kubernetes.topology import node, owner
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Event, Ingress, NetworkPolicy, Revision, Service, Workload
from tools.redaction import redact
from tools.resources import Resource

MOST_FIELDS = 4
"""Differences of one rollout that are told; a card has no room for more."""

MADE = "created"

SAME_MOMENT = timedelta(minutes=1)
"""An edit and the rollout it starts are this close together."""

MAKING = timedelta(seconds=5)
"""What is written so soon after an object appeared is part of making it."""

ROLLOUT = timedelta(minutes=10)
"""How long after a revision appeared its ReplicaSets' counts move because of it."""

PUT_OUT = frozenset({"Evicted", "Preempted", "TaintManagerEviction", "EvictedByVPA"})
"""Reasons of events of pods that were sent away."""

_SCALED = re.compile(r"^Scaled (?:up|down) replica set (?P<name>\S+)(?: from (?P<old>\d+))? to (?P<new>\d+)")
_RESCALED = re.compile(r"^New size: (?P<new>\d+); reason: (?P<why>.*)$")


def changes(picture: Picture) -> tuple[Change, ...]:
    """Everything that changed and says when, oldest first."""
    found = {
        *(change for change in (*_rollouts(picture), *_edits(picture)) if not _is_founding(change, picture)),
        *_scalings(picture),
        *_nodes(picture),
        *_evictions(picture),
        *_syncs(picture),
        *_jobs(picture),
    }
    return tuple(sorted(found, key=lambda change: (change.at, change.resource.key, change.what)))


def _is_founding(change: Change, picture: Picture) -> bool:
    """Whether something was made together with the first things of its namespace: no change, but a beginning."""
    made = [*(one.created for one in picture.workloads), *(one.created for one in picture.services)]
    first = min((at for at in made if at is not None), default=None)
    return change.what.startswith(MADE) and first is not None and change.at - first <= ROLLOUT


def _rollouts(picture: Picture) -> Iterator[Change]:
    for workload in picture.workloads:
        resource = _resource(picture, workload.kind, workload.name)
        for newer, older in zip(workload.revisions, (*workload.revisions[1:], None), strict=False):
            at = _began(newer, older, workload)
            if at is None:
                continue
            images = ", ".join(container.image for container in newer.template.containers)
            first = f"{MADE}, with {images}"
            what = first if newer.number == 1 else f"revision {newer.number}: {_difference(newer, older)}"
            wrote = workload.changed_at is not None and abs(workload.changed_at - at) <= SAME_MOMENT
            by = workload.changed_by if wrote and newer.number == workload.revision else ""
            yield Change(at=at, resource=resource, what=redact(what), by=by or None, source="rollout")


def _began(newer: Revision, older: Revision | None, workload: Workload) -> datetime | None:
    """When a revision was rolled out. A rollback takes up an old ReplicaSet, whose age then tells nothing."""
    if older is None or older.created is None or newer.created is None or newer.created >= older.created:
        return newer.created
    return workload.changed_at if newer.number == workload.revision else None


def _difference(newer: Revision, older: Revision | None) -> str:
    if older is None:
        return "what it changed is not known (its predecessor is gone)"
    fields = [str(one) for one in changed(older.template, newer.template)]
    if not fields:
        return "restarted; its containers ask for the same as before"
    more = f" and {len(fields) - MOST_FIELDS} more" if len(fields) > MOST_FIELDS else ""
    return "; ".join(fields[:MOST_FIELDS]) + more


def _edits(picture: Picture) -> Iterator[Change]:
    for workload in picture.workloads:
        rolled = [one.created for one in workload.revisions if one.created]
        if workload.changed_at and not any(abs(workload.changed_at - at) <= SAME_MOMENT for at in rolled):
            current = workload.current
            back = bool(current and current.created and rolled and current.created < max(rolled))
            if not back:  # a rollback, told as a rollout
                yield from _edit(picture, workload.kind, workload, "its spec was edited, without a rollout")
    for service in picture.services:
        yield from _edit(picture, "Service", service, "its selector or ports were edited")
    for ingress in picture.ingresses:
        yield from _edit(picture, "Ingress", ingress, "its rules were edited")
    for policy in picture.network_policies:
        yield from _edit(
            picture, "NetworkPolicy", policy, f"its rules for {' and '.join(policy.directions)} were edited"
        )
    for written in picture.written:
        resource = _resource(picture, "ConfigMap", written.name)
        yield Change(at=written.at, resource=resource, what="its content was written", by=written.by, source="config")


def _edit(
    picture: Picture, kind: str, seen: Workload | Service | Ingress | NetworkPolicy, what: str
) -> Iterator[Change]:
    """That an object was made, and that its spec was written later."""
    resource = _resource(picture, kind, seen.name)
    if seen.created and not (isinstance(seen, Workload) and seen.revisions):
        yield Change(at=seen.created, resource=resource, what=MADE, source="config")
    if seen.changed_at and not (seen.created and seen.changed_at - seen.created <= MAKING):
        yield Change(at=seen.changed_at, resource=resource, what=what, by=seen.changed_by or None, source="config")


def _scalings(picture: Picture) -> Iterator[Change]:
    automatic = [found for found in picture.events if found.reason == "SuccessfulRescale"]
    for event in automatic:
        scaler = next((one for one in picture.autoscalers if one.name == event.name), None)
        told = _RESCALED.match(event.message)
        if scaler and told and event.last_seen:
            resource = _resource(picture, scaler.target_kind, scaler.target)
            what = redact(f"scaled to {told['new']} by its autoscaler: {told['why'][:160]}")
            yield Change(at=event.last_seen, resource=resource, what=what, source="scaling")
    for event in picture.events:
        if event.reason == "ScalingReplicaSet" and not _near(event, automatic):
            yield from _by_hand(picture, event)


def _by_hand(picture: Picture, event: Event) -> Iterator[Change]:
    """A Deployment's count moved while none of its rollouts was under way."""
    told, workload = _SCALED.match(event.message), picture.deployment(event.name)
    if told is None or told["old"] is None or workload is None or event.last_seen is None:
        return
    rolled = (one.created for one in workload.revisions if one.created)
    if any(at <= event.last_seen <= at + ROLLOUT for at in rolled):
        return
    what = f"scaled from {told['old']} to {told['new']}"
    yield Change(at=event.last_seen, resource=_resource(picture, "Deployment", event.name), what=what, source="scaling")


def _near(event: Event, others: list[Event]) -> bool:
    times = (other.last_seen for other in others if other.last_seen)
    return event.last_seen is not None and any(abs(event.last_seen - at) <= SAME_MOMENT for at in times)


def _nodes(picture: Picture) -> Iterator[Change]:
    oldest = min((found.created for found in picture.nodes if found.created), default=picture.now)
    for found in picture.nodes:
        resource = node(found.name)
        if found.cordoned and found.cordoned_at:
            yield Change(
                at=found.cordoned_at, resource=resource, what="cordoned", by=found.cordoned_by or None, source="node"
            )
        ready = found.condition("Ready")
        if ready and ready.since and found.created and ready.since - found.created > ROLLOUT:
            what = "became ready again" if found.ready else f"stopped being ready: {ready.reason or ready.status}"
            yield Change(at=ready.since, resource=resource, what=what, source="node")
        for kind in found.pressures:
            felt = found.condition(kind)
            if felt and felt.since:
                yield Change(at=felt.since, resource=resource, what=f"came under {kind}", source="node")
        if found.created and found.created - oldest > ROLLOUT:
            yield Change(at=found.created, resource=resource, what="joined the cluster", source="node")


def _evictions(picture: Picture) -> Iterator[Change]:
    pods = {pod.name: pod for pod in picture.pods}
    for event in picture.events:
        if event.kind == "Pod" and event.reason in PUT_OUT and event.last_seen:
            pod = pods.get(event.name)
            resource = owner(pod, picture.namespace) if pod else _resource(picture, "Pod", event.name)
            what = f"pod {event.name} was sent away ({event.reason}): {event.message[:160]}"
            yield Change(at=event.last_seen, resource=resource, what=what, source="eviction")


def _syncs(picture: Picture) -> Iterator[Change]:
    for app in picture.apps:
        if app.changed:
            state = ", ".join(part for part in (app.sync, app.health) if part) or "state unknown"
            what = f"synced to {app.revision or 'a revision it does not name'} ({state})"
            resource = resources.kubernetes(app.namespace, app.kind, app.name)
            yield Change(at=app.changed, resource=resource, what=what, source="gitops")


def _jobs(picture: Picture) -> Iterator[Change]:
    for job in picture.jobs:
        if job.created is None:
            continue
        ended = job.condition("Failed")
        if ended and ended.status == "True":
            how = "failed"
        else:
            how = "completed" if job.completed else f"{job.active} pods running"
        by = f"CronJob {job.cron_job}" if job.cron_job else None
        yield Change(
            at=job.created, resource=_resource(picture, "Job", job.name), what=f"ran: {how}", by=by, source="job"
        )


def _resource(picture: Picture, kind: str, name: str) -> Resource:
    return resources.kubernetes(picture.namespace, kind, name)
