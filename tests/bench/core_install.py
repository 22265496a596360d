"""How much disk a core install takes: a fresh environment with `requirements/core.txt` and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deploy.sandbox.bot import REPOSITORY
from tests.bench.rows import Row, skipped, under

WHAT = "Core install"
PATIENCE = 60
TARGET = under(350)


def measure() -> Iterator[Row]:
    """Install it with the uv of this environment. Without a package index (or its cache) the number is skipped."""
    uv = Path(sys.executable).with_name("uv")
    with tempfile.TemporaryDirectory(prefix="sayso-core-") as folder:
        try:
            _install(uv, Path(folder))
        except FileNotFoundError:
            yield skipped(WHAT, "MB", "uv is not in this environment (requirements/uv.txt)", TARGET)
            return
        except subprocess.SubprocessError as error:
            yield skipped(WHAT, "MB", f"could not be installed here: {_last_words(error)}", TARGET)
            return
        yield Row(
            WHAT, _megabytes(Path(folder)), "MB", "du of a venv with requirements/core.txt, as uv leaves it", TARGET
        )
        subprocess.run([Path(folder) / "bin" / "python", "-m", "compileall", "-q", folder], capture_output=True)
        how = "the same once every module is compiled, as pip does at once and use does by and by"
        yield Row(f"{WHAT}, compiled", _megabytes(Path(folder)), "MB", how, TARGET)


def _install(uv: Path, folder: Path) -> None:
    _run(uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder))
    # Copied, not linked: a file shared with the cache is on this disk because of this environment all the same.
    pins = str(REPOSITORY / "requirements" / "core.txt")
    _run(uv, "pip", "install", "--quiet", "--link-mode", "copy", "--python", str(folder / "bin" / "python"), "-r", pins)


def _run(uv: Path, *words: str) -> None:
    subprocess.run([uv, *words], check=True, capture_output=True, text=True, timeout=PATIENCE)


def _last_words(error: subprocess.SubprocessError) -> str:
    said = getattr(error, "stderr", None)
    return str(said).strip().splitlines()[-1][:120] if said else f"{type(error).__name__} after {PATIENCE} s"


def _megabytes(folder: Path) -> float:
    """Blocks on disk, as `du` counts them; a file with two names counts once."""
    seen: dict[tuple[int, int], int] = {}
    for path in (folder, *folder.rglob("*")):
        status = os.lstat(path)
        seen[status.st_dev, status.st_ino] = status.st_blocks * 512
    return sum(seen.values()) / 1024**2
