"""ECS services and the tasks they lost, read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.clients.aws import AwsIdentity, reading
from tools.reads.aws.views import Deployment, EcsService, StoppedTask
from tools.redaction import redact

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import DeploymentTypeDef, ServiceTypeDef, TaskTypeDef

MOST_TASKS = 20


def service(region: str, cluster: str, name: str, identity: AwsIdentity) -> EcsService | None:
    """A service and its deployments; None when there is none of that name, or it was deleted."""
    with reading("ecs:DescribeServices"):
        answer = identity.ecs(region).describe_services(cluster=cluster, services=[name])
    found = [one for one in answer["services"] if one.get("status") != "INACTIVE"]
    return _view(region, cluster, found[0]) if found else None


def log_groups(region: str, task_definition: str, identity: AwsIdentity) -> tuple[str, ...]:
    """The CloudWatch log groups the containers of a task definition write to."""
    with reading("ecs:DescribeTaskDefinition"):
        answer = identity.ecs(region).describe_task_definition(taskDefinition=task_definition)
    named: list[str] = []
    for container in answer["taskDefinition"].get("containerDefinitions", []):
        configured = container.get("logConfiguration")
        group = configured.get("options", {}).get("awslogs-group") if configured else None
        if group and group not in named:
            named.append(group)
    return tuple(named)


def stopped_tasks(region: str, cluster: str, name: str, identity: AwsIdentity) -> tuple[StoppedTask, ...]:
    """The service's tasks that ended lately (ECS keeps them for about an hour), with ECS' own reasons."""
    client = identity.ecs(region)
    with reading("ecs:ListTasks"):
        arns = client.list_tasks(cluster=cluster, serviceName=name, desiredStatus="STOPPED", maxResults=MOST_TASKS)[
            "taskArns"
        ]
    if not arns:
        return ()
    with reading("ecs:DescribeTasks"):
        tasks = client.describe_tasks(cluster=cluster, tasks=arns)["tasks"]
    return tuple(_task(one) for one in tasks if one.get("group") == f"service:{name}")


def _view(region: str, cluster: str, raw: ServiceTypeDef) -> EcsService:
    controller = raw.get("deploymentController")
    return EcsService(
        region=region,
        cluster=cluster,
        name=raw["serviceName"],
        arn=raw["serviceArn"],
        status=raw["status"],
        controller=controller["type"] if controller else "ECS",
        desired=raw["desiredCount"],
        running=raw["runningCount"],
        task_definition=raw["taskDefinition"],
        minimum_healthy=raw.get("deploymentConfiguration", {}).get("minimumHealthyPercent"),
        deployments=tuple(_deployment(one) for one in raw.get("deployments", [])),
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
    )


def _task(raw: TaskTypeDef) -> StoppedTask:
    reasons = [raw.get("stoppedReason", ""), *(one.get("reason", "") for one in raw.get("containers", []))]
    return StoppedTask(
        id=raw["taskArn"].rsplit("/", 1)[-1],
        code=raw.get("stopCode"),
        reason=redact("; ".join(one for one in reasons if one)),
        stopped_at=raw.get("stoppedAt"),
    )
