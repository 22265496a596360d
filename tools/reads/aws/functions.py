"""Lambda functions and what feeds them, read. Environment variables by name only."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from tools.clients.aws import AwsIdentity, reading
from tools.errors import PermanentError
from tools.reads.aws.views import Alias, EventSource, Function, Version
from tools.redaction import redact

MOST = 50
"""Most aliases or event sources looked at of one function."""
MOST_VERSIONS = 200
"""Versions are listed oldest first, so all of them are paged through, up to this many, and the end kept."""
KEPT_VERSIONS = 5


def function(region: str, name: str, identity: AwsIdentity) -> Function | None:
    """A function's configuration; None when there is none of that name. The rest is read apart."""
    with reading("lambda:GetFunctionConfiguration"):
        client = identity.of("lambda", region)
        try:
            raw = client.get_function_configuration(FunctionName=name)
        except client.exceptions.ResourceNotFoundException:
            return None
    return _view(region, raw)


def reserved(region: str, name: str, identity: AwsIdentity) -> int | None:
    """The reserved concurrency; None where nothing is reserved."""
    with reading("lambda:GetFunctionConcurrency"):
        answer = identity.of("lambda", region).get_function_concurrency(FunctionName=name)
    found: int | None = answer.get("ReservedConcurrentExecutions")
    return found


def sources(region: str, identity: AwsIdentity, **of: str) -> tuple[EventSource, ...]:
    """Event source mappings, by `FunctionName` or by `EventSourceArn`."""
    with reading("lambda:ListEventSourceMappings"):
        pages = identity.of("lambda", region).get_paginator("list_event_source_mappings").paginate(**of)
        found = list(islice((one for page in pages for one in page["EventSourceMappings"]), MOST))
    return tuple(_source(one) for one in found)


def aliases(region: str, name: str, identity: AwsIdentity) -> tuple[Alias, ...]:
    """The function's aliases and where they point."""
    with reading("lambda:ListAliases"):
        pages = identity.of("lambda", region).get_paginator("list_aliases").paginate(FunctionName=name)
        found = list(islice((one for page in pages for one in page["Aliases"]), MOST))
    return tuple(
        Alias(
            name=one["Name"],
            version=one["FunctionVersion"],
            weights=(one.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {},
        )
        for one in found
    )


def versions(region: str, name: str, identity: AwsIdentity) -> tuple[Version, ...]:
    """The newest published versions, newest first."""
    with reading("lambda:ListVersionsByFunction"):
        pages = identity.of("lambda", region).get_paginator("list_versions_by_function").paginate(FunctionName=name)
        found = list(islice((one for page in pages for one in page["Versions"]), MOST_VERSIONS))
    published = [one for one in found if one["Version"] != "$LATEST"]
    return tuple(
        Version(number=one["Version"], published_at=one.get("LastModified"), code=one.get("CodeSha256", ""))
        for one in sorted(published, key=lambda one: int(one["Version"]), reverse=True)[:KEPT_VERSIONS]
    )


def name_of(arn: str) -> str:
    """The function's own name in an ARN, without version or alias."""
    parts = arn.split(":")
    if len(parts) < 7:
        raise PermanentError(f"{arn!r} names no Lambda function")
    return parts[6]


def _view(region: str, raw: Mapping[str, Any]) -> Function:
    name = raw["FunctionName"]
    return Function(
        region=region,
        name=name,
        arn=raw["FunctionArn"],
        runtime=raw.get("Runtime") or raw.get("PackageType") or "",
        memory=raw.get("MemorySize", 128),
        timeout=raw.get("Timeout", 3),
        state=raw.get("State") or "Active",
        state_reason=redact(raw.get("StateReason") or ""),
        update=raw.get("LastUpdateStatus") or "",
        update_reason=redact(raw.get("LastUpdateStatusReason") or ""),
        modified_at=raw.get("LastModified"),
        code=(raw.get("CodeSha256") or "")[:12],
        env=tuple(sorted((raw.get("Environment") or {}).get("Variables") or {})),
        dead_letters=(raw.get("DeadLetterConfig") or {}).get("TargetArn") or None,
        log_group=(raw.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}",
    )


def _source(raw: Mapping[str, Any]) -> EventSource:
    return EventSource(
        id=raw["UUID"],
        source=raw.get("EventSourceArn") or "",
        function=raw.get("FunctionArn") or "",
        state=raw.get("State") or "",
        result=redact(raw.get("LastProcessingResult") or ""),
        changed_at=raw.get("LastModified"),
    )
