"""How right and how fast the rules are: every case whose answer is known, and a namespace of a thousand pods."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from bot.evaluation.cases import find
from bot.evaluation.running import run_all
from bot.evaluation.tally import tallied
from bot.investigation import rules
from bot.investigation.budget import Budget
from bot.investigation.minds import Minds
from tests.bench.rows import Row, exactly, over, under
from tests.tools.kubernetes.pictures import crowd

CASES = Path(__file__).parents[1] / "cases"
PODS = 1000


def measure() -> Iterator[Row]:
    """Let the rules answer the cases, then judge one large picture."""
    cases = tuple(one for one in find(CASES) if not one.name.startswith("heldout/"))
    (tally,) = tallied(run_all(cases, CASES, [Minds(model=None, budget=Budget())], lambda done, of, case: None))
    how = f"{tally.right[0]} of {tally.right[1]} own cases, by the rules alone"
    yield Row("Right cause named first", 100 * tally.right[0] / tally.right[1], "%", how, over(95))
    how = f"{tally.silent[1]} own cases in which nothing is wrong"
    yield Row("Claims where nothing is wrong", float(tally.claims), "", how, exactly(0))
    how = f"look, judge and propose; {tally.cases} cases read from files"
    yield Row("Rules' answer, median", tally.seconds[0] * 1000, "ms", how, under(1000))
    yield Row("Rules' answer, p95", tally.seconds[1] * 1000, "ms", how, under(1000))
    yield from _heldout()
    yield Row(f"Judging {PODS} pods, processor time", _judging(), "s", "25 of them ill", under(1))


def _heldout() -> Iterator[Row]:
    """The worlds that were written blind. What the first run scored is in their README; since then some were mended."""
    cases = find(CASES / "heldout")
    minds = [Minds(model=None, budget=Budget())]
    (tally,) = tallied(run_all(cases, CASES / "heldout", minds, lambda done, of, case: None))
    how = f"{tally.right[0]} of {tally.right[1]} held-out worlds (84 % at the first, blind run)"
    yield Row("Right cause, held out", 100 * tally.right[0] / tally.right[1], "%", how, over(84))
    how = f"{tally.silent[1]} held-out worlds in which nothing is wrong"
    yield Row("Claims where nothing is wrong, held out", float(tally.claims), "", how, exactly(0))


def _judging() -> float:
    picture = crowd(PODS, ill=25)
    started = time.process_time()
    rules.judge(picture)
    return time.process_time() - started
