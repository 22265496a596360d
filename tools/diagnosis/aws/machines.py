"""EC2 instances and NAT gateways: health from status checks and metrics, and findings from them."""

from __future__ import annotations

from collections.abc import Iterator

from tools.diagnosis.aws.checks import Checks, found, severity
from tools.diagnosis.aws.disk import disk_full
from tools.diagnosis.aws.health import Health, Reason, Verdict, count, state, verdict
from tools.diagnosis.confidence import Strength
from tools.evidence import EvidenceId, Finding, Severity
from tools.reads.aws import evidence
from tools.reads.aws.views import DISK_NAMESPACE, Instance, NatGateway, Picture, ScalingGroup

DOWN = frozenset({"stopped", "stopping", "terminated", "shutting-down"})


def health(instance: Instance, picture: Picture) -> Verdict:
    """State, status checks, CPU, and the credits of a burstable one."""
    checks = Checks(picture, "AWS/EC2", {"InstanceId": instance.id})
    reasons = [
        _state(instance),
        _status(instance, checks),
        checks.metric("ec2.cpu", "CPUUtilization", "Average", "CPU"),
    ]
    if instance.type.startswith("t"):
        reasons.append(checks.metric("ec2.credits", "CPUCreditBalance", "Average", "CPU credits"))
    return verdict(instance.resource, reasons)


def health_of_nat(nat: NatGateway, picture: Picture) -> Verdict:
    """State, and whether it runs out of ports."""
    checks = Checks(picture, "AWS/NATGateway", {"NatGatewayId": nat.id})
    ports = checks.metric("nat.ports", "ErrorPortAllocation", "Sum", "connections without a port a minute")
    up = state("state", f"state {nat.state}", Health.HEALTHY if nat.state == "available" else Health.UNHEALTHY)
    return verdict(nat.resource, (up, ports))


def health_of_group(group: ScalingGroup, picture: Picture) -> Verdict:
    """Instances in service against the wanted number, and whether there is room."""
    said = f"{group.in_service} of {group.desired} instances in service"
    ids = (evidence.of_group(group, picture.at).id,)
    level = Health.HEALTHY if group.in_service >= group.desired else Health.UNHEALTHY
    return verdict(group.resource, (count("instances", said, level, *ids),))


def findings(picture: Picture) -> Iterator[Finding]:
    """What ails the instance and the NAT gateways of a picture."""
    if picture.instance is not None:
        yield from _of_instance(picture.instance, picture)
        yield from _agent(picture.instance, picture)
    for nat in picture.nats:
        yield from _of_nat(nat, picture)


def _of_instance(instance: Instance, picture: Picture) -> Iterator[Finding]:
    judged = health(instance, picture)
    ids = (evidence.of_instance(instance, picture.at).id,)
    if instance.state in DOWN:
        why = f": {instance.stopped_because}" if instance.stopped_because else ""
        yield found(
            "aws.ec2_not_running",
            f"{instance.id} is {instance.state}",
            f"{instance.id} ({instance.name or 'without a name'}) is {instance.state}{why}.",
            instance.resource,
            ids,
            Strength.STATED,
        )
    elif reason := judged.bad("ec2.status_check"):
        yield _status_check(instance, reason, ids)
    credit, busy = judged.bad("ec2.credits"), judged.bad("ec2.cpu")
    if credit:
        yield found(
            "aws.ec2_credits",
            f"{instance.id} has used up its CPU credits",
            f"{instance.id} ({instance.type}) is slowed down: {credit.said}.",
            instance.resource,
            (*credit.evidence_ids, *ids),
            Strength.MATCHED,
            severity(credit),
            since=credit.since,
        )
    if busy:
        yield found(
            "aws.ec2_cpu",
            f"{instance.id} is short of CPU",
            f"{instance.id} ({instance.type}) is busy: {busy.said}.",
            instance.resource,
            (*busy.evidence_ids, *ids),
            Strength.FITTING,
            severity(busy),
            since=busy.since,
        )


def _agent(instance: Instance, picture: Picture) -> Iterator[Finding]:
    """An agent that was there and went silent, where that is in the way: of the alarm's metric, or of the fix."""
    silent = instance.ping is not None and instance.ping != "Online"
    if instance.state != "running" or not silent:
        return
    full = disk_full(picture) is not None
    if not full and picture.subject.namespace != DISK_NAMESPACE:
        return
    needs = "cleaning up its disk" if full else "looking into the machine"
    yield found(
        "aws.ssm_agent_offline",
        f"Systems Manager cannot reach {instance.id}",
        f"{instance.id} is running, and Systems Manager says of its agent: {instance.ping}. "
        f"Without it {needs} is left to a person who logs in.",
        instance.resource,
        (evidence.of_instance(instance, picture.at).id,),
        Strength.OBSERVED,
        Severity.SEV3,
    )


def _status_check(instance: Instance, reason: Reason, ids: tuple[EvidenceId, ...]) -> Finding:
    system = "system" in instance.checks_failed
    whose = (
        "the host or network under it is at fault, which is AWS' to repair" if system else "the machine itself is ill"
    )
    return found(
        "aws.ec2_status_check",
        f"{instance.id} fails its status checks",
        f"{instance.id} fails its {' and '.join(instance.checks_failed) or 'EC2'} status check: {whose}.",
        instance.resource,
        (*reason.evidence_ids, *ids),
        Strength.STATED if instance.checks_failed else Strength.MATCHED,
        Severity.SEV2,
        since=reason.since,
    )


def _of_nat(nat: NatGateway, picture: Picture) -> Iterator[Finding]:
    judged = health_of_nat(nat, picture)
    told = (evidence.of_nat(nat, picture.at).id,)
    if reason := judged.bad("nat.ports"):
        yield found(
            "aws.nat_port_allocation",
            f"{nat.id} runs out of ports",
            f"{nat.id} refuses new connections to a destination it has too many to already: {reason.said}.",
            nat.resource,
            (*reason.evidence_ids, *told),
            Strength.STATED,
            since=reason.since,
        )
    if judged.bad("state"):
        yield found(
            "aws.nat_not_available",
            f"{nat.id} is {nat.state}",
            f"{nat.id} passes nothing on: it is {nat.state}. {nat.failure}".rstrip(),
            nat.resource,
            told,
            Strength.STATED,
            Severity.SEV1,
        )


def _state(instance: Instance) -> Reason:
    return state("state", f"state {instance.state}", Health.UNHEALTHY if instance.state in DOWN else Health.HEALTHY)


def _status(instance: Instance, checks: Checks) -> Reason:
    """What EC2 says now counts more than the metric of some minutes ago."""
    if instance.checks_failed:
        said = f"failed status checks: {', '.join(instance.checks_failed)}"
        metric = checks.metric("ec2.status_check", "StatusCheckFailed", "Maximum", "failed status checks")
        found_ = state("ec2.status_check", said, Health.UNHEALTHY, *metric.evidence_ids, since=metric.since)
        return found_.model_copy(update={"value": 1.0, "workings": metric.workings})
    return checks.metric("ec2.status_check", "StatusCheckFailed", "Maximum", "failed status checks")
