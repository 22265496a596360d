"""`python -m deploy.sandbox.cluster`: a program of its own, loaded with manifests, living by itself."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.deploy.cluster.manifests import deployment
from tests.deploy.cluster.wire import Wire, path


@pytest.fixture
def program(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The program on a free port, at ten times real speed, with `web` loaded and a kubeconfig written."""
    manifests = tmp_path / "web.yaml"
    manifests.write_text(yaml.safe_dump_all([deployment()]), encoding="utf-8")
    options = ["--port", "0", "--speed", "10", "--load", str(manifests), "--kubeconfig", str(tmp_path / "config")]
    command = [sys.executable, "-u", "-m", "deploy.sandbox.cluster", *options]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    yield running
    running.kill()
    running.communicate(timeout=10)


def test_the_program_says_where_it_is_brings_its_pods_up_and_stops_when_interrupted(
    program: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert program.stdout is not None
    url = program.stdout.readline().split()[2]
    hint = program.stdout.readline().strip()
    wire = Wire(url)
    deadline = time.monotonic() + 20

    available = 0
    while available < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
        try:
            available = wire.get(path("deployments", "web", "default")).get("status", {}).get("availableReplicas", 0)
        except OSError:  # not listening yet
            continue
    wire.close()
    program.send_signal(signal.SIGINT)

    assert available == 2
    assert hint == f"export KUBECONFIG={tmp_path / 'config'}"
    assert yaml.safe_load((tmp_path / "config").read_text(encoding="utf-8"))["clusters"][0]["cluster"]["server"] == url
    assert program.wait(timeout=10) == 0
