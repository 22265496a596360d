"""The SSM document's own script, run on a directory: what it deletes, and above all what it does not."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from tools.writes.aws.clean_up_logs import PARAMETERS

DOCUMENT = Path(__file__).parents[3] / "deploy" / "aws" / "ssm" / "clean-up-logs.yaml"
OLD, YOUNG = 30, 1
KEPT = {
    "syslog": OLD,
    "app.log": OLD,
    "young.log.1": YOUNG,
    "young.log.2.gz": YOUNG,
    "journal/system.journal": OLD,
    "release-1.2.3": OLD,
    "trace.20261121": OLD,
}
DELETED = {"syslog.1": OLD, "syslog.2.gz": OLD, "nginx/access.log.14.gz": OLD, "nginx/error.log.3": OLD}


@pytest.fixture(scope="module")
def document() -> dict[str, object]:
    read = yaml.safe_load(DOCUMENT.read_text())
    assert isinstance(read, dict)
    return read


def script(document: dict[str, object], directory: Path, days: int) -> str:
    steps = document["mainSteps"]
    assert isinstance(steps, list)
    lines: str = steps[0]["inputs"]["runCommand"][0]
    return lines.replace("{{ Directory }}", str(directory)).replace("{{ OlderThanDays }}", str(days))


def fill(directory: Path) -> None:
    for name, days in (KEPT | DELETED).items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * 8192)
        at = time.time() - days * 86400
        os.utime(path, (at, at))


def test_only_old_rotated_logs_are_deleted(document: dict[str, object], tmp_path: Path) -> None:
    logs, outside = tmp_path / "log", tmp_path / "outside"
    logs.mkdir()
    outside.mkdir()
    fill(logs)
    fill(outside)
    (logs / "linked").symlink_to(outside)

    done = subprocess.run(["sh", "-c", script(document, logs, 7)], capture_output=True, text=True, check=True)

    left = {str(path.relative_to(logs)) for path in logs.rglob("*") if path.is_file() and "linked" not in path.parts}
    assert left == set(KEPT)
    assert {str(path.relative_to(outside)) for path in outside.rglob("*") if path.is_file()} == set(KEPT | DELETED)
    freed = re.search(r"freed_bytes=(\d+)", done.stdout)
    assert freed is not None
    assert int(freed[1]) >= 8192 * len(DELETED)


def test_nothing_old_means_nothing_freed(document: dict[str, object], tmp_path: Path) -> None:
    fill(tmp_path)

    done = subprocess.run(["sh", "-c", script(document, tmp_path, 365)], capture_output=True, text=True, check=True)

    assert "freed_bytes=0\n" in done.stdout
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == len(KEPT | DELETED)


def test_the_document_takes_exactly_the_parameters_of_the_action(document: dict[str, object]) -> None:
    parameters = document["parameters"]

    assert isinstance(parameters, dict)
    assert set(parameters) == PARAMETERS
    assert parameters["Directory"]["allowedValues"] == ["/var/log"]


@pytest.mark.parametrize(
    ("days", "allowed"),
    [("1", True), ("365", True), ("99", True), ("0", False), ("366", False), ("07", False), ("7; reboot", False)],
)
def test_days_are_a_number_the_action_knows(document: dict[str, object], days: str, allowed: bool) -> None:
    parameters = document["parameters"]
    assert isinstance(parameters, dict)

    assert bool(re.search(parameters["OlderThanDays"]["allowedPattern"], days)) is allowed
