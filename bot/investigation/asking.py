"""The loop around the model: LangChain's agent over the reads, every call of it metered, tried again once, and named
when it fails.

Imports LangChain, which takes seconds, so only `agent.investigate` imports this, when a model is really asked. It
holds no write and knows none.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx2
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain.agents.structured_output import StructuredOutputError, ToolStrategy
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.tools import BaseTool
from langchain_openai import ChatOpenAI
from langsmith import tracing_context
from pydantic import SecretStr

from bot.investigation.budget import CHARACTERS_PER_TOKEN, Budget, BudgetSpent, Meter, OutOfTime
from bot.investigation.compiling import ModelProposal
from bot.investigation.values import ModelAccess, ModelFailed
from bot.investigation.wire import fault_of
from tools.redaction import redact
from tools.values import JsonObject

PAUSE = 0.5
"""Seconds before a failed call is tried again, once."""


def ask(
    system: str,
    question: str,
    reads: Sequence[BaseTool],
    access: ModelAccess,
    budget: Budget,
    meter: Meter,
    client: httpx2.Client,
) -> JsonObject:
    """Let the model read and answer; its answer as the JSON it wrote. Raises ModelFailed."""
    agent = create_agent(
        _chat(access, budget, client),
        list(reads),
        system_prompt=system,
        middleware=[_Metered(meter)],
        # As a tool, because every OpenAI-compatible endpoint has tools and few have strict schemas. As plain JSON,
        # because each part of the answer is judged alone, by `compiling`.
        response_format=ToolStrategy(_answer_schema()),
    )
    # Tracing is switched off here whatever the environment says: nothing leaves but to the endpoint.
    with tracing_context(enabled=False):
        try:
            state = agent.invoke({"messages": [{"role": "user", "content": question}]})
        except StructuredOutputError as error:
            raise ModelFailed("nonsense", "it answered twice at once", meter.usage()) from error
    return _answered(state, meter)


@functools.cache
def _answer_schema() -> dict[str, Any]:
    """The answer's shape as JSON schema, made once."""
    return ModelProposal.model_json_schema()


def _chat(access: ModelAccess, budget: Budget, client: httpx2.Client) -> ChatOpenAI:
    return ChatOpenAI(
        base_url=access.base_url,
        api_key=SecretStr(access.api_key),
        model=access.model,
        http_client=client,
        use_responses_api=False,
        timeout=budget.silence,
        max_retries=0,  # the library would sleep past the deadline; `_Metered` tries again itself
        max_completion_tokens=budget.answer_tokens,
    )


def _answered(state: dict[str, Any], meter: Meter) -> JsonObject:
    """The structured answer at the end of a conversation, or why there is none."""
    answer = state.get("structured_response")
    if isinstance(answer, dict):
        return answer
    last = state["messages"][-1]
    refusal = last.additional_kwargs.get("refusal") if isinstance(last, AIMessage) else None
    said = " ".join(redact(str(refusal or last.text)).split())[:200]
    if refusal:
        raise ModelFailed("refused", said, meter.usage())
    raise ModelFailed("nonsense", f"it answered in prose: {said}" if said else "it answered nothing", meter.usage())


class _Metered(AgentMiddleware[Any, Any, Any]):
    """Counts every call, stops at the budget, and turns whatever a call raises into one ModelFailed."""

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """One call, and a second when the endpoint stumbled."""
        for last in (False, True):
            try:
                self._meter.begin_call()
                response = handler(request)
                self._meter.charge(*_tokens(request, response.result))
            except BudgetSpent as spent:
                raise ModelFailed(f"budget: {spent.limit}", "it used more than it may", self._meter.usage()) from None
            except OutOfTime as late:
                raise ModelFailed("timeout", str(late), self._meter.usage()) from None
            except StructuredOutputError:
                raise
            except Exception as error:  # the boundary: no answer may break us, whatever is in it
                fault = fault_of(error)
                if last or not fault.again or self._meter.seconds_left() <= PAUSE:
                    raise ModelFailed(fault.reason, fault.detail, self._meter.usage()) from error
                time.sleep(PAUSE)
            else:
                return response
        raise AssertionError("unreachable: the second round returns or raises")


def _tokens(request: ModelRequest[Any], answered: Sequence[BaseMessage]) -> tuple[int, int]:
    """Tokens in and out of a call, as reported; estimated from the text where the endpoint reports none."""
    reply = next((message for message in answered if isinstance(message, AIMessage)), None)
    if reply is not None and reply.usage_metadata is not None:
        return reply.usage_metadata["input_tokens"], reply.usage_metadata["output_tokens"]
    asked = [*([request.system_message] if request.system_message else []), *request.messages]
    return _estimate(asked), _estimate(answered)


def _estimate(messages: Sequence[BaseMessage]) -> int:
    return sum(_length(message) for message in messages) // CHARACTERS_PER_TOKEN


def _length(message: BaseMessage) -> int:
    calls = message.tool_calls if isinstance(message, AIMessage) else ()
    return len(str(message.content)) + sum(len(str(call["args"])) for call in calls)
