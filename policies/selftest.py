"""A policy file's own tests: run at every load, and together they must reach every rule.

A misspelt pattern in a restriction matches nothing and looks fine; only a test that expects it to bite finds it.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import ValidationError

from policies.decisions import Decision
from policies.documents import Problem
from policies.durations import in_words
from policies.engine import decide
from policies.explanation import demand
from policies.facts import Facts
from policies.rules import BuiltInTest, Policy
from tools.values import Value


def problems(policy: Policy) -> list[Problem]:
    """The tests that fail, and the rules that no test reaches."""
    found: list[Problem] = []
    reached: set[str] = set()
    for index, test in enumerate(policy.file.tests):
        try:
            decision = decide(policy, facts_of(policy, test))
        except (ValidationError, ValueError) as error:
            found.append(Problem(("tests", index, "given"), _flat(error)))
            continue
        reached |= {line.rule for line in decision.trace if line.matched}
        found += [Problem(("tests", index, "expect"), failure) for failure in failures(test, decision)]
    for index, rule in enumerate(policy.file.rules):
        if rule.id not in reached:
            found.append(Problem(("rules", index), "no built-in test reaches this rule"))
    return found


class TestResult(Value):
    """One built-in test as it went: what was decided, and what it expected otherwise."""

    __test__ = False  # pytest would take it for a case of its own

    name: str
    decided: str
    failures: tuple[str, ...]


def results(policy: Policy) -> tuple[TestResult, ...]:
    """Every built-in test and how it went, in the order of the file."""
    return tuple(_result(policy, test) for test in policy.file.tests)


def _result(policy: Policy, test: BuiltInTest) -> TestResult:
    try:
        decision = decide(policy, facts_of(policy, test))
    except (ValidationError, ValueError) as error:
        return TestResult(name=test.name, decided="nothing", failures=(_flat(error),))
    return TestResult(name=test.name, decided=demand(decision), failures=tuple(failures(test, decision)))


def facts_of(policy: Policy, test: BuiltInTest) -> Facts:
    """The facts of a test; ValueError for one that is missing, wrong, or contradicts the catalogue.

    Only here may something be left out: traits come from the catalogue, counts under limits are zero, and a time
    without a zone is local time.
    """
    given = {**policy.file.test_defaults, **test.given}
    traits = policy.catalogue.kinds.get(str(given.get("action")))
    if traits is None:
        raise ValueError(f"there is no kind of action {given.get('action')!r}")
    for trait in ("mutating", "destructive", "reversible"):
        stated, known = test.given.get(trait, getattr(traits, trait)), getattr(traits, trait)
        if stated is not known:
            raise ValueError(f"{trait} is {str(known).lower()} for {given['action']} in the catalogue")
        given[trait] = known
    if given.get("env") not in policy.catalogue.environments:
        raise ValueError(f"there is no environment {given.get('env')!r}")
    counted = given.get("recent", {})
    recent = {**dict.fromkeys((limit.id for limit in policy.file.limits), 0), **_counts(counted)}
    return Facts.model_validate({**given, "recent": recent, "at": _local(policy, given.get("at"))})


def failures(test: BuiltInTest, decision: Decision) -> list[str]:
    """What a test expected otherwise."""
    found = {
        "effect": str(decision.effect),
        "approvals": decision.approvals,
        "asks": tuple(sorted(map(str, decision.obligations))),
        "not_requester": decision.not_requester,
        "reason": decision.reason,
        "step_up": decision.step_up,
        "window": decision.window_s,
        "expires": decision.expires_s,
    }
    expected = {key: value for key, value in test.expect if value is not None and key != "because"}
    if test.expect.asks is not None:
        expected["asks"] = tuple(sorted(test.expect.asks))
    failed = [f"{key} is {_shown(key, found[key])}" for key, value in expected.items() if found[key] != value]
    reasons = [reason.rule for reason in decision.because]
    if not set(test.expect.because or ()) <= set(reasons):
        failed.append(f"the reasons are {', '.join(reasons)}")
    return failed


def _counts(counted: object) -> dict[str, int]:
    if not isinstance(counted, dict):
        raise ValueError("`recent` must be counts by limit id")  # noqa: TRY004 - one kind of error for a bad test
    return counted


def _local(policy: Policy, at: object) -> object:
    """A time as Facts wants it; anything else is left for Facts to refuse."""
    if not isinstance(at, str):
        return at
    moment = datetime.fromisoformat(at)
    return moment if moment.tzinfo else moment.replace(tzinfo=policy.zone)


def _shown(key: str, value: object) -> str:
    if key in {"window", "expires"} and isinstance(value, int):
        return in_words(value)
    if isinstance(value, bool):
        return str(value).lower()
    return "; ".join(value) if isinstance(value, tuple) else str(value)


def _flat(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
