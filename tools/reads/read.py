"""One way of looking at the world, as the model and the command line see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from tools.clients import Readers
from tools.evidence import Evidence
from tools.values import Value

Arguments = TypeVar("Arguments", bound=Value)


@dataclass(frozen=True)
class Read(Generic[Arguments]):
    """A read-only tool: `run` answers with evidence, redacted already. It raises TemporaryError or PermanentError."""

    name: str
    description: str
    arguments: type[Arguments]
    run: Callable[[Arguments, datetime, Readers], tuple[Evidence, ...]]
    permissions: tuple[str, ...]
    """RBAC (`get deployments.apps`) or IAM (`ecs:DescribeServices`) permissions the read needs."""
