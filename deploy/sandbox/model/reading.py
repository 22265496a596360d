"""What a model can make of the conversation so far: the evidence it was shown, the names in it, the reads it may call.

Everything here comes from the request alone. Nothing knows the story, the cluster or the account behind it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from deploy.sandbox.model.wire import Call, ChatRequest, Json, Tool

_ELEMENT = re.compile(r"<([a-z]+)-([0-9a-f]{8,})((?: [a-z]+=\"[^\n]*?\")*)>\n(.*?)\n</\1-\2>", re.DOTALL)
_ATTRIBUTE = re.compile(r' ([a-z]+)=("(?:[^"\\]|\\.)*")')
_IN_WORDS = re.compile(
    r"\b(namespace|deployment|service|pod|container|region|alarm|cluster)[\"']?\s*[:=]\s*[\"']?([\w.-]+)"
)
_DIMENSIONS = {
    "AutoScalingGroupName": "group",
    "ClusterName": "cluster",
    "ServiceName": "service",
    "InstanceId": "instance_id",
}
NARROWING = ("dimensions", "deployment")
"""Arguments worth giving though a read can do without."""
_TROUBLED = re.compile(r"(?i)restart|crashloop|oomkilled|ended ")


@dataclass(frozen=True)
class Block:
    """One delimited piece of text: evidence (with the id to cite), the alert, the rules' findings."""

    kind: str
    id: str
    read: str
    query: str
    trust: str
    body: str

    @property
    def excerpt(self) -> str:
        """The part of evidence that may be quoted."""
        return self.body.partition("\n---\n")[2] if self.kind == "evidence" else self.body


class Reading:
    """One request, read."""

    def __init__(self, request: ChatRequest) -> None:
        self._request = request
        self.made = tuple(call for message in request.messages for call in message.calls)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Every delimited piece the user or a tool showed, in order."""
        texts = (message.text for message in self._request.messages if message.role in {"user", "tool"})
        return tuple(_block(match) for text in texts for match in _ELEMENT.finditer(text))

    @cached_property
    def evidence(self) -> tuple[Block, ...]:
        """The pieces that can be cited."""
        return tuple(block for block in self.blocks if block.kind == "evidence")

    @cached_property
    def text(self) -> str:
        """All evidence, as one text to look for symptoms in."""
        return "\n".join(block.body for block in self.evidence)

    @property
    def answer_tool(self) -> str | None:
        """The tool that takes the conclusion, known by its wanting a hypothesis."""
        return next((tool.name for tool in self._request.tools if _concludes(tool.parameters)), None)

    @property
    def wants_json(self) -> bool:
        """Whether the conclusion is wanted as JSON text."""
        return self._request.schema is not None and _concludes(self._request.schema)

    @cached_property
    def findings(self) -> tuple[Json, ...]:
        """What the built-in rules found, as they were shown."""
        lines = [line for block in self.blocks if block.kind == "findings" for line in block.body.splitlines()]
        return tuple(found for line in lines if isinstance(found := _json(line), dict))

    @cached_property
    def known(self) -> dict[str, Any]:
        """Names to call reads with: those the alert points at first, then those met on the way."""
        known: dict[str, Any] = {}
        for name, value in (*self._pointed_at(), *self._met()):
            known.setdefault(name, value)
        if "deployment" not in known and "service" in known:
            near = get_close_matches(known["service"], self.deployments, n=1, cutoff=0.5)
            known.update(zip(("deployment",), near, strict=False))
        return known

    @property
    def deployments(self) -> list[str]:
        """Every Deployment met so far."""
        return re.findall(r"^Deployment (\S+):", self.text, re.MULTILINE)

    def possible_calls(self, *, again: bool = False) -> tuple[Call, ...]:
        """The reads whose arguments are all known, in the order offered; those made already only if `again`."""
        calls = (self._call(tool) for tool in self._request.tools if not _concludes(tool.parameters))
        return tuple(call for call in calls if call is not None and (again or call not in self.made))

    def _call(self, tool: Tool) -> Call | None:
        properties, required = tool.parameters.get("properties", {}), tool.parameters.get("required", [])
        known = {**self.known, **self._log_group(tool)}
        wanted = [name for name in properties if name in required or name in NARROWING]
        if any(name not in known for name in wanted if name in required):
            return None
        arguments = {name: known[name] for name in wanted if name in known}
        if "previous" in properties and _TROUBLED.search(self.text):
            arguments["previous"] = True
        return Call(tool.name, arguments)

    def _log_group(self, tool: Tool) -> Json:
        """`group` means a log group to a tool that reads logs, and never a scaling group."""
        if "logs" not in tool.name:
            return {}
        queries = (block.query.split() for block in self.evidence if block.read == tool.name)
        return next(
            ({"group": query[1]} for query in queries if len(query) > 1), {"group": f"/{self.known.get('group')}"}
        )

    def _pointed_at(self) -> Iterator[tuple[str, Any]]:
        for block in self.blocks:
            subject = _json(block.body) if block.kind == "subject" else None
            if isinstance(subject, dict):
                dimensions = subject.get("dimensions") or {}
                yield from ((_DIMENSIONS[name], value) for name, value in dimensions.items() if name in _DIMENSIONS)
                yield from subject.items()
        for finding in self.findings:
            resource = finding["resource"]
            yield ("region" if resource["provider"] == "aws" else "namespace"), resource["scope"]
            yield resource["kind"].lower(), resource["name"]

    def _met(self) -> Iterator[tuple[str, Any]]:
        for ill in (r"^pod (\S+) .*not ready", r"^pod (\S+) "):
            yield from (("pod", name) for name in re.findall(ill, self.text, re.MULTILINE))
        yield from (("container", name) for name in re.findall(r"^container (\S+) image", self.text, re.MULTILINE))
        for block in self.blocks:
            yield from _IN_WORDS.findall(block.body) if block.kind == "alert" else ()


def _block(match: re.Match[str]) -> Block:
    about = {name: json.loads(value) for name, value in _ATTRIBUTE.findall(match[3])}
    return Block(
        kind=match[1],
        id=about.get("id", ""),
        read=about.get("read", ""),
        query=about.get("query", ""),
        trust=about.get("trust", "text"),
        body=match[4],
    )


def _concludes(schema: Json) -> bool:
    return "hypothesis" in schema.get("properties", {})


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None
