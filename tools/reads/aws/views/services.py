"""ECS services, their deployments, tasks and task definitions, as values. Environment variables by name only."""

from __future__ import annotations

from tools import resources
from tools.reads.aws.views.basics import Utc
from tools.resources import Resource
from tools.values import Value


class Deployment(Value):
    """One deployment of an ECS service; the PRIMARY one is the newest."""

    id: str
    status: str
    rollout: str | None
    created_at: Utc
    desired: int
    running: int
    task_definition: str
    reason: str = ""
    """ECS' own sentence about the rollout."""
    failed: int = 0
    """Tasks of it that failed to start."""


class ServiceEvent(Value):
    """One thing ECS said about a service, redacted."""

    at: Utc
    text: str


class Container(Value):
    """A container of a task definition."""

    name: str
    image: str
    cpu: int | None = None
    memory: int | None = None
    """Hard limit in MiB; None where only the task has one."""
    essential: bool = True
    env: tuple[str, ...] = ()
    """Names of the environment variables, never their values."""
    secrets: tuple[str, ...] = ()
    """Names of the variables filled from Secrets Manager or Parameter Store."""
    log_group: str | None = None
    command: str = ""
    """A digest of what it starts with: arguments may hold secrets."""


class TaskDefinition(Value):
    """One revision of a task definition."""

    arn: str
    family: str
    revision: int
    cpu: str | None = None
    memory: str | None = None
    containers: tuple[Container, ...] = ()
    registered_at: Utc | None = None
    registered_by: str | None = None

    @property
    def short(self) -> str:
        """`family:revision`, as people say it."""
        return f"{self.family}:{self.revision}"


class Task(Value):
    """A task that runs, or is starting."""

    id: str
    status: str
    health: str | None = None
    task_definition: str = ""
    address: str | None = None
    """Its private address, under which a target group knows it."""


class ContainerExit(Value):
    """How one container of a stopped task ended; `code` is None where it never ran."""

    name: str
    code: int | None = None
    reason: str = ""


class StoppedTask(Value):
    """A task that ended, and why ECS says it did."""

    id: str
    code: str | None
    reason: str
    stopped_at: Utc | None
    task_definition: str = ""
    containers: tuple[ContainerExit, ...] = ()


class EcsService(Value):
    """An ECS service, its deployments, and the log groups its containers write to."""

    region: str
    cluster: str
    name: str
    arn: str
    status: str
    controller: str
    desired: int
    running: int
    task_definition: str
    minimum_healthy: int | None = None
    """Percent of the wanted tasks that keep running during a deployment; None where ECS did not say."""
    deployments: tuple[Deployment, ...]
    log_groups: tuple[str, ...] = ()
    pending: int = 0
    events: tuple[ServiceEvent, ...] = ()
    """Newest first."""
    target_groups: tuple[str, ...] = ()
    """ARNs of the target groups its tasks register in."""
    definition: TaskDefinition | None = None
    """What the newest deployment runs."""
    previous: TaskDefinition | None = None
    """What ran before it."""
    tasks: tuple[Task, ...] = ()

    @property
    def primary(self) -> Deployment | None:
        """The newest deployment."""
        return next((one for one in self.deployments if one.status == "PRIMARY"), None)

    @property
    def settled(self) -> bool:
        """Whether no deployment is under way."""
        return len(self.deployments) == 1 and self.deployments[0].rollout in (None, "COMPLETED")

    @property
    def resource(self) -> Resource:
        """Its name everywhere."""
        return resources.aws(self.region, "EcsService", f"{self.cluster}/{self.name}")
