"""What became of a Systems Manager command on one instance, read. What it printed may be anything: it is redacted."""

from __future__ import annotations

from tools.clients.aws import AwsIdentity, reading
from tools.reads.aws.views import CommandResult
from tools.redaction import redact

LAST_LINES = 20
LONGEST_LINE = 300


def command(region: str, command_id: str, instance_id: str, identity: AwsIdentity) -> CommandResult | None:
    """A command's status and the end of what it printed; None when there is none of that id on that instance."""
    client = identity.ssm(region)
    with reading("ssm:GetCommandInvocation"):
        try:
            raw = client.get_command_invocation(CommandId=command_id, InstanceId=instance_id)
        except client.exceptions.InvocationDoesNotExist:
            return None
    return CommandResult(
        region=region,
        id=command_id,
        instance=instance_id,
        document=raw.get("DocumentName", ""),
        status=raw.get("Status", ""),
        detail=redact(raw.get("StatusDetails", "")),
        code=raw.get("ResponseCode"),
        output=_end(raw.get("StandardOutputContent", "")),
        errors=_end(raw.get("StandardErrorContent", "")),
    )


def _end(text: str) -> tuple[str, ...]:
    """The last lines. Redacted before they are cut apart: a key may go over many lines."""
    return tuple(line[:LONGEST_LINE] for line in redact(text).splitlines()[-LAST_LINES:])
