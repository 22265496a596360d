"""What an approval pins of an AWS resource, and whether it moved. Shared by the three writes; no calls here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from tools.clients import Writers
from tools.clients.aws import AwsWriter
from tools.errors import PermanentError
from tools.writes.write import Observed, Stale


def writer(writers: Writers) -> AwsWriter:
    """The AWS identity that may change things. Raises PermanentError where none is configured."""
    if writers.aws is None:
        raise PermanentError("no AWS identity that may change things is configured")
    return writers.aws


def canonical(fields: Mapping[str, str | int | list[str] | None]) -> str:
    """Canonical JSON, the same for the same fields."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def digest(fields: Mapping[str, str | int | list[str] | None]) -> str:
    """The digest of what a plan depends on."""
    return hashlib.sha256(canonical(fields).encode()).hexdigest()


def moved(approved: Observed, now: Observed, changed: str) -> Stale | None:
    """Why the target is not the one people saw, if it is not; `changed` says what it means that `before` differs."""
    if now.uid != approved.uid:
        return Stale(reason=f"{approved.target.name} was replaced by another of the same name")
    if now.before != approved.before:
        return Stale(reason=f"{approved.target.name} {changed} since people saw it")
    if now.spec_digest != approved.spec_digest:
        return Stale(reason=f"the settings of {approved.target.name} changed since people saw it")
    return None
