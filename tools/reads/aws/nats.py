"""NAT gateways, read."""

from __future__ import annotations

from tools.clients.aws import AwsIdentity, reading
from tools.reads.aws.views import NatGateway
from tools.redaction import redact


def nat(region: str, id_: str, identity: AwsIdentity) -> NatGateway | None:
    """A NAT gateway; None when there is none of that id."""
    with reading("ec2:DescribeNatGateways"):
        # A filter answers with nothing for an unknown id; NatGatewayIds would be an error.
        answer = identity.ec2(region).describe_nat_gateways(Filters=[{"Name": "nat-gateway-id", "Values": [id_]}])
    return next(
        (
            NatGateway(
                region=region, id=id_, state=raw.get("State", ""), failure=redact(raw.get("FailureMessage", "") or "")
            )
            for raw in answer["NatGateways"]
        ),
        None,
    )
