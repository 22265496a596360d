"""`python -m tests.bench [--json] [name ...]`: measures what the README quotes, on loopback only, and prints a table.

One module a measurement. A missed target is reported, not an error: the numbers belong to the machine they come from.
A measurement that breaks is one: exit 1, after the others have run.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.bench.machine import noise
from tests.bench.report import Report, as_json, table
from tests.bench.rows import Row

log = logging.getLogger(__name__)
NAMES = (
    "help_command",
    "policy_speed",
    "rules_mind",
    "model_economy",
    "audit_speed",
    "sandbox_start",
    "idle_bot",
    "alert_to_card",
    "click_to_effect",
    "vote_to_start",
    "plans_per_second",
    "slack_burst",
    "alert_storm",
    "storm_grouping",
    "obedient_model",
    "core_install",
)
"""In this order: what is easily disturbed first."""


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for."""

    names: tuple[str, ...]
    json: bool


def parse(words: Sequence[str]) -> Wanted:
    """The command line as a value; an unknown name ends the program with the known ones."""
    parser = argparse.ArgumentParser("python -m tests.bench", description="Measure what the README quotes.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"only these: {', '.join(NAMES)}")
    parser.add_argument("--json", action="store_true", help="JSON instead of the table")
    given = parser.parse_args(words)
    unknown = [name for name in given.names if name not in NAMES]
    if unknown:
        parser.error(f"unknown measurement {', '.join(unknown)}; there are {', '.join(NAMES)}")
    names = tuple(name for name in NAMES if not given.names or name in given.names)
    return Wanted(names, given.json)


def main(words: Sequence[str]) -> int:
    """Measure, print, and say whether every measurement could be made."""
    wanted = parse(words)
    started, before = time.monotonic(), noise()
    rows, broken = [], []
    for name in wanted.names:
        sys.stderr.write(f"measuring {name} ...\n")
        try:
            rows += list(_measure(name))
        except Exception:  # the run's edge: one measurement that breaks must not cost the others
            log.exception("could not measure %s", name)
            broken.append(name)
    report = Report(before, noise(), tuple(rows), time.monotonic() - started)
    sys.stdout.write((json.dumps(as_json(report), indent=2) if wanted.json else table(report)) + "\n")
    return 1 if broken else 0


def _measure(name: str) -> Iterator[Row]:
    """The rows of one module; imported here, so that none pays for the others."""
    yield from importlib.import_module(f"tests.bench.{name}").measure()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
