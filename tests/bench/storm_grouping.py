"""Made-up alert storms put together: how many messages people are spared, and how often that is wrong.

The storms are the generator's (`tests.storms`), not the world's: the numbers compare one sayso with another.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.rows import Row, over, under
from tests.storms import measure as measure_storms

SEEDS = range(200)


def measure() -> Iterator[Row]:
    """Group every storm, and hold it against the truth it was made from."""
    found = measure_storms(SEEDS)
    how = f"{found.storms} made-up storms, {found.alerts} alerts, some of other troubles; {found.incidents} incidents"
    yield Row("Storm grouping: alerts per incident", found.alerts_per_incident, "", how)
    wrong = "of the pairs of alerts put together, those that should not be"
    yield Row("Storm grouping: over-merged", found.over_merged * 100, "%", wrong, under(25))
    missed = "of the pairs that belong together, those that are not"
    yield Row("Storm grouping: under-merged", found.under_merged * 100, "%", missed, under(70))
    yield Row(
        "Storm grouping: B-cubed F1", found.b_cubed_f1, "", "purity and wholeness of each alert's incident", over(0.74)
    )
    yield Row(
        "Storm grouping: root first", found.root_first * 100, "%", "the candidate named first is the root", over(88)
    )
    yield Row("Storm grouping: root in three", found.root_in_three * 100, "%", "it is among the first three", over(97))
