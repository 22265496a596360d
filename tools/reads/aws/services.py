"""ECS services, their tasks and task definitions, read. Environment variables by name only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tools.clients.aws import AwsIdentity, reading
from tools.reads.aws.views import (
    Container,
    ContainerExit,
    Deployment,
    EcsService,
    ServiceEvent,
    StoppedTask,
    Task,
    TaskDefinition,
)
from tools.redaction import redact

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import DeploymentTypeDef, ServiceTypeDef, TaskTypeDef

MOST_TASKS = 20
MOST_EVENTS = 20
MOST_CLUSTERS, MOST_SERVICES = 5, 100
AT_ONCE = 10
"""Most services one DescribeServices call takes."""


def service(region: str, cluster: str, name: str, identity: AwsIdentity) -> EcsService | None:
    """A service and its deployments; None when there is none of that name, or it was deleted."""
    with reading("ecs:DescribeServices"):
        answer = identity.ecs(region).describe_services(cluster=cluster, services=[name])
    found = [one for one in answer["services"] if one.get("status") != "INACTIVE"]
    return _view(region, cluster, found[0]) if found else None


def definition(region: str, name: str, identity: AwsIdentity) -> TaskDefinition | None:
    """A revision of a task definition, by its ARN or `family:revision`."""
    with reading("ecs:DescribeTaskDefinition"):
        raw = identity.ecs(region).describe_task_definition(taskDefinition=name)["taskDefinition"]
    return _definition(raw)


def previous(region: str, service_: EcsService, identity: AwsIdentity) -> TaskDefinition | None:
    """What ran before the newest deployment: an older deployment that is still there, or the revision before."""
    primary = service_.primary
    if primary is None:
        return None
    older = [one.task_definition for one in service_.deployments if one.task_definition != primary.task_definition]
    base, _, revision = primary.task_definition.rpartition(":")
    if not older and (not revision.isdigit() or int(revision) < 2):
        return None
    return definition(region, older[0] if older else f"{base}:{int(revision) - 1}", identity)


def tasks(region: str, cluster: str, name: str, identity: AwsIdentity) -> tuple[Task, ...]:
    """The service's tasks that run or are starting, at most MOST_TASKS."""
    return tuple(_task(one) for one in _described(region, cluster, name, "RUNNING", identity))


def stopped_tasks(region: str, cluster: str, name: str, identity: AwsIdentity) -> tuple[StoppedTask, ...]:
    """The service's tasks that ended lately (ECS keeps them for about an hour), with ECS' own reasons."""
    return tuple(_stopped(one) for one in _described(region, cluster, name, "STOPPED", identity))


def behind(region: str, target_group: str, identity: AwsIdentity) -> EcsService | None:
    """The service whose tasks register in a target group. ECS knows it the other way round only, so all are asked."""
    client = identity.ecs(region)
    with reading("ecs:ListClusters"):
        clusters = client.list_clusters(maxResults=MOST_CLUSTERS)["clusterArns"]
    for cluster in clusters:
        with reading("ecs:ListServices"):
            arns = client.list_services(cluster=cluster, maxResults=MOST_SERVICES)["serviceArns"]
        for start in range(0, len(arns), AT_ONCE):
            with reading("ecs:DescribeServices"):
                found = client.describe_services(cluster=cluster, services=arns[start : start + AT_ONCE])["services"]
            for one in found:
                if any(front.get("targetGroupArn") == target_group for front in one.get("loadBalancers", [])):
                    return _view(region, cluster.rsplit("/", 1)[-1], one)
    return None


def _described(region: str, cluster: str, name: str, status: Any, identity: AwsIdentity) -> list[TaskTypeDef]:
    client = identity.ecs(region)
    with reading("ecs:ListTasks"):
        arns = client.list_tasks(cluster=cluster, serviceName=name, desiredStatus=status, maxResults=MOST_TASKS)[
            "taskArns"
        ]
    if not arns:
        return []
    with reading("ecs:DescribeTasks"):
        found = client.describe_tasks(cluster=cluster, tasks=arns)["tasks"]
    return [one for one in found if one.get("group") == f"service:{name}"]


def _view(region: str, cluster: str, raw: ServiceTypeDef) -> EcsService:
    controller = raw.get("deploymentController")
    groups = (one.get("targetGroupArn") for one in raw.get("loadBalancers", []))
    return EcsService(
        region=region,
        cluster=cluster,
        name=raw["serviceName"],
        arn=raw["serviceArn"],
        status=raw["status"],
        controller=controller["type"] if controller else "ECS",
        desired=raw["desiredCount"],
        running=raw["runningCount"],
        pending=raw.get("pendingCount", 0),
        task_definition=raw["taskDefinition"],
        minimum_healthy=raw.get("deploymentConfiguration", {}).get("minimumHealthyPercent"),
        deployments=tuple(_deployment(one) for one in raw.get("deployments", [])),
        events=tuple(
            ServiceEvent(at=one["createdAt"], text=redact(one["message"]))
            for one in raw.get("events", [])[:MOST_EVENTS]
        ),
        target_groups=tuple(one for one in groups if one),
    )


def _deployment(raw: DeploymentTypeDef) -> Deployment:
    return Deployment(
        id=raw["id"],
        status=raw["status"],
        rollout=raw.get("rolloutState"),
        created_at=raw["createdAt"],
        desired=raw.get("desiredCount", 0),
        running=raw.get("runningCount", 0),
        task_definition=raw["taskDefinition"],
        reason=redact(raw.get("rolloutStateReason", "")),
        failed=raw.get("failedTasks", 0),
    )


def _task(raw: TaskTypeDef) -> Task:
    details = [one for attachment in raw.get("attachments", []) for one in attachment.get("details", [])]
    return Task(
        id=raw["taskArn"].rsplit("/", 1)[-1],
        status=raw.get("lastStatus", ""),
        health=raw.get("healthStatus"),
        task_definition=raw.get("taskDefinitionArn", ""),
        address=next((one.get("value") for one in details if one.get("name") == "privateIPv4Address"), None),
    )


def _stopped(raw: TaskTypeDef) -> StoppedTask:
    reasons = [raw.get("stoppedReason", ""), *(one.get("reason", "") for one in raw.get("containers", []))]
    return StoppedTask(
        id=raw["taskArn"].rsplit("/", 1)[-1],
        code=raw.get("stopCode"),
        reason=redact("; ".join(one for one in reasons if one)),
        stopped_at=raw.get("stoppedAt"),
        task_definition=raw.get("taskDefinitionArn", ""),
        containers=tuple(
            ContainerExit(name=one.get("name", ""), code=one.get("exitCode"), reason=redact(one.get("reason", "")))
            for one in raw.get("containers", [])
        ),
    )


def _definition(raw: Any) -> TaskDefinition:
    return TaskDefinition(
        arn=raw["taskDefinitionArn"],
        family=raw["family"],
        revision=raw["revision"],
        cpu=raw.get("cpu"),
        memory=raw.get("memory"),
        containers=tuple(_container(one) for one in raw.get("containerDefinitions", [])),
        registered_at=raw.get("registeredAt"),
        registered_by=raw.get("registeredBy"),
    )


def _container(raw: Mapping[str, Any]) -> Container:
    started = json.dumps([raw.get("entryPoint"), raw.get("command")])
    options = (raw.get("logConfiguration") or {}).get("options") or {}
    return Container(
        name=raw["name"],
        image=raw.get("image", ""),
        cpu=raw.get("cpu") or None,
        memory=raw.get("memory") or None,
        essential=raw.get("essential", True),
        env=tuple(sorted(one["name"] for one in raw.get("environment", []))),
        secrets=tuple(sorted(one["name"] for one in raw.get("secrets", []))),
        log_group=options.get("awslogs-group"),
        command=hashlib.sha256(started.encode()).hexdigest()[:8],
    )
