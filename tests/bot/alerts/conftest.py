"""The captured and documented payloads: `{"_source", "_headers", "body"}` each, the body as the source sends it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "payloads"
Payload = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="session")
def payload() -> Payload:
    """A payload's body by its file name, a fresh copy each time."""
    read: dict[str, dict[str, Any]] = {
        path.stem: json.loads(path.read_text())["body"] for path in FOLDER.glob("*.json")
    }
    return lambda name: copy.deepcopy(read[name])


@pytest.fixture(scope="session")
def certificate() -> bytes:
    """The certificate of the throw-away key the signed payloads were made with."""
    return (FOLDER / "sns_test_signing_cert.pem").read_bytes()
