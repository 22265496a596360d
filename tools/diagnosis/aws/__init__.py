"""What the rules make of an AWS picture. Pure: each rule is a function from a Picture to findings, with its source.

A rule that knows nothing about the alarm's metric stays silent; the evidence is kept for people either way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tools.diagnosis import Diagnosis, in_order
from tools.diagnosis.aws import (
    application,
    balancers,
    capacity,
    database,
    databases,
    disk,
    edges,
    functions,
    machines,
    services,
    stores,
)
from tools.diagnosis.aws.catalogue import role_of
from tools.diagnosis.aws.changes import flaps
from tools.diagnosis.aws.health import Health, Verdict
from tools.diagnosis.aws.scene import scene, subjects
from tools.diagnosis.aws.verdicts import health
from tools.diagnosis.ranking import Cause, ranked
from tools.evidence import Evidence, Finding
from tools.reads.aws import evidence
from tools.reads.aws.views import AlarmState, Picture

RULES = (capacity.launch_failing, capacity.cpu_high, database.connection_errors, disk.disk_full)
"""Rules about one thing of a picture."""
FAMILIES = (application, balancers, databases, edges, functions, machines, services, stores)
"""Rules about each resource of a kind; each module has `findings`."""
MEASURES = ("aws_metric", "aws_cloudtrail", "aws_logs")
"""Evidence that is kept only where a finding cites it: there is much, and most of it says that all is well."""


def diagnose(picture: Picture) -> Diagnosis:
    """Findings of every rule, with the evidence. An alarm that is OK again has none; unknown stays a gap."""
    gaps = picture.gaps
    if picture.alarm is not None and picture.alarm.state is AlarmState.INSUFFICIENT_DATA:
        gaps = (*gaps, f"Alarm {picture.alarm.name} has insufficient data: its state is unknown, not fine")
    over = picture.alarm is not None and picture.alarm.state is AlarmState.OK
    causes = ranked(() if over else _once(_found(picture)), scene(picture))
    causes = _flapping(causes, picture)
    told = in_order(causes)
    return Diagnosis(
        findings=told,
        evidence=_kept(picture, told),
        gaps=gaps,
        causes=causes,
        well=tuple(_well(picture)),
        next_look="" if told else _next_look(picture),
    )


def _flapping(causes: tuple[Cause, ...], picture: Picture) -> tuple[Cause, ...]:
    """The causes, the first of which says that the alarm comes and goes: it may be gone when somebody looks."""
    many = flaps(picture)
    if not many or not causes or picture.alarm is None:
        return causes
    first = causes[0].finding
    told = {
        "statement": f"{first.statement} The alarm flaps: it went off {many} times in 6 hours.",
        "evidence_ids": (*first.evidence_ids, evidence.of_history(picture.alarm, picture.history, picture.at).id),
    }
    return (causes[0].model_copy(update={"finding": first.model_copy(update=told)}), *causes[1:])


def _found(picture: Picture) -> Iterator[Finding]:
    for rule in RULES:
        one = rule(picture)
        if one is not None:
            yield one.model_copy(update={"role": role_of(one.code)})
    for family in FAMILIES:
        yield from family.findings(picture)


def _once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding per rule and resource, the first that was made."""
    once: dict[tuple[str, str], Finding] = {}
    for one in findings:
        once.setdefault((one.code, one.resource.key), one)
    return tuple(once.values())


def _kept(picture: Picture, told: Iterable[Finding]) -> tuple[Evidence, ...]:
    """The alarm, its metric and every resource; of the rest what is cited, and what the alarm's own service logged."""
    cited = {piece for finding in told for piece in finding.evidence_ids}
    if picture.watched is not None:
        cited.add(evidence.of_series(picture.watched, picture.at).id)
    logged = {line.group for line in picture.log_lines}
    return tuple(
        piece
        for piece in (*evidence.of_picture(picture), *_workings(picture))
        if piece.id in cited
        or piece.tool not in MEASURES
        or (piece.tool == "aws_logs" and piece.query.partition(" ")[2] in logged)
    )


def _workings(picture: Picture) -> Iterator[Evidence]:
    """The arithmetic behind every bad metric."""
    for verdict in health(picture):
        for reason in verdict.reasons:
            yield from reason.workings


def _well(picture: Picture) -> Iterator[str]:
    for one in health(picture):
        if one.health is Health.HEALTHY:
            yield f"{one.resource.kind} {one.resource.name}: {one.summary}"


def judged(picture: Picture) -> bool:
    """Whether anything is known of how well the thing asked about is: of silence nobody should conclude health."""
    named = {one.key for one in subjects(picture)}
    return named.isdisjoint(one.resource.key for one in _unjudged(picture))


def _unjudged(picture: Picture) -> tuple[Verdict, ...]:
    return tuple(one for one in health(picture) if one.health is Health.UNKNOWN)


def _next_look(picture: Picture) -> str:
    """Where a person should look when no rule explains the alarm."""
    if picture.alarm is not None and picture.alarm.state is AlarmState.OK:
        since = f"{picture.alarm.since:%H:%M} UTC"
        return (
            f"The alarm is OK again since {since}: nothing has to be done. If it returns, look at the minutes before."
        )
    named = {one.key for one in subjects(picture)}
    unknown = next(iter(sorted(_unjudged(picture), key=lambda one: one.resource.key not in named)), None)
    if unknown is not None:
        return f"{unknown.resource.kind} {unknown.resource.name} could not be judged: {unknown.summary}."
    if picture.alarm is not None and picture.alarm.metric:
        about = ", ".join(f"{name} {value}" for name, value in sorted(picture.subject.dimensions.items()))
        return f"Ask whoever owns {picture.subject.namespace} {picture.subject.metric} ({about}) what moves it."
    if not picture.subject.alarm:
        return ""
    return "Read the alarm's own rule: it watches no single metric that sayso could follow."
