"""Bad models, one function each. A model in production has all of these days; the bot must outlive every one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from deploy.sandbox.model.engineer import engineer
from deploy.sandbox.model.obedience import obeys_cunningly, obeys_injection
from deploy.sandbox.model.reading import Reading
from deploy.sandbox.model.wire import Call, ChatRequest, Outcome, Raw, Reply, Script, Trouble


def slow(seconds: float) -> Script:
    """A sound model that thinks for `seconds` before each answer."""

    def script(request: ChatRequest) -> Outcome:
        reply = engineer(request)
        return replace(reply, after=seconds)

    return script


def drips(pause: float = 0.05) -> Script:
    """Sends a blank every `pause` seconds and never an answer: no timeout between two bytes ever strikes."""
    return lambda request: Raw((" ",), pause=pause, forever=True)


def http_error(status: int, times: int | None = None, retry_after: float = 60) -> Script:
    """Answers with an HTTP error, the first `times` times if given, and then soundly."""
    left = [times]

    def script(request: ChatRequest) -> Outcome:
        if left[0] == 0:
            return engineer(request)
        left[0] = left[0] - 1 if left[0] is not None else None
        return Trouble(status, f"the sandbox answers {status}", {"retry-after": f"{retry_after:g}"})

    return script


def nonsense(request: ChatRequest) -> Outcome:
    """Talks, where it was asked to answer with a tool."""
    return Reply(text="As the poet says: have you tried turning it off and on again? The vibes of the pod are off.")


def wrong_shape(request: ChatRequest) -> Outcome:
    """Uses the right tool to say the wrong things."""
    reading = Reading(request)
    return Reply(calls=(Call(reading.answer_tool or "answer", {"hypothesis": 7, "actions": "all of them"}),))


def not_json(request: ChatRequest) -> Outcome:
    """A proxy's error page, with status 200."""
    return Raw(("<html><body>It works!</body></html>",))


def cut_off(request: ChatRequest) -> Outcome:
    """Half of a completion, as when a gateway loses its upstream."""
    return Raw(('{"id": "chatcmpl-1", "object": "chat.completion", "choices": [{"index": 0, "mess',))


def no_choices(request: ChatRequest) -> Outcome:
    """A completion with nothing in it."""
    return Raw((json.dumps({"id": "x", "object": "chat.completion", "model": "m", "created": 1, "choices": None}),))


def refuses(request: ChatRequest) -> Outcome:
    """Will not help."""
    return Reply(refusal="I'm sorry, I can't help with production systems.")


def loops(request: ChatRequest) -> Outcome:
    """Reads the same thing for ever."""
    return Reply(calls=Reading(request).possible_calls(again=True)[:1])


def overspends(request: ChatRequest) -> Outcome:
    """Reads on and on, and every call costs a fortune."""
    reply = loops(request)
    assert isinstance(reply, Reply)
    return replace(reply, tokens=(900_000, 100_000))


def strange_tools(request: ChatRequest) -> Outcome:
    """Calls tools that nobody offered, another one each time."""
    return Reply(calls=(Call(f"kubectl_{len(request.messages)}", {"command": "get pods"}),))


def strange_arguments(request: ChatRequest) -> Outcome:
    """Calls the tools it is offered with arguments they do not take."""
    offered = [tool for tool in request.tools if tool.parameters.get("required") and "hypothesis" not in str(tool)]
    return Reply(calls=tuple(Call(tool.name, {"cluster": 7, "it": [len(request.messages)]}) for tool in offered[:2]))


def colliding_arguments(request: ChatRequest) -> Outcome:
    """Names an argument as no function can take it."""
    return Reply(calls=(Call(request.tools[0].name, {"self": 1, "config": 2, "run_manager": 3}),))


def broken_arguments(request: ChatRequest) -> Outcome:
    """Writes arguments that are not JSON."""
    return _said_raw('{"hypothesis": "the pod is', request)


def twice(request: ChatRequest) -> Outcome:
    """Says a member of its answer twice, the first time soundly."""
    first, last = '"hypothesis": "a", "confidence": 9', '"hypothesis": "b", "confidence": 3, "actions": []'
    return _said_raw("{" + first + ', "actions": [{"action": {"kind": "shell"}, "quotes": []}], ' + last + "}", request)


def _said_raw(arguments: str, request: ChatRequest) -> Raw:
    """An answer by tool whose arguments are exactly this text."""
    function = {"name": Reading(request).answer_tool or "answer", "arguments": arguments}
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return Raw((json.dumps({"id": "x", "object": "chat.completion", "model": "m", "created": 1, "choices": [choice]}),))


def novel(request: ChatRequest) -> Outcome:
    """Talks for a quarter of a megabyte, and says nothing."""
    return Reply(text="It was a dark and stormy deploy. " * 8_000)


def endless(request: ChatRequest) -> Outcome:
    """An answer that goes on until nobody listens."""
    return Raw((" " * 262_144,), forever=True)


MODES: dict[str, Callable[[str], Script]] = {
    "engineer": lambda _: engineer,
    "slow": lambda value: slow(float(value or 60)),
    "drips": lambda value: drips(float(value or 0.05)),
    "http_error": lambda value: http_error(int(value or 500)),
    "nonsense": lambda _: nonsense,
    "wrong_shape": lambda _: wrong_shape,
    "not_json": lambda _: not_json,
    "cut_off": lambda _: cut_off,
    "no_choices": lambda _: no_choices,
    "refuses": lambda _: refuses,
    "strange_tools": lambda _: strange_tools,
    "strange_arguments": lambda _: strange_arguments,
    "broken_arguments": lambda _: broken_arguments,
    "twice": lambda _: twice,
    "novel": lambda _: novel,
    "endless": lambda _: endless,
    "loops": lambda _: loops,
    "overspends": lambda _: overspends,
    "obeys_injection": lambda _: obeys_injection,
    "obeys_cunningly": lambda _: obeys_cunningly,
}
"""Every mode by the name the command line knows it by; some take a value (`slow:5`, `http_error:429`)."""


def mode(text: str) -> Script:
    """The script named by `slow:5` and the like. Raises KeyError where there is none."""
    name, _, value = text.partition(":")
    return MODES[name](value)
