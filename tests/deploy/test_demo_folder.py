"""Where the demo keeps its record: empty at every start, and nobody else's meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.sandbox.__main__ import alone

LEFT_BEHIND = (
    "sayso.sqlite",
    "sayso.sqlite-wal",
    "sayso.dbos.sqlite",
    "sayso.audit.seen",
    "sayso.audit.pem",
    "bot.log",
)


def test_nothing_of_the_demo_before_is_left_nor_what_was_signed_of_it(tmp_path: Path) -> None:
    for name in LEFT_BEHIND:
        (tmp_path / name).write_text("old")

    with alone(tmp_path):
        left = sorted(path.name for path in tmp_path.iterdir())

    assert left == ["demo.lock"]


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(RuntimeError, match="another one is running"), alone(tmp_path):
        pytest.fail("both are in it")
