"""How anyone can tell that a model's actions worked: chosen by code, so that no answer sets its own exam."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from bot.investigation.values import Question
from tools.actions import (
    Action,
    CleanUpLogs,
    ForceNewDeployment,
    RestartDeployment,
    ScaleDeployment,
    SetDesiredCapacity,
    SetEnv,
    SetImage,
    SetProbe,
    SetResources,
    SetServiceSelector,
    UndoRollout,
)
from tools.criteria import (
    AlarmOk,
    CapacityInService,
    Criterion,
    EndpointsReady,
    FindingGone,
    RolloutDone,
    ServiceStable,
)
from tools.resources import Provider, Resource
from tools.subjects import AwsSubject


def criteria_for(actions: Sequence[Action], question: Question) -> tuple[Criterion, ...]:
    """The end each action names, reached; the rules' findings about the same targets, gone; the alarm itself, OK."""
    if not actions:
        return ()
    named = (end for action in actions for end in ends(action))
    return tuple(dict.fromkeys((*named, *_cleared({action.target for action in actions}, question))))


def _cleared(targets: set[Resource], question: Question) -> Iterator[Criterion]:
    for finding in question.findings:
        # The rules of AWS judge an alarm's picture; there the alarm itself is the better witness.
        if finding.resource in targets and finding.resource.provider is Provider.KUBERNETES:
            yield FindingGone(code=finding.code, resource=finding.resource)
    if isinstance(question.subject, AwsSubject):
        yield AlarmOk(region=question.subject.region, alarm=question.subject.alarm)


def ends(action: Action) -> Iterator[Criterion]:
    """The end an action names, as conditions that can be measured."""
    match action:
        case SetServiceSelector():
            yield EndpointsReady(namespace=action.namespace, service=action.service)
        case SetDesiredCapacity():
            yield CapacityInService(region=action.region, group=action.group, count=action.desired)
        case ForceNewDeployment():
            yield ServiceStable(region=action.region, cluster=action.cluster, service=action.service)
        case CleanUpLogs():
            return  # the disk alarm tells
        case (
            SetEnv()
            | SetResources()
            | SetImage()
            | SetProbe()
            | RestartDeployment()
            | UndoRollout()
            | ScaleDeployment()
        ):
            yield RolloutDone(namespace=action.namespace, deployment=action.deployment)
        case _:
            assert_never(action)
