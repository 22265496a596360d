"""The chat completions protocol: what is asked, what may be answered, and both as JSON. No judgement here.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]

CHARACTERS_PER_TOKEN = 4
PIECE = 24
"""Characters of a streamed answer in one event."""


@dataclass(frozen=True)
class Call:
    """A tool the model wants called."""

    name: str
    arguments: Json


@dataclass(frozen=True)
class Message:
    """One message of a conversation. `calls` are those an earlier answer made, `answers` the call a result is for."""

    role: str
    text: str
    calls: tuple[Call, ...] = ()
    answers: str | None = None


@dataclass(frozen=True)
class Tool:
    """A tool on offer, with the JSON schema of its arguments."""

    name: str
    description: str
    parameters: Json


@dataclass(frozen=True)
class ChatRequest:
    """A request as it arrived. `schema` is the JSON schema the answer must have, if one is asked for."""

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    schema: Json | None = None
    stream: bool = False
    stream_usage: bool = False
    size: int = 0
    """Bytes of the body as it was sent: messages, tools and all."""
    options: Json = field(default_factory=dict)
    """Every other member of the body: limits, the choice of tools."""

    @property
    def tokens(self) -> int:
        """About how many tokens it holds."""
        text = sum(len(message.text) + len(str(message.calls)) for message in self.messages)
        return (text + len(str(self.tools))) // CHARACTERS_PER_TOKEN + 1


@dataclass(frozen=True)
class Reply:
    """An answer: words, tools to call, or a refusal. `after` seconds pass first; `tokens` overrides (in, out)."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    refusal: str | None = None
    after: float = 0.0
    tokens: tuple[int, int] | None = None


@dataclass(frozen=True)
class Trouble:
    """An HTTP error in place of an answer."""

    status: int
    message: str
    headers: Json = field(default_factory=dict)
    body: Json | None = None
    """The whole error, where it is not shaped as OpenAI's."""


@dataclass(frozen=True)
class Raw:
    """A body that is no chat completion, sent piece by piece with a pause before each; endless if `forever`."""

    pieces: tuple[str, ...]
    pause: float = 0.0
    forever: bool = False


Outcome: TypeAlias = Reply | Trouble | Raw
Script: TypeAlias = Callable[[ChatRequest], Outcome]
"""A model's behaviour: what it does with one request. It keeps nothing between two of them, as models do not."""


def parse(body: Json, size: int = 0) -> ChatRequest:
    """A request body of so many bytes as a value. Raises KeyError or TypeError where it is not one."""
    format_ = body.get("response_format") or {}
    schema = format_.get("json_schema", {}).get("schema") if format_.get("type") == "json_schema" else None
    return ChatRequest(
        model=body["model"],
        messages=tuple(_message(message) for message in body["messages"]),
        tools=tuple(_tool(tool["function"]) for tool in body.get("tools") or ()),
        schema=schema,
        stream=bool(body.get("stream")),
        stream_usage=bool((body.get("stream_options") or {}).get("include_usage")),
        size=size,
        options={name: value for name, value in body.items() if name not in ("model", "messages", "tools")},
    )


def _message(raw: Json) -> Message:
    content = raw.get("content") or ""
    text = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
    functions = [call["function"] for call in raw.get("tool_calls") or ()]
    calls = tuple(Call(one["name"], json.loads(one["arguments"] or "{}")) for one in functions)
    return Message(raw["role"], text, calls, raw.get("tool_call_id"))


def _tool(raw: Json) -> Tool:
    return Tool(raw["name"], raw.get("description") or "", raw.get("parameters") or {})


def completion(reply: Reply, request: ChatRequest, number: int) -> Json:
    """The whole answer as one JSON object."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": reply.refusal}
    if reply.calls:
        message["tool_calls"] = [_call(call, number, at) for at, call in enumerate(reply.calls)]
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply), "logprobs": None}
    return {**_head(request, number, "chat.completion"), "choices": [choice], "usage": _usage(reply, request)}


def events(reply: Reply, request: ChatRequest, number: int) -> Iterator[str]:
    """The answer as server-sent events: words and arguments in pieces, as they would be generated."""
    head = _head(request, number, "chat.completion.chunk")

    def chunk(delta: Json, finish: str | None = None) -> str:
        return _event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    yield chunk({"role": "assistant", "content": ""})
    for piece in _pieces(reply.refusal or ""):
        yield chunk({"refusal": piece})
    for piece in _pieces(reply.text):
        yield chunk({"content": piece})
    for at, call in enumerate(reply.calls):
        whole = _call(call, number, at)
        empty = {**whole, "function": {"name": call.name, "arguments": ""}}
        yield chunk({"tool_calls": [{"index": at, **empty}]})
        for piece in _pieces(whole["function"]["arguments"]):
            yield chunk({"tool_calls": [{"index": at, "function": {"arguments": piece}}]})
    yield chunk({}, _finish(reply))
    if request.stream_usage:
        yield _event({**head, "choices": [], "usage": _usage(reply, request)})
    yield "data: [DONE]\n\n"


def _head(request: ChatRequest, number: int, kind: str) -> dict[str, Any]:
    # A constant time: nothing here depends on when it was asked.
    return {"id": f"chatcmpl-{number}", "object": kind, "created": 1_700_000_000, "model": request.model}


def _call(call: Call, number: int, at: int) -> dict[str, Any]:
    function = {"name": call.name, "arguments": json.dumps(call.arguments)}
    return {"id": f"call_{number}_{at}", "type": "function", "function": function}


def _finish(reply: Reply) -> str:
    return "tool_calls" if reply.calls else "stop"


def _usage(reply: Reply, request: ChatRequest) -> Json:
    said = len(reply.text) + len(reply.refusal or "") + sum(len(json.dumps(call.arguments)) for call in reply.calls)
    tokens_in, tokens_out = reply.tokens or (request.tokens, said // CHARACTERS_PER_TOKEN + 1)
    return {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), PIECE):
        yield text[start : start + PIECE]


def _event(data: Json) -> str:
    return f"data: {json.dumps(data)}\n\n"
