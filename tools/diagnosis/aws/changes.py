"""What changed around an alarm, from everything in its picture that tells of a change, in order of time."""

from __future__ import annotations

from collections.abc import Iterator

from tools import resources
from tools.changes import Change, around
from tools.diagnosis.aws.revisions import differences
from tools.reads.aws import evidence
from tools.reads.aws.naming import touched
from tools.reads.aws.views import AlarmState, Function, Picture

QUIET = ("backup", "snapshot")
"""RDS events that happen every day and change nothing."""
ALARM = "alarm"
"""The source of what an alarm itself did: nobody changed the world by it."""
FLAPPING = 3
SHOWN_HISTORY = 6


def changes(picture: Picture) -> tuple[Change, ...]:
    """Rollouts, versions, scaling, what RDS reports and what CloudTrail recorded, around the onset."""
    told = (*_rollout(picture), *_functions(picture), *_scaling(picture), *_databases(picture), *_stages(picture))
    return around((*told, *_rang(picture), *_recorded(picture)), picture.began)


def flaps(picture: Picture) -> int:
    """How often the alarm went off in the last hours, where that is so often that it flaps; else 0."""
    rang = sum(one.after is AlarmState.ALARM for one in picture.history)
    return rang if rang >= FLAPPING else 0


def _rang(picture: Picture) -> Iterator[Change]:
    """One line for the alarm's whole history, at its last change: a flapping one would bury the rest."""
    if picture.alarm is None or not picture.history:
        return
    shown = ", ".join(f"{one.after} {one.at:%H:%M}" for one in picture.history[-SHOWN_HISTORY:])
    many = flaps(picture)
    yield Change(
        at=picture.history[-1].at,
        resource=resources.aws(picture.alarm.region, "Alarm", picture.alarm.name),
        what=f"went to {shown}" + (f": it flaps, {many} times in ALARM within 6 hours" if many else ""),
        source=ALARM,
        evidence_id=evidence.of_history(picture.alarm, picture.history, picture.at).id,
    )


def _rollout(picture: Picture) -> Iterator[Change]:
    service = picture.service
    if service is None or service.primary is None:
        return
    before, now = service.previous, service.definition
    name = service.primary.task_definition.rsplit("/", 1)[-1]
    what = f"deployment of {name}"
    if before is not None and now is not None:
        what = f"{before.short} -> {now.short}: {'; '.join(differences(before, now)) or 'nothing that is compared'}"
    told = evidence.of_definition(service, now, picture.at) if now else evidence.of_service(service, picture.at)
    yield Change(
        at=service.primary.created_at,
        resource=service.resource,
        what=what,
        by=_by(now.registered_by) if now and now.registered_by else None,
        source="rollout",
        evidence_id=told.id,
    )


def _functions(picture: Picture) -> Iterator[Change]:
    for one in picture.functions:
        told = evidence.of_function(one, picture.at).id
        published = {version.published_at for version in one.versions}
        for version in one.versions:
            if version.published_at is not None:
                what = f"version {version.number} published{_aliased(one, version.number)}"
                yield Change(
                    at=version.published_at, resource=one.resource, what=what, source="rollout", evidence_id=told
                )
        if one.modified_at is not None and one.modified_at not in published:
            what = "code or configuration changed"
            yield Change(at=one.modified_at, resource=one.resource, what=what, source="config", evidence_id=told)
    for source in picture.sources:
        if source.changed_at is not None and source.state in ("Disabled", "Disabling"):
            name = source.function.split(":")[6] if source.function.count(":") >= 6 else source.function
            yield Change(
                at=source.changed_at,
                resource=resources.aws(picture.subject.region, "Function", name),
                what=f"event source {source.source.rsplit(':', 1)[-1]} is {source.state.lower()} since",
                source="config",
                evidence_id=evidence.of_source(picture.subject.region, source, picture.at).id,
            )


def _aliased(function: Function, version: str) -> str:
    names = [one.name for one in function.aliases if one.version == version]
    return f", which {' and '.join(names)} point{'s' if len(names) == 1 else ''} to" if names else ""


def _scaling(picture: Picture) -> Iterator[Change]:
    group = picture.group
    if group is None:
        return
    told = evidence.of_group(group, picture.at).id
    for one in group.activities:
        what = f"{one.status}: {one.description}" + (f" ({one.cause})" if one.cause else "")
        yield Change(at=one.started_at, resource=group.resource, what=what[:240], source="scaling", evidence_id=told)


def _databases(picture: Picture) -> Iterator[Change]:
    for database in picture.databases:
        told = evidence.of_database(database, picture.at).id
        for event in database.events:
            if not any(word in event.categories for word in QUIET):
                yield Change(
                    at=event.at, resource=database.resource, what=event.text[:240], source="RDS", evidence_id=told
                )
    for cluster in picture.clusters:
        told = evidence.of_cluster(cluster, picture.at).id
        for event in cluster.events:
            if not any(word in event.categories for word in QUIET):
                yield Change(
                    at=event.at, resource=cluster.resource, what=event.text[:240], source="RDS", evidence_id=told
                )


def _stages(picture: Picture) -> Iterator[Change]:
    for api in picture.apis:
        for stage in api.stages:
            if stage.changed_at is not None:
                yield Change(
                    at=stage.changed_at,
                    resource=api.resource,
                    what=f"stage {stage.name} changed, deployment {stage.deployment or 'unknown'}",
                    source="config",
                    evidence_id=evidence.of_api(api, picture.at).id,
                )


def _recorded(picture: Picture) -> Iterator[Change]:
    """CloudTrail's word. A call that was refused changed nothing and is left out."""
    for event in picture.trail:
        if event.error is None:
            kind = event.source.partition(".")[0] or "unknown"
            unknown = resources.aws(picture.subject.region, kind, event.about[0] if event.about else "unknown")
            yield Change(
                at=event.at,
                resource=touched(event.source, event.about, picture) or unknown,
                what=f"{event.name} ({', '.join(event.parameters)})" if event.parameters else event.name,
                by=_by(event.by),
                source="CloudTrail",
                evidence_id=evidence.of_event(picture.subject.region, event, picture.at).id,
            )


def _by(arn: str) -> str:
    """A person or role, without the account around it."""
    return arn.rsplit(":", 1)[-1].removeprefix("assumed-role/")
