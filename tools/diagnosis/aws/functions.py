"""Lambda functions: health from errors, throttles and durations, and findings from what stands behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from tools.diagnosis.aws.checks import Checks, found, severity
from tools.diagnosis.aws.health import Health, Reason, Verdict, growing, last_hour, state, surge, verdict
from tools.diagnosis.confidence import Strength
from tools.evidence import EvidenceId, Finding, Severity
from tools.reads.aws import evidence, watch
from tools.reads.aws.views import EventSource, Function, LogLine, Picture

AFTER_CHANGE = timedelta(hours=2)
"""Errors that begin so soon after a change are put down to it."""
SLACK = timedelta(minutes=5)
"""How much earlier than the change an error may seem to begin: a datapoint is at the beginning of its minute."""
TIMED_OUT = re.compile(r"Task timed out after [\d.]+ seconds|Status: timeout", re.IGNORECASE)
NO_MEMORY = re.compile(r"signal: killed|Runtime\.OutOfMemory|OutOfMemoryError|heap out of memory|MemoryError")
FEWEST_LINES = 2


def health(function: Function, picture: Picture) -> Verdict:
    """State, error ratio, throttles, how close to the timeout, how old a stream's records are."""
    checks = Checks(picture, "AWS/Lambda", watch.function(function))
    reasons = [
        _state(function),
        checks.ratio("lambda.errors", "Errors", "Invocations", "the error ratio"),
        checks.counter("lambda.throttles", "Throttles", "Invocations", "throttled calls a minute"),
        checks.metric("lambda.timeouts", "Duration", "Maximum", "the longest run", _of_timeout(function)),
        checks.metric("lambda.duration", "Duration", "Maximum", "the longest run", _of_timeout(function)),
        checks.counter("lambda.dead_letter_errors", "DeadLetterErrors", "Invocations", "lost dead letters"),
    ]
    if function.reserved:
        used = 100 / function.reserved
        reasons.append(
            checks.metric("lambda.concurrency", "ConcurrentExecutions", "Maximum", "concurrency in use", used)
        )
    if any(":sqs:" not in one.source for one in function.sources):
        reasons.append(checks.metric("lambda.iterator_age", "IteratorAge", "Maximum", "the age of records"))
    return verdict(function.resource, reasons)


def findings(picture: Picture) -> Iterator[Finding]:
    """What ails the functions of a picture."""
    for function in picture.functions:
        judged = health(function, picture)
        for rule in (_not_active, _throttled, _out_of_memory, _timeouts, _errors, _old_records, _lost):
            yield from rule(function, judged, picture)
    for source in picture.sources:
        yield from _source(source, picture)


def _not_active(function: Function, judged: Verdict, picture: Picture) -> Iterator[Finding]:
    reason = judged.bad("state")
    if reason is not None:
        yield found(
            "aws.lambda_not_active",
            f"{function.name} cannot run",
            f"{function.name} {reason.said}.",
            function.resource,
            _ids(function, picture),
            Strength.STATED,
            Severity.SEV1 if function.state == "Failed" else Severity.SEV2,
            since=function.modified_at,
        )


def _throttled(function: Function, judged: Verdict, picture: Picture) -> Iterator[Finding]:
    """Calls are refused because no more may run at the same time."""
    throttled, used = judged.bad("lambda.throttles"), judged.bad("lambda.concurrency")
    if throttled is None:
        return
    limited = function.reserved is not None
    traffic = Checks(picture, "AWS/Lambda", watch.function(function)).series("Invocations", "Sum")
    baseline = picture.baseline("AWS/Lambda", "Invocations", watch.function(function))
    more = surge(last_hour(traffic, picture.at), baseline, picture.at)
    why = "no concurrency is reserved for it, so the account's limit is reached"
    if function.reserved == 0:
        why = "its reserved concurrency is 0, which switches it off"
    elif limited:
        why = f"its reserved concurrency is {function.reserved}" + (f" and {used.said}" if used else "")
    yield found(
        "aws.lambda_throttled",
        f"{function.name} is throttled",
        f"Calls of {function.name} are refused: {why}." + (f" It is called unusually often: {more}." if more else ""),
        function.resource,
        (*throttled.evidence_ids, *(used.evidence_ids if used else ()), *_ids(function, picture)),
        Strength.STATED if function.reserved == 0 or used else Strength.FITTING,
        since=throttled.since,
    )


def _out_of_memory(function: Function, judged: Verdict, picture: Picture) -> Iterator[Finding]:
    lines = _lines(function, picture, NO_MEMORY)
    if lines and _errs(judged):
        yield found(
            "aws.lambda_out_of_memory",
            f"{function.name} runs out of memory",
            f"The log of {function.name} says {len(lines)} times that its {function.memory} MB did not suffice.",
            function.resource,
            (_log(function, picture), *_ids(function, picture)),
            Strength.MATCHED,
            since=lines[0].at,
        )


def _timeouts(function: Function, judged: Verdict, picture: Picture) -> Iterator[Finding]:
    lines, longest = _lines(function, picture, TIMED_OUT), judged.bad("lambda.timeouts")
    if not _errs(judged) or (not lines and longest is None):
        return
    said = f", the log says so {len(lines)} times" if lines else ""
    ids = (*(longest.evidence_ids if longest else ()), *((_log(function, picture),) if lines else ()))
    yield found(
        "aws.lambda_timeouts",
        f"{function.name} runs into its timeout",
        f"Runs of {function.name} last as long as its timeout of {function.timeout} s and are ended{said}. "
        f"What it waits for is slow, or the timeout is too short.",
        function.resource,
        (*ids, *_ids(function, picture)),
        Strength.MATCHED if lines and longest else Strength.FITTING,
        since=longest.since if longest else lines[0].at,
    )


def _errors(function: Function, judged: Verdict, picture: Picture) -> Iterator[Finding]:
    """Errors, and the change just before them where there was one."""
    reason = judged.bad("lambda.errors")
    if reason is None:
        return
    ids = (*reason.evidence_ids, *_ids(function, picture))
    change = _change_before(function, reason.since)
    if change is not None:
        when, what = change
        yield found(
            "aws.lambda_errors_after_deploy",
            f"{function.name} fails since it was changed",
            f"{what} at {when:%H:%M} UTC, and since {reason.since:%H:%M} UTC {reason.said}.",
            function.resource,
            ids,
            Strength.MATCHED,
            severity(reason),
            since=when,
        )
    yield found(
        "aws.lambda_errors",
        f"{function.name} fails",
        f"Runs of {function.name} end in errors: {reason.said}.",
        function.resource,
        ids,
        Strength.FITTING,
        severity(reason),
        since=reason.since,
    )


def _change_before(function: Function, since: datetime | None) -> tuple[datetime, str] | None:
    """The newest change of the function shortly before the errors began."""
    if since is None:
        return None
    changes = [(function.modified_at, f"The code or configuration of {function.name} was changed")]
    changes += [
        (one.published_at, f"Version {one.number} of {function.name} was published") for one in function.versions
    ]
    near = [(at, what) for at, what in changes if at and since - AFTER_CHANGE <= at <= since + SLACK]
    return max(near, default=None)


def _old_records(function: Function, judged: Verdict, picture: Picture) -> Iterator[Finding]:
    reason = judged.bad("lambda.iterator_age")
    series = Checks(picture, "AWS/Lambda", watch.function(function)).series("IteratorAge", "Maximum")
    if reason is not None and growing(series, picture.at):
        yield found(
            "aws.lambda_iterator_age",
            f"{function.name} falls behind its stream",
            f"{function.name} falls behind: {reason.said}, and it grows.",
            function.resource,
            (*reason.evidence_ids, *_ids(function, picture)),
            Strength.FITTING,
            since=reason.since,
        )


def _lost(function: Function, judged: Verdict, picture: Picture) -> Iterator[Finding]:
    reason = judged.bad("lambda.dead_letter_errors")
    if reason is not None:
        where = (function.dead_letters or "its dead-letter target").rsplit(":", 1)[-1]
        yield found(
            "aws.lambda_dead_letters_lost",
            f"{function.name} loses events",
            f"Failed events of {function.name} are lost: they cannot be sent to {where}.",
            function.resource,
            (*reason.evidence_ids, *_ids(function, picture)),
            Strength.FITTING,
            since=reason.since,
        )


def _source(source: EventSource, picture: Picture) -> Iterator[Finding]:
    """A queue or stream that nobody empties because its mapping is off or broken."""
    # That a call failed is the function's own error, which other rules tell; the rest keeps it from being called.
    broken = source.result.startswith("PROBLEM") and "Function call failed" not in source.result
    if source.state not in ("Disabled", "Disabling") and not broken:
        return
    function = source.function.split(":")[6] if source.function.count(":") >= 6 else source.function
    own = next((one for one in picture.functions if one.name == function), None)
    name = source.source.rsplit(":", 1)[-1]
    why = f"Lambda says: {source.result}" if broken else "its event source mapping is disabled"
    if own is not None:
        yield found(
            "aws.lambda_source_broken" if broken else "aws.lambda_source_disabled",
            f"{function} does not read {name}",
            f"{function} takes nothing from {name}: {why}.",
            own.resource,
            (evidence.of_source(picture.subject.region, source, picture.at).id, *_ids(own, picture)),
            Strength.STATED,
            since=source.changed_at if not broken else None,
        )


def _state(function: Function) -> Reason:
    if function.state == "Failed":
        return state("state", f"is in state Failed: {function.state_reason or 'no reason given'}", Health.UNHEALTHY)
    if function.update == "Failed":
        said = f"kept its old version, its last update failed: {function.update_reason or 'no reason given'}"
        return state("state", said, Health.UNHEALTHY)
    return state("state", f"is {function.state}", Health.HEALTHY)


def _errs(judged: Verdict) -> bool:
    """Whether it fails, or too little is known to say that it does not."""
    reason = judged.reason("lambda.errors")
    return reason is None or reason.health is not Health.HEALTHY


def _lines(function: Function, picture: Picture, pattern: re.Pattern[str]) -> tuple[LogLine, ...]:
    own = [one for one in picture.log_lines if one.group == function.log_group and pattern.search(one.text)]
    return tuple(own) if len(own) >= FEWEST_LINES else ()


def _of_timeout(function: Function) -> float:
    """From milliseconds to percent of the timeout."""
    return 100 / (1000 * max(1, function.timeout))


def _ids(function: Function, picture: Picture) -> tuple[EvidenceId, ...]:
    return (evidence.of_function(function, picture.at).id,)


def _log(function: Function, picture: Picture) -> EvidenceId:
    return evidence.of_lines(function.region, function.log_group, picture.log_lines, picture.at).id
