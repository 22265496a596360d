"""The fences of the house hold, and would notice a hole: the import contracts, and what the command line may load."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("bot", "tools", "policies", "storage", "deploy")
HEAVY = ("langchain", "kubernetes", "boto3", "dbos", "sqlmodel", "slack_bolt", "apscheduler", "flask")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the contracts of a copy of the project."""
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program, "--no-cache", "--no-logo"], cwd=folder, capture_output=True, text=True)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project's packages and contracts, to be spoiled."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "page", "scenarios"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("bot/investigation/agent.py", "from tools.writes import WRITES", "nothing the model touches"),
        ("bot/investigation/quotes.py", "from bot.remediation import remediate", "nothing the model touches"),
        ("bot/listeners/buttons.py", "from tools.writes import WRITES", "only rehearsal and remediation"),
        ("policies/engine.py", "import sqlalchemy", "are pure"),
        ("bot/views/plan.py", "from storage.tables import Plan", "are pure"),
        ("tools/errors.py", "from storage import audit", "one direction"),
        ("bot/remediation/calling.py", "import openai", "knows no model"),
    ],
)
def test_a_hole_in_a_fence_is_noticed(copy: Path, module: str, line: str, contract: str) -> None:
    spoiled = copy / module
    spoiled.write_text(spoiled.read_text() + f"\n\ndef _hole() -> None:\n    {line}  # noqa\n")

    answer = lint_imports(copy)

    assert answer.returncode != 0
    assert any(contract in told and "BROKEN" in told for told in answer.stdout.splitlines()), answer.stdout[-2000:]


def test_help_loads_nothing_heavy() -> None:
    program = f"import sys, bot.cli; print([name for name in {HEAVY!r} if name in sys.modules])"

    answer = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "[]"
