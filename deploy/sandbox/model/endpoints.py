"""How OpenAI-compatible endpoints differ from each other, each difference around a sound model (`engineer`).

Taken from their documentation and their issue trackers; a real one may have several at once, as `compounded` does.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from deploy.sandbox.model.engineer import engineer
from deploy.sandbox.model.wire import ChatRequest, Json, Outcome, Raw, Reply, Script, Trouble, completion

Change = Callable[[dict[str, Any]], None]
"""Changes a completion in place."""


def answering(change: Change) -> Script:
    """An endpoint whose completions are changed in some way."""

    def script(request: ChatRequest) -> Outcome:
        reply = engineer(request)
        assert isinstance(reply, Reply)
        whole = copy.deepcopy(dict(completion(reply, request, len(request.messages))))
        change(whole)
        return Raw((json.dumps(whole),))

    return script


def no_usage(whole: dict[str, Any]) -> None:
    """Reports no usage (some proxies, older vLLM)."""
    whole["usage"] = None


def zero_usage(whole: dict[str, Any]) -> None:
    """Reports a usage of nothing."""
    whole["usage"] = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def content_in_parts(whole: dict[str, Any]) -> None:
    """Content as a list of parts (LiteLLM before some models)."""
    whole["choices"][0]["message"]["content"] = [{"type": "text", "text": "Let me see."}]


def finish(reason: str | None) -> Change:
    """Another word for why it stopped (Ollama says `stop` of tool calls, others nothing at all)."""

    def change(whole: dict[str, Any]) -> None:
        whole["choices"][0]["finish_reason"] = reason

    return change


def reasoning(whole: dict[str, Any]) -> None:
    """The model's thoughts beside its answer (vLLM and NIM with reasoning models)."""
    whole["choices"][0]["message"] |= {"reasoning_content": "First, I think. " * 50, "reasoning": "Then again."}


def in_words(whole: dict[str, Any]) -> None:
    """No tool is called: the answer's JSON stands in the content (models without a tool template)."""
    message = whole["choices"][0]["message"]
    called = next((one for one in message.get("tool_calls", ()) if "hypothesis" in one["function"]["arguments"]), None)
    if called is not None:
        message |= {"content": f"```json\n{called['function']['arguments']}\n```", "tool_calls": None}


def no_ids(whole: dict[str, Any]) -> None:
    """Leaves out what OpenAI always says: ids, times, the index."""
    for name in ("id", "created", "object"):
        whole.pop(name)
    whole["choices"][0].pop("index")
    whole["choices"][0].pop("logprobs")


def refusing(wrong: Callable[[ChatRequest], bool], status: int, body: Json) -> Script:
    """An endpoint that refuses requests with something in them, in its own words."""
    return lambda request: Trouble(status, "", body=body) if wrong(request) else engineer(request)


NEW_LIMIT = refusing(
    lambda request: "max_completion_tokens" in request.options,
    422,
    {"detail": [{"type": "extra_forbidden", "loc": ["body", "max_completion_tokens"], "msg": "Extra inputs"}]},
)
"""NVIDIA NIM of some versions: the limit of the answer has its old name only."""
CHOICE = refusing(
    lambda request: request.options.get("tool_choice") not in (None, "auto"),
    400,
    {"object": "error", "message": "tool_choice 'required' is not supported by this server", "code": 400},
)
"""vLLM and llama.cpp of some versions: no tool can be forced."""
SYSTEM = refusing(
    lambda request: request.messages[0].role == "system",
    400,
    {"object": "error", "message": "System role not supported", "type": "BadRequestError", "code": 400},
)
"""vLLM with models whose template has no system role."""


def compounded(request: ChatRequest) -> Outcome:
    """Everything that can be refused, one after the other."""
    outcomes = (script(request) for script in (NEW_LIMIT, CHOICE, SYSTEM))
    return next((one for one in outcomes if isinstance(one, Trouble)), engineer(request))


def failing(status: int, body: Json) -> Script:
    """An endpoint that answers every request with one error."""
    return lambda _: Trouble(status, "", body=body)


OLLAMA_NO_MODEL = failing(
    404, {"error": {"message": 'model "llama9" not found, try pulling it first', "type": "not_found_error"}}
)
AZURE_NO_DEPLOYMENT = failing(
    404,
    {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}},
)
AZURE_KEY = failing(
    401, {"error": {"code": "401", "message": "Access denied due to invalid subscription key or wrong API endpoint."}}
)
AZURE_FILTER = failing(
    400,
    {
        "error": {
            "message": "The response was filtered due to the prompt triggering the content management policy.",
            "code": "content_filter",
            "innererror": {"code": "ResponsibleAIPolicyViolation"},
        }
    },
)
OPENAI_NO_MODEL = failing(
    404,
    {
        "error": {
            "message": "The model `gpt-9` does not exist or you do not have access to it.",
            "code": "model_not_found",
        }
    },
)
NO_CREDIT = failing(429, {"error": {"message": "You exceeded your current quota.", "code": "insufficient_quota"}})
