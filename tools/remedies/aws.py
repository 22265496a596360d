"""Findings about AWS -> the actions known to fix them, with bounded values, and how to tell that they worked. Pure."""

from __future__ import annotations

from pydantic import ValidationError

from tools.actions import CleanUpLogs, ForceNewDeployment, SetDesiredCapacity
from tools.criteria import AlarmOk, CapacityInService, Criterion, ServiceStable
from tools.diagnosis.aws.capacity import instances_needed, recent_average
from tools.diagnosis.aws.catalogue import RULES
from tools.diagnosis.aws.disk import fullest, path
from tools.evidence import Finding, Role
from tools.reads.aws.views import Picture
from tools.remedies import Remedy

CPU_TARGET = 60.0
"""Percent of CPU to size a group for: busy, with room for one instance to fail."""
MOST_GROWTH = 2
"""A group at most doubles in one step; what is still missing shows itself afterwards."""
HOLDS_LOGS = frozenset({"/", "/var", "/var/log"})
"""Mounts that /var/log may be on. Cleaning it up frees nothing anywhere else."""

ADVICE = {
    "aws.asg_at_max": "Raise the group's maximum, or find out what makes its instances busy; that is for its owner.",
    "aws.asg_launch_failing": "Read the failed activities: quota, capacity, launch template or subnet. More will fail.",
    "aws.ecs_db_connection_errors_persist": "A fresh start did not help: look at the database's own limit and clients.",
}
"""What a person may do where no action is known, and where it says more than the catalogue does."""
UNKNOWN = "Nothing is known to fix this; a person has to look."


def remedy(finding: Finding, picture: Picture) -> Remedy:
    """The known fix of a finding; no actions where a person has to act."""
    try:
        match finding.code:
            case "aws.asg_cpu_high":
                return _grow(finding, picture)
            case "aws.ecs_db_connection_errors":
                return _start_afresh(finding, picture)
            case "aws.disk_full":
                return _clean_up(finding, picture)
            case code:
                return Remedy(finding=finding, advice=_before(finding, picture) or ADVICE.get(code) or _known(code))
    except ValidationError:
        # AWS allows names that an action, on purpose, does not.
        return Remedy(finding=finding, advice=f"sayso acts on no name like {finding.resource.name!r}; do it by hand.")


def _known(code: str) -> str:
    """What the catalogue says of a rule."""
    return RULES[code].remedy if code in RULES else UNKNOWN


def _before(finding: Finding, picture: Picture) -> str | None:
    """How a person goes back to what ran before, where a change brought the fault. sayso has no action for it."""
    if finding.role is not Role.CHANGE:
        return None
    service = picture.service
    if service is not None and service.resource == finding.resource and service.previous is not None:
        return (
            f"Deploy {service.previous.short} again: aws ecs update-service --cluster {service.cluster} "
            f"--service {service.name} --task-definition {service.previous.short}"
        )
    function = next((one for one in picture.functions if one.resource == finding.resource), None)
    if function is None or finding.code != "aws.lambda_errors_after_deploy" or len(function.versions) < 2:
        return None
    older = function.versions[1].number
    pointing = [one.name for one in function.aliases if one.version == function.versions[0].number]
    return (
        f"Point the alias {pointing[0]} at version {older} again: aws lambda update-alias "
        f"--function-name {function.name} --name {pointing[0]} --function-version {older}"
        if pointing
        else None
    )


def _grow(finding: Finding, picture: Picture) -> Remedy:
    group, cpu = picture.group, recent_average(picture)
    if group is None or cpu is None or group.desired >= group.maximum:
        return Remedy(finding=finding, advice=ADVICE["aws.asg_at_max"])
    needed = instances_needed(group, cpu, CPU_TARGET)
    wanted = min(max(needed, group.desired + 1), MOST_GROWTH * group.desired, group.maximum)
    if wanted <= group.desired:
        return Remedy(finding=finding, advice="The group wants no instances at all; its owner has to say how many.")
    return Remedy(
        finding=finding,
        actions=(SetDesiredCapacity(region=group.region, group=group.name, desired=wanted),),
        success_criteria=(
            CapacityInService(region=group.region, group=group.name, count=wanted),
            *_alarm_ok(picture),
        ),
        advice=(
            f"{group.in_service} instances at {cpu:.0f} % need {needed} for {CPU_TARGET:.0f} %; "
            f"one step goes at most to twice the size and to the group's maximum of {group.maximum}."
        ),
    )


def _start_afresh(finding: Finding, picture: Picture) -> Remedy:
    service = picture.service
    if service is None:
        return Remedy(finding=finding, advice="The service was not found; a person has to look.")
    return Remedy(
        finding=finding,
        actions=(ForceNewDeployment(region=service.region, cluster=service.cluster, service=service.name),),
        success_criteria=(
            ServiceStable(region=service.region, cluster=service.cluster, service=service.name),
            *_alarm_ok(picture),
        ),
        advice="Fresh tasks give back the connections the old ones hold. Should the errors return, look at the pool.",
    )


def _clean_up(finding: Finding, picture: Picture) -> Remedy:
    instance, disk = picture.instance, fullest(picture)
    if instance is None or disk is None or path(disk) not in HOLDS_LOGS:
        return Remedy(finding=finding, advice="The full file system does not hold /var/log; a person has to look.")
    if instance.state != "running" or instance.ping != "Online":
        return Remedy(finding=finding, advice=f"Systems Manager cannot reach {instance.id}; a person has to log in.")
    return Remedy(
        finding=finding,
        actions=(CleanUpLogs(region=instance.region, instance_id=instance.id),),
        success_criteria=_alarm_ok(picture),
        advice="Deletes rotated logs older than a week, for good. If that is not enough, grow the volume.",
    )


def _alarm_ok(picture: Picture) -> tuple[Criterion, ...]:
    """Every fix ends with the alarm that started it, where one did."""
    if not picture.subject.alarm:
        return ()
    return (AlarmOk(region=picture.subject.region, alarm=picture.subject.alarm),)
