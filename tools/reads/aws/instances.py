"""EC2 instances and whether Systems Manager can reach them, read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.clients.aws import AwsIdentity, reading
from tools.reads.aws.tags import kept
from tools.reads.aws.views import Instance
from tools.redaction import redact

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import InstanceStatusTypeDef

OWNER_TAG = "aws:autoscaling:groupName"
"""Set by Auto Scaling itself; nobody else may set a tag that begins so."""


def instance(region: str, id_: str, identity: AwsIdentity) -> Instance | None:
    """An instance with its failed status checks and its agent's last ping; None when there is none of that id."""
    client = identity.ec2(region)
    with reading("ec2:DescribeInstances"):
        # A filter answers with nothing for an unknown id; InstanceIds would be an error.
        answer = client.describe_instances(Filters=[{"Name": "instance-id", "Values": [id_]}])
    found = [one for reservation in answer["Reservations"] for one in reservation.get("Instances", [])]
    if not found:
        return None
    raw = found[0]
    with reading("ec2:DescribeInstanceStatus"):
        statuses = client.describe_instance_status(InstanceIds=[id_], IncludeAllInstances=True)["InstanceStatuses"]
    return Instance(
        region=region,
        id=raw["InstanceId"],
        name=redact(next((tag["Value"] for tag in raw.get("Tags", []) if tag["Key"] == "Name"), "")),
        type=raw["InstanceType"],
        state=raw["State"]["Name"],
        launched_at=raw["LaunchTime"],
        checks_failed=tuple(name for one in statuses for name in _failed(one)),
        ping=_ping(region, id_, identity),
        stopped_because=redact(raw.get("StateTransitionReason", "") or ""),
        group=next((tag["Value"] for tag in raw.get("Tags", []) if tag["Key"] == OWNER_TAG), None),
        tags=kept({"Key": tag["Key"], "Value": tag["Value"]} for tag in raw.get("Tags", [])),
    )


def _failed(raw: InstanceStatusTypeDef) -> list[str]:
    kinds = {"system": raw.get("SystemStatus", {}), "instance": raw.get("InstanceStatus", {})}
    return [name for name, status in kinds.items() if status.get("Status") == "impaired"]


def _ping(region: str, id_: str, identity: AwsIdentity) -> str | None:
    with reading("ssm:DescribeInstanceInformation"):
        answer = identity.ssm(region).describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": [id_]}])
    return next((one.get("PingStatus") for one in answer["InstanceInformationList"]), None)
