"""aws.set_desired_capacity: an Auto Scaling group wants another number of instances.

A wanted state: it can be read back, so it may be sent again. Auto Scaling has no conditional update, so the group is
compared with the approved one right before the call; the limits are checked here because not everything that answers
like AWS refuses a desired capacity outside them.
"""

from __future__ import annotations

import json

from tools.actions import SetDesiredCapacity
from tools.clients import Writers
from tools.clients.aws import writing
from tools.reads.aws import groups
from tools.reads.aws.views import ScalingGroup
from tools.writes.aws.pins import canonical, digest, moved, writer
from tools.writes.write import Applied, Change, Landing, Observed, Preview, Reentry, Refused, Stale, Write

STOPS_SCALING = frozenset({"Launch", "Terminate"})
"""Suspended processes without which a new desired capacity stays a wish."""


def observe(action: SetDesiredCapacity, writers: Writers) -> Observed | Refused:
    """The group as it is, or why its desired capacity must not become the wanted one."""
    found = _group(action, writers)
    if found is None:
        return Refused(reason=f"there is no Auto Scaling group {action.group} in {action.region}")
    reason = _objection(action, found) or _refreshing(action, writers)
    return Refused(reason=reason) if reason else _pinned(action, found)


def check(action: SetDesiredCapacity, approved: Observed, writers: Writers) -> Observed | Stale | Refused:
    """The group again: Stale when it is not as people saw it."""
    found = _group(action, writers)
    if found is None:
        return Stale(reason=f"{action.group} is gone")
    now = _pinned(action, found)
    stale = moved(approved, now, f"wants {found.desired} instances, not {_old(approved)},")
    if stale is not None:
        return stale
    reason = _objection(action, found) or _refreshing(action, writers)
    return Refused(reason=reason) if reason else now


def preview(action: SetDesiredCapacity, observed: Observed, writers: Writers) -> Preview | Refused:
    """What would change, from reading alone."""
    found = _group(action, writers)
    if found is None:
        return Refused(reason=f"{action.group} is gone")
    more = action.desired - found.desired
    fewer = f"{-more} of {found.in_service} instances are terminated; the group chooses which"
    return Preview(
        changes=(Change(path="DesiredCapacity", before=str(found.desired), after=str(action.desired)),),
        blast_radius=f"{more} instances are started; the running ones are not touched" if more > 0 else fewer,
        undo=f"Set the desired capacity back to {found.desired}",
        command=(
            f"aws autoscaling set-desired-capacity --region {action.region} "
            f"--auto-scaling-group-name '{action.group}' --desired-capacity {action.desired} --no-honor-cooldown"
        ),
        dry_run="checked by reading; Auto Scaling has no dry run",
        warnings=(
            f"The group may have {found.minimum} to {found.maximum} instances.",
            *(("Terminated instances lose what is only on their own disks.",) if more < 0 else ()),
            *((f"Suspended: {', '.join(found.suspended)}.",) if found.suspended else ()),
        ),
    )


def apply(action: SetDesiredCapacity, observed: Observed, key: str, writers: Writers) -> Applied | Stale:
    """Set it, if the group is still as observed. The API takes no client token, and needs none: it names the end."""
    now = check(action, observed, writers)
    if isinstance(now, Refused):
        return Stale(reason=now.reason)
    return now if isinstance(now, Stale) else _set(action, action.desired, writers)


def landed(action: SetDesiredCapacity, observed: Observed, key: str, writers: Writers) -> Landing:
    """Whether the group wants what it was asked to want."""
    return _wants(action, action.desired, writers)


def undo(action: SetDesiredCapacity, observed: Observed, key: str, writers: Writers) -> Applied | Stale:
    """Want the old number again, if the group still wants the one this action set and still may have the old one."""
    old, found = _old(observed), _group(action, writers)
    if found is None:
        return Stale(reason=f"{action.group} is gone")
    if found.desired == old:
        return Applied(after=canonical({"desired": old}))
    reason = _objection_to_undo(action, old, found)
    return Stale(reason=reason) if reason else _set(action, old, writers)


def preview_undo(action: SetDesiredCapacity, observed: Observed, writers: Writers) -> Preview | Refused:
    """What would change, from reading alone."""
    old, found = _old(observed), _group(action, writers)
    if found is None:
        return Refused(reason=f"{action.group} is gone")
    if found.desired == old:
        return Refused(reason=f"{action.group} already wants {old} instances again")
    reason = _objection_to_undo(action, old, found)
    if reason is not None:
        return Refused(reason=reason)
    return preview(action.model_copy(update={"desired": old}), observed, writers)


def undone(action: SetDesiredCapacity, observed: Observed, key: str, writers: Writers) -> Landing:
    """Whether the group wants the old number again."""
    return _wants(action, _old(observed), writers)


def _group(action: SetDesiredCapacity, writers: Writers) -> ScalingGroup | None:
    return groups.group(action.region, action.group, writer(writers))


def _objection(action: SetDesiredCapacity, found: ScalingGroup) -> str | None:
    """Why this group must not be set to that number, read off the group itself."""
    if not found.minimum <= action.desired <= found.maximum:
        return f"{action.group} may have {found.minimum} to {found.maximum} instances, not {action.desired}"
    if action.desired == found.desired:
        return f"{action.group} already wants {action.desired} instances"
    if found.status:
        return f"{action.group} is being deleted"
    stopped = STOPS_SCALING & set(found.suspended)
    return f"{', '.join(sorted(stopped))} is suspended on {action.group}" if stopped else None


def _objection_to_undo(action: SetDesiredCapacity, old: int, found: ScalingGroup) -> str | None:
    """Why the old number must not be put back, read off the group itself."""
    if found.desired != action.desired:
        return f"{action.group} wants {found.desired}, which somebody else decided"
    if not found.minimum <= old <= found.maximum:
        return f"{action.group} may no longer have {old} instances ({found.minimum} to {found.maximum})"
    return None


def _refreshing(action: SetDesiredCapacity, writers: Writers) -> str | None:
    busy = groups.refreshing(action.region, action.group, writer(writers))
    return f"an instance refresh of {action.group} is running" if busy else None


def _pinned(action: SetDesiredCapacity, found: ScalingGroup) -> Observed:
    return Observed(
        target=action.target,
        uid=found.arn,
        generation=None,
        spec_digest=digest({"minimum": found.minimum, "maximum": found.maximum, "suspended": list(found.suspended)}),
        before=canonical({"desired": found.desired}),
        replicas_before=found.desired,
        replicas_after=action.desired,
        pods_affected=max(0, found.desired - action.desired),
    )


def _old(observed: Observed) -> int:
    return int(json.loads(observed.before)["desired"])


def _set(action: SetDesiredCapacity, desired: int, writers: Writers) -> Applied:
    with writing("autoscaling:SetDesiredCapacity"):
        answer = (
            writer(writers)
            .autoscaling(action.region)
            .set_desired_capacity(AutoScalingGroupName=action.group, DesiredCapacity=desired, HonorCooldown=False)
        )
    return Applied(after=canonical({"desired": desired}), request=answer["ResponseMetadata"]["RequestId"])


def _wants(action: SetDesiredCapacity, desired: int, writers: Writers) -> Landing:
    found = _group(action, writers)
    if found is None:
        return Landing.UNKNOWN
    return Landing.LANDED if found.desired == desired else Landing.NOT_LANDED


WRITE: Write[SetDesiredCapacity] = Write(
    destructive=False,
    reversible=True,
    routine=True,
    reentry=Reentry.WANTED_STATE,
    permissions=(
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeScalingActivities",
        "autoscaling:DescribeInstanceRefreshes",
        "autoscaling:SetDesiredCapacity",
    ),
    observe=observe,
    check=check,
    preview=preview,
    apply=apply,
    landed=landed,
    undo=undo,
    undone=undone,
    preview_undo=preview_undo,
)
