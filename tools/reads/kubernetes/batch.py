"""API server's JSON -> views of Jobs and CronJobs. Parsing only."""

from __future__ import annotations

from tools.reads.kubernetes.pods import conditions
from tools.reads.kubernetes.raw import flag, items, member, moment, number, text
from tools.reads.kubernetes.views import CronJob, Job
from tools.values import JsonObject


def job(raw: JsonObject) -> Job:
    """A Job. Without `completions` it wants as many successes as it runs in parallel, one at least."""
    owners = items(raw, "metadata", "ownerReferences")
    parallel = number(raw, "spec", "parallelism", default=1)
    return Job(
        name=text(raw, "metadata", "name"),
        uid=text(raw, "metadata", "uid"),
        cron_job=next((text(owner, "name") for owner in owners if text(owner, "kind") == "CronJob"), ""),
        suspended=flag(raw, "spec", "suspend"),
        wanted=number(raw, "spec", "completions", default=max(1, parallel)),
        active=number(raw, "status", "active"),
        succeeded=number(raw, "status", "succeeded"),
        failed=number(raw, "status", "failed"),
        backoff_limit=number(raw, "spec", "backoffLimit", default=6),
        created=moment(raw, "metadata", "creationTimestamp"),
        completed=moment(raw, "status", "completionTime"),
        conditions=conditions(raw),
    )


def cron_job(raw: JsonObject) -> CronJob:
    """A CronJob."""
    deadline = member(raw, "spec", "startingDeadlineSeconds")
    return CronJob(
        name=text(raw, "metadata", "name"),
        schedule=text(raw, "spec", "schedule"),
        time_zone=text(raw, "spec", "timeZone"),
        suspended=flag(raw, "spec", "suspend"),
        starting_deadline=deadline if isinstance(deadline, int) and not isinstance(deadline, bool) else None,
        last_scheduled=moment(raw, "status", "lastScheduleTime"),
        last_succeeded=moment(raw, "status", "lastSuccessfulTime"),
        created=moment(raw, "metadata", "creationTimestamp"),
    )
