"""aws.force_new_deployment: an ECS service replaces all its tasks with fresh ones of the same task definition.

A second call would restart everything once more and ECS takes no client token, so this is never sent again: a new
primary deployment is the sign that it happened. There is nothing to put back (the tasks are the same, only younger):
not reversible, though routine and not destructive, so that policy never lets it run unasked.
"""

from __future__ import annotations

import json

from tools.actions import ForceNewDeployment
from tools.clients import Writers
from tools.clients.aws import writing
from tools.errors import PermanentError
from tools.reads.aws import services
from tools.reads.aws.views import EcsService
from tools.writes.aws.pins import canonical, digest, moved, writer
from tools.writes.write import Applied, Change, Landing, Observed, Preview, Reentry, Refused, Stale, Write

NO_WAY_BACK = "a deployment cannot be undone: the old tasks are gone, and the new ones are the same"


def observe(action: ForceNewDeployment, writers: Writers) -> Observed | Refused:
    """The service as it is, or why it must not be redeployed now."""
    found = _service(action, writers)
    if found is None:
        return Refused(reason=f"there is no ECS service {action.cluster}/{action.service} in {action.region}")
    reason = _objection(found)
    return Refused(reason=reason) if reason else _pinned(action, found)


def check(action: ForceNewDeployment, approved: Observed, writers: Writers) -> Observed | Stale | Refused:
    """The service again: Stale when it was deployed, scaled or replaced since people saw it."""
    found = _service(action, writers)
    if found is None:
        return Stale(reason=f"{action.cluster}/{action.service} is gone")
    now = _pinned(action, found)
    stale = moved(approved, now, "was deployed")
    if stale is not None:
        return stale
    reason = _objection(found)
    return Refused(reason=reason) if reason else now


def preview(action: ForceNewDeployment, observed: Observed, writers: Writers) -> Preview | Refused:
    """What would change, from reading alone."""
    found = _service(action, writers)
    if found is None or found.primary is None:
        return Refused(reason=f"{action.cluster}/{action.service} is gone")
    same = found.task_definition.rsplit("/", 1)[-1]
    return Preview(
        changes=(Change(path="deployment", before=found.primary.id, after=f"a new one of {same}"),),
        blast_radius=f"all {found.running} tasks are replaced, {_kept(found)}",
        undo=f"None: {NO_WAY_BACK}",
        command=(
            f"aws ecs update-service --region {action.region} --cluster '{action.cluster}' "
            f"--service '{action.service}' --force-new-deployment"
        ),
        dry_run="checked by reading; ECS has no dry run",
        warnings=("The service may have no running task at all for a moment.",) if found.minimum_healthy == 0 else (),
    )


def apply(action: ForceNewDeployment, observed: Observed, key: str, writers: Writers) -> Applied | Stale:
    """Deploy, if the service is still as observed: the observed deployment still is the only and newest one."""
    now = check(action, observed, writers)
    if isinstance(now, Refused):
        return Stale(reason=now.reason)
    if isinstance(now, Stale):
        return now
    with writing("ecs:UpdateService"):
        answer = (
            writer(writers)
            .ecs(action.region)
            .update_service(cluster=action.cluster, service=action.service, forceNewDeployment=True)
        )
    deployments = answer["service"].get("deployments", [])
    new = next((one["id"] for one in deployments if one["status"] == "PRIMARY"), None)
    return Applied(after=canonical({"deployment": new}), request=answer["ResponseMetadata"]["RequestId"])


def landed(action: ForceNewDeployment, observed: Observed, key: str, writers: Writers) -> Landing:
    """Whether a newer deployment of the same task definition took the observed one's place."""
    found = _service(action, writers)
    if found is None or found.primary is None:
        return Landing.UNKNOWN
    before = json.loads(observed.before)
    if found.primary.id == before["deployment"]:
        return Landing.NOT_LANDED
    # Another task definition means that somebody deployed something: whether ours came before is not to be seen.
    same = found.primary.task_definition == before["task_definition"]
    newer = found.primary.created_at.isoformat() > before["created_at"]
    return Landing.LANDED if same and newer else Landing.UNKNOWN


def undo(action: ForceNewDeployment, observed: Observed, key: str, writers: Writers) -> Applied | Stale:
    """Nothing: there is no way back, and saying so is all that can be done."""
    return Stale(reason=NO_WAY_BACK)


def undone(action: ForceNewDeployment, observed: Observed, key: str, writers: Writers) -> Landing:
    """Never."""
    return Landing.NOT_LANDED


def _service(action: ForceNewDeployment, writers: Writers) -> EcsService | None:
    try:
        return services.service(action.region, action.cluster, action.service, writer(writers))
    except PermanentError as error:
        if "ClusterNotFoundException" in str(error):
            return None
        raise


def _objection(found: EcsService) -> str | None:
    """Why this service must not be redeployed, read off the service itself."""
    where = f"{found.cluster}/{found.name}"
    if found.status != "ACTIVE":
        return f"{where} is {found.status}"
    if found.controller != "ECS":
        return f"{where} is deployed by {found.controller}, not by ECS"
    if found.desired == 0:
        return f"{where} wants no tasks, so there is nothing to replace"
    return None if found.settled else f"a deployment of {where} is already running"


def _pinned(action: ForceNewDeployment, found: EcsService) -> Observed:
    primary = found.primary
    return Observed(
        target=action.target,
        uid=found.arn,
        generation=None,
        spec_digest=digest({"desired": found.desired, "task_definition": found.task_definition}),
        before=canonical(
            {
                "deployment": primary.id if primary else None,
                "created_at": primary.created_at.isoformat() if primary else None,
                "task_definition": found.task_definition,
            }
        ),
        replicas_before=found.desired,
        replicas_after=found.desired,
        pods_affected=found.running,
    )


def _kept(found: EcsService) -> str:
    if found.minimum_healthy is None:
        return "as the service's deployment configuration says"
    return f"while at least {found.minimum_healthy} % of {found.desired} keep running"


WRITE: Write[ForceNewDeployment] = Write(
    destructive=False,
    reversible=False,
    routine=True,
    reentry=Reentry.PROBE,
    permissions=("ecs:DescribeServices", "ecs:UpdateService"),
    observe=observe,
    check=check,
    preview=preview,
    apply=apply,
    landed=landed,
    undo=undo,
    undone=undone,
)
