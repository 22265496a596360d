"""API server's JSON -> views of admission webhooks: whose they are, and whether a failure refuses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tools.reads.kubernetes.raw import items, text
from tools.reads.kubernetes.views import Webhook
from tools.values import JsonObject

_CALLED = re.compile(r'failed calling webhook "(?P<name>[^"]{1,253})"')


def webhooks(raw: JsonObject, *, mutating: bool) -> Iterator[Webhook]:
    """The webhooks of one configuration. One without a failurePolicy fails closed (the API's default)."""
    for found in items(raw, "webhooks"):
        namespace, service = (text(found, "clientConfig", "service", field) for field in ("namespace", "name"))
        yield Webhook(
            configuration=text(raw, "metadata", "name"),
            name=text(found, "name"),
            mutating=mutating,
            service=f"{namespace}/{service}" if service else "",
            fails_closed=text(found, "failurePolicy") != "Ignore",
        )


def failed_calls(messages: Iterable[str]) -> frozenset[str]:
    """The webhooks that messages say could not be called."""
    return frozenset(found["name"] for message in messages for found in _CALLED.finditer(message))
