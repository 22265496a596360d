"""A flood of lines as what it says: nothing wrong is lost, time and memory stay small."""

from __future__ import annotations

import random
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from tools.detection import templates
from tools.detection.reducing import reduce, tokens
from tools.detection.templates import compare, mine

STAMP = "2026-11-21T09:14:05.331Z"


def chatter(count: int, seed: int = 7) -> list[str]:
    dice = random.Random(seed)
    return [
        f"{STAMP} INFO GET /api/orders/{dice.randrange(10**6)} 200 in {dice.randrange(900)} ms" for _ in range(count)
    ]


def test_lines_that_differ_in_numbers_and_ids_are_one_template() -> None:
    found = mine([f"INFO order {n} of 10.0.{n}.7 took {n * 3} ms" for n in range(200)])

    assert [(one.text, one.count, one.first, one.last) for one in found] == [
        ("order <num> of <ip> took <num> ms", 200, 0, 199)
    ]
    assert found[0].example == "INFO order 199 of 10.0.199.7 took 597 ms"


def test_errors_that_differ_in_a_word_or_a_code_stay_apart() -> None:
    lines = [
        "ERROR dial tcp postgres:5432: connect: connection refused",
        "ERROR dial tcp redis:6379: connect: connection refused",
        "ERROR query 17 failed: ORA-00942",
        "ERROR query 18 failed: ORA-01017",
        "ERROR upstream said status 503",
        "ERROR upstream said status 404",
    ]

    assert [one.count for one in mine(lines * 3)] == [3] * 6


def test_chatter_that_differs_in_a_word_is_one_template() -> None:
    found = mine([f"INFO session of {name} began" for name in ("al", "bo", "cy")])

    assert [(one.text, one.count) for one in found] == [("session of <*> began", 3)]


def test_what_is_new_and_what_surges_is_told_from_what_was_always_there() -> None:
    before = ["WARN slow query"] * 4 + ["INFO tick"] * 60
    during = ["WARN slow query"] * 12 + ["INFO tick"] * 15 + ["ERROR no such host"]

    found = compare(before, during, longer=4.0)

    assert [one.text for one in found.new] == ["no such host"]
    assert [(one.template.text, one.before, one.during) for one in found.surging] == [("slow query", 4, 12)]


def test_memory_does_not_follow_the_input() -> None:
    names = [
        f"{first}{second}{third}" for first in "abcdefghijkl" for second in "abcdefghijkl" for third in "abcdefghijkl"
    ]

    found = mine([f"ERROR {name} {' '.join(reversed(name))} broke down" for name in names])

    assert len(found) <= templates.MOST + 1
    assert sum(one.count for one in found) == len(names)


def test_150_kb_become_2000_tokens_with_every_distinct_error() -> None:
    lines = chatter(1_900)
    errors = [
        f"{STAMP} ERROR step {word} gave up: {word} is gone" for word in ("ant", "bee", "cat", "dog", "elk", "fox")
    ]
    for place, error in enumerate(errors):
        lines.insert(place * 300, error)
    assert sum(map(len, lines)) > 110_000

    told = reduce(lines, 2_000)

    assert tokens(told) <= 2_000
    assert all(error in told for error in errors)
    assert "x1900" in told


def test_a_trace_is_shortened_to_what_it_says() -> None:
    trace = ["ERROR startup failed", "java.lang.IllegalStateException: boo"]
    trace += [f"\tat com.acme.X.y(X.java:{n})" for n in range(80)]
    trace += ["Caused by: java.net.UnknownHostException: payments"]

    told = reduce(trace, 120)

    assert "startup failed | java.lang.IllegalStateException: boo | Caused by: java.net.UnknownHostException" in told


def test_errors_alone_beyond_the_budget_are_shortened_and_all_named() -> None:
    names = [first + second for first in "abcdefghij" for second in "klmnopqrst"]
    errors = [f"ERROR {name} failed because {'of this and that ' * 30}" for name in names]

    told = reduce(errors + chatter(500), 500)

    assert all(f"ERROR {name} failed" in told for name in names)
    assert tokens(told) < len(names) * 60


def test_what_is_new_says_so() -> None:
    told = reduce(["INFO tick", "ERROR boom"], 500, before=["INFO tick"] * 3)

    assert "x1 (line 2, new): ERROR boom" in told
    assert "x1 (line 1, 3 before): INFO tick" in told


WORD = st.text("abcdefghijklmnop", min_size=2, max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.lists(WORD, min_size=1, max_size=30, unique=True), st.integers(200, 2_000), st.randoms(use_true_random=False))
def test_no_distinct_error_is_ever_lost(words: list[str], budget: int, dice: random.Random) -> None:
    lines = chatter(60) + [f"ERROR {word} failed at {dice.randrange(1000)}" for word in words for _ in range(2)]
    dice.shuffle(lines)

    told = reduce(lines, budget)

    assert all(f"ERROR {word} failed at" in told for word in words)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=120), max_size=40))
def test_every_line_is_counted_once_whatever_it_holds(lines: list[str]) -> None:
    found = mine(lines)

    assert sum(one.count for one in found) <= sum(1 for line in lines if line.strip())
    assert bool(found) == any(line.strip() for line in lines)


def test_twice_the_lines_take_about_twice_the_time() -> None:
    def seconds(lines: list[str]) -> float:
        started = time.process_time()
        reduce(lines, 2_000)
        return time.process_time() - started

    lines = [f"INFO {' '.join(random.Random(n).choices(['a', 'b', 'c', 'd', 'e'], k=9))}" for n in range(1_500)]
    seconds(lines)

    assert seconds(lines * 4) < 12 * max(seconds(lines), 0.02)
