"""Lambda functions and what feeds them, as values. Environment variables by name only."""

from __future__ import annotations

from pydantic import Field

from tools import resources
from tools.reads.aws.views.basics import Utc
from tools.resources import Resource
from tools.values import Value


class EventSource(Value):
    """What a function is fed from: a queue or a stream."""

    id: str
    source: str
    """The ARN of the queue or stream."""
    function: str
    state: str
    result: str = ""
    """What Lambda says of its last attempt (`OK`, `PROBLEM: ...`), redacted."""
    changed_at: Utc | None = None


class Alias(Value):
    """A name for a version; `weights` are the versions that get a part of the traffic."""

    name: str
    version: str
    weights: dict[str, float] = Field(default_factory=dict)


class Version(Value):
    """A published version."""

    number: str
    published_at: Utc | None
    code: str
    """The digest of its code."""


class Function(Value):
    """A Lambda function. `reserved` is its reserved concurrency: None is no reservation, 0 is switched off."""

    region: str
    name: str
    arn: str
    runtime: str
    memory: int
    """MB."""
    timeout: int
    """Seconds."""
    state: str
    state_reason: str = ""
    update: str = ""
    """`LastUpdateStatus`: Successful, InProgress, Failed."""
    update_reason: str = ""
    modified_at: Utc | None = None
    code: str = ""
    """The digest of the code that runs."""
    env: tuple[str, ...] = ()
    """Names of the environment variables, never their values."""
    reserved: int | None = None
    dead_letters: str | None = None
    """The ARN failed events are sent to."""
    log_group: str = ""
    sources: tuple[EventSource, ...] = ()
    aliases: tuple[Alias, ...] = ()
    versions: tuple[Version, ...] = ()
    """Newest first."""

    @property
    def resource(self) -> Resource:
        """Its name everywhere."""
        return resources.aws(self.region, "Function", self.name)
