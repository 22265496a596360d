"""How long one policy decision takes: with the rules that ship, and with two hundred."""

from __future__ import annotations

import time
from collections.abc import Iterator

from policies.engine import decide
from policies.rules import Policy
from tests.bench.rows import Row, median, under
from tests.policies.samples import facts, shipped, with_rules

DECISIONS = 300
RULES = 200


def measure() -> Iterator[Row]:
    """Judge a production fix again and again."""
    policy = shipped()
    ours = len(policy.file.rules)
    how = f"median of {DECISIONS}, {ours} rules"
    yield Row("Policy decision, shipped rules", _microseconds(policy), "µs", how, under(1000))
    large = _with_many(policy)
    assert len(large.file.rules) == RULES
    how = f"median of {DECISIONS}"
    yield Row(f"Policy decision, {RULES} rules", _microseconds(large), "µs", how, under(1000))


def _microseconds(policy: Policy) -> float:
    given = facts(policy, action="k8s.set_env")
    times = []
    for _ in range(DECISIONS):
        started = time.perf_counter()
        decide(policy, given)
        times.append((time.perf_counter() - started) * 1e6)
    return median(times)


def _with_many(policy: Policy) -> Policy:
    """The same policy with copies of its last rule, each for a service of its own."""
    last = policy.file.rules[-1]
    extra = range(RULES - len(policy.file.rules))
    when = [last.when.model_copy(update={"service": (f"service-{number}-*",)}) for number in extra]
    copies = [last.model_copy(update={"id": f"copy-{n}", "when": one}) for n, one in zip(extra, when, strict=True)]
    return with_rules(policy, *copies)
