"""Where OpenAI-compatible endpoints differ in what they accept: a refused request is put differently, and sent again.

Each quirk is recognised by the endpoint's own complaint, never by its name or address, and remembered for as long as
the client lives. Requests only; what comes back in other shapes is the client library's to understand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import NamedTuple

from tools.values import JsonValue

REFUSED = frozenset({400, 404, 405, 415, 422, 501})
"""Statuses with which endpoints say that they do not understand a member of a request."""
Body = dict[str, JsonValue]


class Quirk(NamedTuple):
    """A complaint, and how the request is put for an endpoint that makes it."""

    complaint: re.Pattern[str]
    put: Callable[[Body], Body]


def _old_limit(body: Body) -> Body:
    """NIM, older vLLM and others know the answer's limit by its old name."""
    limit = body.pop("max_completion_tokens", None)
    return {**body, "max_tokens": limit} if limit is not None else body


def _free_choice(body: Body) -> Body:
    """Some refuse `required`, some any choice at all; the instructions ask for an answer by tool anyway."""
    return {name: value for name, value in body.items() if name not in ("tool_choice", "parallel_tool_calls")}


def _no_system(body: Body) -> Body:
    """Some models have no system role: the instructions then lead the first question."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return body
    system = [one for one in messages if isinstance(one, dict) and one.get("role") in ("system", "developer")]
    others = [one for one in messages if one not in system]
    if not others or not isinstance(first := others[0], dict):
        return body
    told = "\n\n".join(str(one.get("content")) for one in (*system, first) if isinstance(one, dict))
    return {**body, "messages": [{**first, "content": told}, *others[1:]]}


QUIRKS = (
    Quirk(re.compile(r"max_completion_tokens"), _old_limit),
    Quirk(re.compile(r"tool[_ ]choice|parallel_tool_calls"), _free_choice),
    Quirk(
        re.compile(r"(?i)system\W{0,3} (?:role|message)|role\W{1,4}system|(?:roles?|conversation).{0,40}alternat"),
        _no_system,
    ),
)


class Manners:
    """What one endpoint was found to want."""

    def __init__(self) -> None:
        self._known: list[Quirk] = []

    def learn(self, status: int, answer: str) -> bool:
        """Whether a refusal says how the request should be put, and was not heard before."""
        if status not in REFUSED:
            return False
        new = [quirk for quirk in QUIRKS if quirk not in self._known and quirk.complaint.search(answer)]
        self._known += new[:1]
        return bool(new)

    def put(self, content: bytes) -> bytes:
        """A request body as the endpoint wants it."""
        if not self._known:
            return content
        body = json.loads(content)
        for quirk in self._known:
            body = quirk.put(body)
        return json.dumps(body).encode()
