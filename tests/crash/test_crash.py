"""Bots killed at random moments: nothing is lost, nothing is done twice, nothing is done that nobody approved."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.database import Database
from tests.crash.reckoning import Reckoning, reckon

ROOT = Path(__file__).parents[2]
BILL = "crash run"
"""Under this name the report's last lines find it (`conftest`)."""

Kills = Callable[[str, int, int, int], Reckoning]


@pytest.fixture
def crash(request: pytest.FixtureRequest, tmp_path: Path, record_property: Callable[[str, object], None]) -> Kills:
    """Runs the killer, and reckons up."""

    def run(kind: str, kills: int, plans: int, seed: int) -> Reckoning:
        url, replicas = str(request.getfixturevalue(f"{kind}_url")), {"sqlite": 1, "postgres": 2}[kind]
        words = [url, str(tmp_path), *map(str, (kills, plans, replicas, seed))]
        driver = subprocess.run(
            [sys.executable, "-m", "tests.crash.driver", *words], cwd=ROOT, capture_output=True, text=True, check=True
        )
        told = json.loads(driver.stdout)
        database = Database(url)
        bill = reckon(database, tmp_path / "journal")
        database.close()
        times = f"{told['killing_s']:.0f} s of killing, {told['draining_s']:.0f} s to come to an end"
        record_property(BILL, f"{kind}, {replicas} process(es), {told['kills']} kills, {times}: {bill}")
        assert told["unexpected"] == [], (tmp_path / "bots.log").read_text()[-5000:]
        return bill

    return run


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_killed_bots_lose_nothing_and_do_nothing_twice(kind: str, crash: Kills) -> None:
    bill = crash(kind, 5, 15, 7)

    assert bill.clean, str(bill)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_two_hundred_killed_bots_lose_nothing_and_do_nothing_twice(kind: str, crash: Kills) -> None:
    bill = crash(kind, 200, 400, 2026)

    assert bill.clean, str(bill)
    assert bill.control[1] > 0, "no unguarded call was doubled: the kills do not land inside steps"
