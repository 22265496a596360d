"""aws.clean_up_logs: old rotated logs are deleted on one instance, by a Systems Manager document and nothing else.

There is no shell here: only the registered document `sayso-CleanUpLogs` (deploy/aws/ssm) with its typed parameters,
pinned by version and content hash from the approval to the call. SSM takes no client token; the key of the attempt
travels as the command's comment, by which the command is found again. Deleted is deleted: destructive, no undo.
"""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import TYPE_CHECKING

from tools.actions import CleanUpLogs
from tools.clients import Writers
from tools.clients.aws import reading, writing
from tools.errors import PermanentError
from tools.reads.aws import instances
from tools.reads.aws.views import Instance
from tools.values import Value
from tools.writes.aws.pins import canonical, digest, moved, writer
from tools.writes.write import Applied, Change, Landing, Observed, Preview, Reentry, Refused, Stale, Write

if TYPE_CHECKING:
    from mypy_boto3_ssm.type_defs import CommandTypeDef

DOCUMENT = "sayso-CleanUpLogs"
PARAMETERS = frozenset({"Directory", "OlderThanDays"})
DELIVERY_SECONDS = 60
"""SSM gives up on an agent that does not fetch the command by then; half a minute is its minimum."""
LONGEST_COMMENT = 100
MOST_PAGES = 20
NO_WAY_BACK = "deleted logs cannot be brought back"


class Document(Value):
    """The registered document, as far as an approval depends on it."""

    version: str
    hash: str
    parameters: frozenset[str]


def observe(action: CleanUpLogs, writers: Writers) -> Observed | Refused:
    """The instance and the document as they are, or why nothing may be deleted there."""
    try:
        document = _document(action, writers)
    except PermanentError as error:
        return Refused(reason=f"the SSM document {DOCUMENT} cannot be used: {error}")
    found = _instance(action, writers)
    if found is None:
        return Refused(reason=f"there is no instance {action.instance_id} in {action.region}")
    reason = _objection(found, document)
    return Refused(reason=reason) if reason else _pinned(action, found, document)


def check(action: CleanUpLogs, approved: Observed, writers: Writers) -> Observed | Stale | Refused:
    """The same again: Stale when the instance is another or the document says something else."""
    now = observe(action, writers)
    return now if isinstance(now, Refused) else moved(approved, now, "changed") or now


def preview(action: CleanUpLogs, observed: Observed, writers: Writers) -> Preview | Refused:
    """What would be deleted, in words: there is no way to ask the instance without running something on it."""
    document = _document(action, writers)
    days = action.older_than_days
    return Preview(
        changes=(
            Change(path=f"{action.directory}: rotated logs older than {days} days", before="kept", after="deleted"),
        ),
        blast_radius=f"files *.gz and *.1, *.2, ... under {action.directory} on {action.instance_id}; nothing restarts",
        undo=f"None: {NO_WAY_BACK}",
        command=(
            f"aws ssm send-command --region {action.region} --document-name {DOCUMENT} "
            f"--document-version {document.version} --instance-ids {action.instance_id} "
            f"--parameters Directory={action.directory},OlderThanDays={days}"
        ),
        dry_run="checked by reading; Systems Manager has no dry run",
        warnings=(
            f"{NO_WAY_BACK[0].upper()}{NO_WAY_BACK[1:]}. Are they shipped elsewhere, if anyone needs them?",
            f"Runs {DOCUMENT} version {document.version}, sha256 {document.hash[:12]}.",
        ),
    )


def apply(action: CleanUpLogs, observed: Observed, key: str, writers: Writers) -> Applied | Stale:
    """Send the document once: a command that already carries this key is answered with, not repeated."""
    earlier = _command(action, key, writers)
    if earlier is not None:
        return Applied(after=canonical({"command": earlier.get("CommandId")}))
    now = check(action, observed, writers)
    if isinstance(now, Refused):
        return Stale(reason=now.reason)
    return now if isinstance(now, Stale) else _send(action, key, writers)


def landed(action: CleanUpLogs, observed: Observed, key: str, writers: Writers) -> Landing:
    """Whether a command carrying this key was sent to the instance. What it freed, the success criteria tell."""
    return Landing.NOT_LANDED if _command(action, key, writers) is None else Landing.LANDED


def undo(action: CleanUpLogs, observed: Observed, key: str, writers: Writers) -> Applied | Stale:
    """Nothing: there is no way back, and saying so is all that can be done."""
    return Stale(reason=NO_WAY_BACK)


def undone(action: CleanUpLogs, observed: Observed, key: str, writers: Writers) -> Landing:
    """Never."""
    return Landing.NOT_LANDED


def comment(key: str) -> str:
    """The comment that names an attempt; a key too long for SSM is named by its digest."""
    plain = f"sayso {key}"
    return plain if len(plain) <= LONGEST_COMMENT else f"sayso {hashlib.sha256(key.encode()).hexdigest()}"


def _instance(action: CleanUpLogs, writers: Writers) -> Instance | None:
    return instances.instance(action.region, action.instance_id, writer(writers))


def _document(action: CleanUpLogs, writers: Writers) -> Document:
    with reading("ssm:DescribeDocument"):
        raw = writer(writers).ssm(action.region).describe_document(Name=DOCUMENT)["Document"]
    return Document(
        version=raw.get("DocumentVersion", ""),
        hash=raw.get("Hash", ""),
        parameters=frozenset(one.get("Name", "") for one in raw.get("Parameters", [])),
    )


def _objection(found: Instance, document: Document) -> str | None:
    """Why the document must not be run on this instance."""
    if found.state != "running":
        return f"{found.id} is {found.state}"
    if found.ping != "Online":
        return f"Systems Manager cannot reach {found.id} (agent: {found.ping or 'unknown'})"
    if document.parameters != PARAMETERS or not document.hash:
        return f"the registered {DOCUMENT} is not the one sayso knows (parameters {sorted(document.parameters)})"
    return None


def _pinned(action: CleanUpLogs, found: Instance, document: Document) -> Observed:
    return Observed(
        target=action.target,
        uid=f"{found.id} launched {found.launched_at.isoformat()}",
        generation=None,
        spec_digest=digest({"version": document.version, "hash": document.hash}),
        before=canonical({}),
    )


def _send(action: CleanUpLogs, key: str, writers: Writers) -> Applied:
    document = _document(action, writers)
    with writing("ssm:SendCommand"):
        answer = (
            writer(writers)
            .ssm(action.region)
            .send_command(
                InstanceIds=[action.instance_id],
                DocumentName=DOCUMENT,
                DocumentVersion=document.version,
                # SSM refuses when the content is not the approved one, however late it changed.
                DocumentHash=document.hash,
                DocumentHashType="Sha256",
                Parameters={"Directory": [action.directory], "OlderThanDays": [str(action.older_than_days)]},
                Comment=comment(key),
                TimeoutSeconds=DELIVERY_SECONDS,
            )
        )
    sent = answer["Command"].get("CommandId")
    return Applied(after=canonical({"command": sent}), request=answer["ResponseMetadata"]["RequestId"])


def _command(action: CleanUpLogs, key: str, writers: Writers) -> CommandTypeDef | None:
    """The command an earlier attempt with this key sent, if there is one (SSM remembers them for 30 days)."""
    client = writer(writers).ssm(action.region)
    pages = client.get_paginator("list_commands").paginate(InstanceId=action.instance_id)
    with reading("ssm:ListCommands"):
        sent = [one for page in islice(pages, MOST_PAGES) for one in page["Commands"]]
    named = comment(key)
    return next((one for one in sent if one.get("Comment") == named and one.get("DocumentName") == DOCUMENT), None)


WRITE: Write[CleanUpLogs] = Write(
    destructive=True,
    reversible=False,
    routine=False,
    reentry=Reentry.PROBE,
    permissions=(
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceStatus",
        "ssm:DescribeInstanceInformation",
        "ssm:DescribeDocument",
        "ssm:ListCommands",
        "ssm:SendCommand",
    ),
    observe=observe,
    check=check,
    preview=preview,
    apply=apply,
    landed=landed,
    undo=undo,
    undone=undone,
)
