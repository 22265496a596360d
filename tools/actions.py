"""The closed set of things sayso can be asked to do. Data only: `tools.writes` knows how, `policies` whether.

Each class names the wanted end, never the gesture, and holds nothing a model could smuggle a command through:
values that matter (an environment entry, a pod template) are named by the revision that had them.
"""

from __future__ import annotations

import functools
import hashlib
import json
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from tools import resources
from tools.resources import Resource
from tools.values import Value

DnsName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")]
"""A Kubernetes object name: lower-case ASCII (RFC 1123), so that look-alike letters never match."""
Quantity = Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,3})?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$")]
"""A Kubernetes resource quantity such as `250m` or `512Mi`."""
LabelText = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_./]{0,250}[A-Za-z0-9])?$")]
"""A Kubernetes label key or value."""
Region = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
"""An AWS region code."""
AwsName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][-A-Za-z0-9_./:+=@ ]{0,254}$")]
"""The name of an AWS resource."""


class _DeploymentAction(Value):
    """What the actions on one Deployment share."""

    namespace: DnsName
    deployment: DnsName

    @property
    def target(self) -> Resource:
        """The object whose state this action changes."""
        return resources.kubernetes(self.namespace, "Deployment", self.deployment)


class SetEnv(_DeploymentAction):
    """An environment variable of a container is again what it was in an earlier revision."""

    kind: Literal["k8s.set_env"] = "k8s.set_env"
    container: DnsName
    variable: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,252}$")]
    revision: Annotated[int, Field(ge=1)]

    @property
    def title(self) -> str:
        """The end in one line, for people."""
        return f"Restore {self.variable} on {self.deployment}/{self.container} from revision {self.revision}"


class SetResources(_DeploymentAction):
    """A container requests and may use this much. Absent members stay as they are."""

    kind: Literal["k8s.set_resources"] = "k8s.set_resources"
    container: DnsName
    memory_request: Quantity | None = None
    memory_limit: Quantity | None = None
    cpu_request: Quantity | None = None
    cpu_limit: Quantity | None = None

    @property
    def title(self) -> str:
        """The end in one line, for people."""
        wanted = {
            "memory request": self.memory_request,
            "memory limit": self.memory_limit,
            "cpu request": self.cpu_request,
            "cpu limit": self.cpu_limit,
        }
        changes = ", ".join(f"{name} {value}" for name, value in wanted.items() if value is not None)
        return f"Set {changes} on {self.deployment}/{self.container}"


class SetImage(_DeploymentAction):
    """A container runs this image, which an earlier revision of the same Deployment ran."""

    kind: Literal["k8s.set_image"] = "k8s.set_image"
    container: DnsName
    image: Annotated[str, Field(pattern=r"^[a-z0-9][a-zA-Z0-9._:/@-]{0,300}$")]

    @property
    def title(self) -> str:
        """The end in one line, for people."""
        return f"Set the image of {self.deployment}/{self.container} to {self.image}"


class SetProbe(_DeploymentAction):
    """A probe of a container asks this HTTP path and port."""

    kind: Literal["k8s.set_probe"] = "k8s.set_probe"
    container: DnsName
    probe: Literal["liveness", "readiness", "startup"]
    path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9._~/-]{0,200}$")] | None = None
    port: Annotated[str, Field(pattern=r"^([0-9]{1,5}|[a-z][a-z0-9-]{0,14})$")] | None = None

    @property
    def title(self) -> str:
        """The end in one line, for people."""
        wanted = " ".join(f"{n} {v}" for n, v in (("path", self.path), ("port", self.port)) if v is not None)
        return f"Set the {self.probe} probe of {self.deployment}/{self.container} to {wanted}"


class SetServiceSelector(Value):
    """A Service selects pods by exactly these labels."""

    kind: Literal["k8s.set_service_selector"] = "k8s.set_service_selector"
    namespace: DnsName
    service: DnsName
    selector: Annotated[dict[LabelText, LabelText], Field(min_length=1, max_length=10)]

    @property
    def target(self) -> Resource:
        """The object whose state this action changes."""
        return resources.kubernetes(self.namespace, "Service", self.service)

    @property
    def title(self) -> str:
        """The end in one line, for people."""
        labels = ", ".join(f"{key}={value}" for key, value in sorted(self.selector.items()))
        return f"Point Service {self.service} at pods with {labels}"


class RestartDeployment(_DeploymentAction):
    """Every pod of a Deployment has been replaced, one by one."""

    kind: Literal["k8s.restart_deployment"] = "k8s.restart_deployment"

    @property
    def title(self) -> str:
        """The end in one line, for people."""
        return f"Restart {self.deployment}, pod by pod"


class UndoRollout(_DeploymentAction):
    """A Deployment runs the pod template of an earlier revision again."""

    kind: Literal["k8s.undo_rollout"] = "k8s.undo_rollout"
    to_revision: Annotated[int, Field(ge=1)]

    @property
    def title(self) -> str:
        """The end in one line, for people."""
        return f"Roll {self.deployment} back to revision {self.to_revision}"


class ScaleDeployment(_DeploymentAction):
    """A Deployment has this many replicas."""

    kind: Literal["k8s.scale_deployment"] = "k8s.scale_deployment"
    replicas: Annotated[int, Field(ge=0, le=1000)]

    @property
    def title(self) -> str:
        """The end in one line, for people."""
        return f"Scale {self.deployment} to {self.replicas} replicas"


class SetDesiredCapacity(Value):
    """An Auto Scaling group wants this many instances, within its own minimum and maximum."""

    kind: Literal["aws.set_desired_capacity"] = "aws.set_desired_capacity"
    region: Region
    group: AwsName
    desired: Annotated[int, Field(ge=0, le=1000)]

    @property
    def target(self) -> Resource:
        """The object whose state this action changes."""
        return resources.aws(self.region, "AutoScalingGroup", self.group)

    @property
    def title(self) -> str:
        """The end in one line, for people."""
        return f"Set the desired capacity of {self.group} to {self.desired}"


class ForceNewDeployment(Value):
    """An ECS service has replaced all its tasks with fresh ones of the same task definition."""

    kind: Literal["aws.force_new_deployment"] = "aws.force_new_deployment"
    region: Region
    cluster: AwsName
    service: AwsName

    @property
    def target(self) -> Resource:
        """The object whose state this action changes."""
        return resources.aws(self.region, "EcsService", f"{self.cluster}/{self.service}")

    @property
    def title(self) -> str:
        """The end in one line, for people."""
        return f"Force a new deployment of {self.cluster}/{self.service}"


class CleanUpLogs(Value):
    """Rotated logs older than this are gone from one directory of an instance, for good."""

    kind: Literal["aws.clean_up_logs"] = "aws.clean_up_logs"
    region: Region
    instance_id: Annotated[str, Field(pattern=r"^i-[0-9a-f]{8,17}$")]
    directory: Literal["/var/log"] = "/var/log"
    older_than_days: Annotated[int, Field(ge=1, le=365)] = 7

    @property
    def target(self) -> Resource:
        """The object whose state this action changes."""
        return resources.aws(self.region, "Instance", self.instance_id)

    @property
    def title(self) -> str:
        """The end in one line, for people."""
        return f"Delete rotated logs older than {self.older_than_days} days in {self.directory} on {self.instance_id}"


Action = Annotated[
    SetEnv
    | SetResources
    | SetImage
    | SetProbe
    | SetServiceSelector
    | RestartDeployment
    | UndoRollout
    | ScaleDeployment
    | SetDesiredCapacity
    | ForceNewDeployment
    | CleanUpLogs,
    Field(discriminator="kind"),
]
"""Anything sayso can do to the world."""


@functools.cache
def catalogue_version() -> str:
    """Names what the actions mean to this version of sayso: another one once any of them takes other arguments."""
    schema = json.dumps(TypeAdapter[Action](Action).json_schema(), sort_keys=True)
    return hashlib.sha256(schema.encode()).hexdigest()[:12]
