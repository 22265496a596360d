"""Rules about Jobs that failed and CronJobs that cannot run. What is suspended, complete or made good is well."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from tools import resources
from tools.diagnosis.confidence import Strength, confidence
from tools.diagnosis.kubernetes import citing, cron
from tools.diagnosis.kubernetes.citing import Found
from tools.diagnosis.kubernetes.reasons import quoted
from tools.diagnosis.kubernetes.suspects import is_settled
from tools.diagnosis.logs import LogFinding, recognise
from tools.evidence import Evidence, Severity
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Condition, CronJob, Event, Job, Log, Pod

KEPT = timedelta(hours=24)
"""How long a failed Job is news; after that it is only one nobody has cleaned up."""
RUNS = 3
"""How many of a CronJob's latest runs must all have failed before it counts as broken."""
SHORTEST_DEADLINE = 10
"""Seconds between two looks of the CronJob controller: below it a run may never be seen in time."""

_MISSED = frozenset({"TooManyMissedTimes", "FailedNeedsStart", "UnparseableSchedule", "UnparsableSchedule"})


def findings(picture: Picture) -> Iterator[Found]:
    """What is wrong with the namespace's Jobs and CronJobs."""
    for job in picture.jobs:
        failed = job_failed(job, picture)
        if failed is not None:
            yield failed
    for cron_job in picture.cron_jobs:
        broken = None if cron_job.suspended else cronjob_broken(cron_job, picture)
        if broken is not None:
            yield broken


def job_failed(job: Job, picture: Picture) -> Found | None:
    """k8s.job_failed: Failed=True (FailureTarget comes first), within a day, and no later run made it good."""
    said = _failure(job)
    if said is None or is_settled(job) or _is_old(said, job, picture) or _made_good(job, picture):
        return None
    pod = last_pod(job, picture)
    log, reason = _last_words(pod, picture)
    ended = _ending(pod)
    return citing.found(
        "k8s.job_failed",
        f"Job {job.name} failed",
        f"Job {job.name} failed ({said.reason or 'no reason given'}) after {max(job.failed, 1)} failed "
        f"{'pods' if job.failed > 1 else 'pod'}{f'; the last {ended[1]}' if ended else ''}"
        f"{f': {reason.statement} ({quoted(reason)})' if reason else ''}.",
        resource=resources.kubernetes(picture.namespace, "Job", job.name),
        severity=Severity.SEV3,
        confidence=confidence(Strength.STATED),
        since=said.since,
        role=reason.role if reason else None,
        evidence=(
            citing.condition(picture, f"jobs/{job.name}", said),
            citing.quote(picture, f"pods/{pod.name}", *ended) if pod and ended else None,
            citing.log(picture, log, reason.line if reason else ""),
        ),
    )


def cronjob_broken(cron_job: CronJob, picture: Picture) -> Found | None:
    """k8s.cronjob_broken: a schedule or deadline it can never meet, or its latest runs have all failed."""
    why = _never_runs(cron_job)
    if why is not None:
        return _broken(cron_job, picture, why[0], why[1], Strength.STATED)
    missed = [event for event in picture.events_of("CronJob", cron_job.name) if event.reason in _MISSED]
    if missed and _is_fresh(missed[-1], picture):
        told = f"the controller says: {missed[-1].message[:200]}"
        return _broken(cron_job, picture, told, None, Strength.TOLD, citing.event(picture, missed[-1]))
    failed = _failed_runs(cron_job, picture)
    if len(failed) < RUNS:
        return None
    names = ", ".join(job.name for job in failed)
    shown = citing.quote(picture, f"cronjobs/{cron_job.name}", "jobs", f"failed: {names}", f"its last {RUNS} runs")
    return _broken(cron_job, picture, f"its last {len(failed)} runs all failed", None, Strength.FITTING, shown)


def last_pod(job: Job, picture: Picture) -> Pod | None:
    """The newest pod a Job made."""
    pods = [pod for pod in picture.pods if (pod.owner_kind, pod.owner_name) == ("Job", job.name)]
    return max(pods, key=lambda pod: pod.created.timestamp() if pod.created else 0.0, default=None)


def _failure(job: Job) -> Condition | None:
    conditions = (job.condition("Failed"), job.condition("FailureTarget"))
    return next((said for said in conditions if said is not None and said.status == "True"), None)


def _is_old(said: Condition, job: Job, picture: Picture) -> bool:
    """Whether it failed so long ago that the alert can hardly be about it, unless the alert names it."""
    named = picture.subject.name or picture.subject.deployment
    since = said.since or job.created
    is_named = named is not None and named in (job.name, job.cron_job)
    return not is_named and since is not None and picture.now - since > KEPT


def _made_good(job: Job, picture: Picture) -> bool:
    """Whether a later run of the same CronJob has succeeded."""
    if not job.cron_job or job.created is None:
        return False
    later = [one for one in picture.jobs if one.cron_job == job.cron_job and one.created and one.created > job.created]
    parent = next((one for one in picture.cron_jobs if one.name == job.cron_job), None)
    succeeded = parent.last_succeeded if parent else None
    return any(one.succeeded for one in later) or (succeeded is not None and succeeded > job.created)


def _last_words(pod: Pod | None, picture: Picture) -> tuple[Log | None, LogFinding | None]:
    """The log of the last pod's failed container, and what it says went wrong."""
    if pod is None:
        return None, None
    logs = [log for state in pod.states for log in picture.logs_of(pod.name, state.name)]
    if not logs:
        return None, None
    told = [(log, next(iter(recognise(log.lines)), None)) for log in logs]
    return next(((log, said) for log, said in told if said is not None), told[0])


def _ending(pod: Pod | None) -> tuple[str, str, str] | None:
    """Path, value and summary of how the last pod's container ended."""
    for state in pod.states if pod else ():
        end = state.terminated or state.last
        if end is not None and end.exit_code:
            path = f"status.containerStatuses[{state.name}].{'state' if state.terminated else 'lastState'}.terminated"
            text = f"ended with exit code {end.exit_code} ({end.reason})"
            return path, text, f"container {state.name} {text}"
    return None


def _never_runs(cron_job: CronJob) -> tuple[str, tuple[str, str]] | None:
    """Why a CronJob can never run as it is written, and the field that says so."""
    fault = cron.fault(cron_job.schedule)
    if fault is not None:
        return f"schedule {cron_job.schedule!r} cannot be read: {fault}", ("spec.schedule", cron_job.schedule)
    deadline = cron_job.starting_deadline
    field = ("spec.startingDeadlineSeconds", str(deadline))
    if deadline is not None and deadline < 0:
        return f"startingDeadlineSeconds is {deadline}: every run is too late before it begins", field
    if deadline is not None and deadline < SHORTEST_DEADLINE and cron_job.last_scheduled is None:
        return f"startingDeadlineSeconds is {deadline}, and the controller only looks every 10 seconds", field
    return None


def _failed_runs(cron_job: CronJob, picture: Picture) -> tuple[Job, ...]:
    """The latest runs that ended, where all of them failed."""
    ended = [job for job in picture.jobs if job.cron_job == cron_job.name and (_failure(job) or is_settled(job))]
    ended.sort(key=lambda job: job.created.timestamp() if job.created else 0.0, reverse=True)
    latest = ended[:RUNS]
    return tuple(latest) if all(_failure(job) for job in latest) else ()


def _is_fresh(event: Event, picture: Picture) -> bool:
    return event.last_seen is None or picture.now - event.last_seen <= timedelta(hours=1)


def _broken(
    cron_job: CronJob,
    picture: Picture,
    why: str,
    field: tuple[str, str] | None,
    strength: Strength,
    more: Evidence | None = None,
) -> Found:
    since: datetime | None = None
    return citing.found(
        "k8s.cronjob_broken",
        f"CronJob {cron_job.name} does not do its work",
        f"CronJob {cron_job.name}: {why}.",
        resource=resources.kubernetes(picture.namespace, "CronJob", cron_job.name),
        severity=Severity.SEV3,
        confidence=confidence(strength),
        since=since,
        evidence=(
            citing.quote(picture, f"cronjobs/{cron_job.name}", field[0], field[1], why[:160]) if field else None,
            more,
        ),
    )
