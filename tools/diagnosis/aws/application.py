"""What the logs of services and functions tell: what is refused and what fails. Text, so never sure."""

from __future__ import annotations

from collections.abc import Iterator

from tools.diagnosis.aws.checks import found
from tools.diagnosis.confidence import Strength
from tools.diagnosis.logs.families import Family, LogFinding
from tools.diagnosis.logs.recognising import recognise
from tools.evidence import Finding, Role
from tools.reads.aws import evidence
from tools.reads.aws.views import LogLine, Picture
from tools.resources import Resource

FEWEST = 3
"""Below this an error is one request's own."""
OWN_RULE = frozenset({Family.CONNECTIONS_EXHAUSTED, Family.OUT_OF_MEMORY})
"""Families other rules look for, with more than the log to go by."""


def findings(picture: Picture) -> Iterator[Finding]:
    """What each log of the picture tells, the cause that is told most often first."""
    for resource, groups in _written(picture):
        lines = tuple(one for one in picture.log_lines if one.group in groups)
        for told in recognise(one.text for one in lines):
            if told.count >= FEWEST and told.family not in OWN_RULE and told.role is not Role.SYMPTOM:
                yield _finding(resource, told, lines, picture)


def _written(picture: Picture) -> Iterator[tuple[Resource, tuple[str, ...]]]:
    if picture.service is not None:
        yield picture.service.resource, picture.service.log_groups
    for function in picture.functions:
        yield function.resource, (function.log_group,)


def _finding(resource: Resource, told: LogFinding, lines: tuple[LogLine, ...], picture: Picture) -> Finding:
    denied = told.family is Family.NOT_PERMITTED
    name = resource.name.rsplit("/", 1)[-1]
    which = next((one for one in lines if told.line.startswith(one.text[:100])), lines[-1])
    first = min(one.at for one in lines)
    return found(
        "aws.permission_denied" if denied else "aws.dependency_errors",
        f"{name} is not permitted what it needs" if denied else f"The log of {name} tells of {_words(told.family)}",
        f"{told.count} lines in the log of {name}: {told.statement}",
        resource,
        (evidence.of_lines(picture.subject.region, which.group, picture.log_lines, picture.at).id,),
        Strength.TOLD,
        since=first,
        role=told.role,
    )


def _words(family: Family) -> str:
    return family.value.replace("_", " ")
