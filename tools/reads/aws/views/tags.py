"""The three tags worth knowing at night, as values. Whoever may tag may write them: they are told, never followed."""

from __future__ import annotations

from tools.resources import Resource
from tools.values import Value


class Tags(Value):
    """What a resource's tags say it is; empty where they say nothing. Redacted."""

    service: str = ""
    owner: str = ""
    environment: str = ""

    def __bool__(self) -> bool:
        return bool(self.service or self.owner or self.environment)

    def __str__(self) -> str:
        named = {"service": self.service, "owner": self.owner, "environment": self.environment}
        return ", ".join(f"{name} {value}" for name, value in named.items() if value) or "no tags that say whose it is"


class Tagged(Value):
    """A resource and its tags. None of them is no proof that nobody owns it."""

    resource: Resource
    tags: Tags
