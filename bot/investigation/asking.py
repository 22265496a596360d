"""The loop around the model: LangChain's agent over the reads, every call of it metered, tried again where that may
help, and named when it fails.

Imports LangChain, which takes seconds, so only `agent.investigate` imports this, when a model is really asked. It
holds no write and knows none.
"""

from __future__ import annotations

import json
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
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from bot.investigation.budget import CHARACTERS_PER_TOKEN, Budget, BudgetSpent, Meter, OutOfTime
from bot.investigation.faults import Fault, fault_of
from bot.investigation.looking import READ_EVIDENCE, Looking
from bot.investigation.offering import SHOW_READS, Offer
from bot.investigation.schemas import Schema
from bot.investigation.trimming import trimmed
from bot.investigation.values import ModelAccess, ModelFailed, Tell, Thinking
from tools.redaction import redact
from tools.values import JsonObject

ATTEMPTS, FIRST_PAUSE, LONGEST_PAUSE = 3, 0.5, 15.0
"""A failed call is made again twice, after half a second to fifteen; an endpoint that asks for more is given up."""
CIRCLES = "went in circles"
"""A model that kept on reading when it was told to answer."""
CHANCES = 2
"""Requests that offer nothing but to answer, before we stop asking."""


def ask(
    system: str,
    question: str,
    tools: Sequence[BaseTool],
    answer: Schema,
    access: ModelAccess,
    budget: Budget,
    talk: Talk,
    client: httpx2.Client,
) -> JsonObject:
    """Let the model read and answer; its answer as the JSON it wrote. Raises ModelFailed."""
    agent = create_agent(
        _chat(access, budget, client),
        list(tools),
        system_prompt=system,
        middleware=[talk],
        # As a tool, because every OpenAI-compatible endpoint has tools and few have strict schemas. As plain JSON,
        # because each part of the answer is judged alone, by `compiling`.
        response_format=ToolStrategy(answer),
    )
    # Tracing is switched off here whatever the environment says: nothing leaves but to the endpoint.
    with tracing_context(enabled=False):
        try:
            state = agent.invoke({"messages": [{"role": "user", "content": question}]})
        except StructuredOutputError as error:
            raise talk.failure(Fault("nonsense", "it answered twice at once")) from error
        except ModelFailed:
            raise
        except Exception as error:  # the boundary: no answer may break us, whatever it makes the libraries do
            raise talk.failure(Fault("nonsense", f"its answer broke the loop ({type(error).__name__})")) from error
    return talk.answered(state)


def _chat(access: ModelAccess, budget: Budget, client: httpx2.Client) -> ChatOpenAI:
    return ChatOpenAI(
        base_url=access.base_url,
        api_key=SecretStr(access.api_key),
        model=access.model,
        http_client=client,
        use_responses_api=False,
        timeout=budget.silence,
        max_retries=0,  # the library would sleep past the deadline; `Talk` tries again itself
        max_completion_tokens=budget.answer_tokens,
    )


class Talk(AgentMiddleware[Any, Any, Any]):
    """One conversation with one model: meters every call, shows what is on offer, and turns whatever a call raises into
    one ModelFailed.
    """

    def __init__(self, model: str, meter: Meter, looking: Looking, offer: Offer, tell: Tell) -> None:
        super().__init__()
        self._model, self._meter, self._looking, self._offer, self._tell = model, meter, looking, offer, tell
        self._stumbled: Fault | None = None
        self._told_to_answer = 0

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """One call, made again while the endpoint stumbles and there is time."""
        self._count_strange_tools(request.messages)
        self._looking.next_turn()
        self._told_to_answer += self._offer.over
        if self._told_to_answer > CHANCES:
            raise self.failure(Fault(CIRCLES, "it was told to answer, and went on reading"))
        asked = request.override(messages=trimmed(request.messages), tools=self._shown(request.tools))
        again = Retrying(
            retry=retry_if_exception(self._may_try_again),
            stop=stop_after_attempt(ATTEMPTS),
            wait=self._pause,
            reraise=True,
        )
        try:
            return again(self._call, asked, handler)
        except BudgetSpent as spent:
            raise self.failure(Fault(f"budget: {spent.limit}", "it used more than it may")) from None
        except OutOfTime as late:
            raise self.failure(self._stumbled or Fault("timeout", str(late))) from None
        except StructuredOutputError:
            raise
        except Exception as error:  # the boundary: no answer may break us, whatever is in it
            raise self.failure(fault_of(error)) from error

    def failure(self, fault: Fault) -> ModelFailed:
        """Why this conversation ends without an answer, with what it took and what was read."""
        taken = self._meter.usage()
        return ModelFailed(fault.reason, fault.detail, taken, reads=self._looking.reads)

    def answered(self, state: dict[str, Any]) -> JsonObject:
        """The structured answer at the end of the conversation. Raises ModelFailed where there is none."""
        answer = state.get("structured_response")
        if isinstance(answer, dict):
            return answer
        last = state["messages"][-1]
        refusal = last.additional_kwargs.get("refusal") if isinstance(last, AIMessage) else None
        said = " ".join(redact(str(refusal or last.text)).split())[:200]
        if refusal:
            raise self.failure(Fault("refused", said))
        if isinstance(spoken := _as_json(last.text), dict) and "hypothesis" in spoken:
            return spoken
        if self._offer.over and not said:
            raise self.failure(Fault(CIRCLES, "it kept on reading the same, or what cannot be read"))
        raise self.failure(Fault("nonsense", f"it answered in prose: {said}" if said else "it answered nothing"))

    def _call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        self._meter.begin_call()
        taken = self._meter.usage()
        self._tell(Thinking(model=self._model, calls=taken.calls, tokens=taken.tokens_in + taken.tokens_out))
        response = handler(request)
        self._stumbled = None
        self._meter.charge(*_tokens(request, response.result))
        return response

    def _may_try_again(self, error: BaseException) -> bool:
        """Whether the same call may succeed a little later, and there is a little later."""
        if not isinstance(error, Exception) or isinstance(error, BudgetSpent | OutOfTime | StructuredOutputError):
            return False
        self._stumbled = fault = fault_of(error)
        wait = fault.wait or FIRST_PAUSE
        return fault.again and wait <= LONGEST_PAUSE and wait < self._meter.seconds_left()

    def _pause(self, state: RetryCallState) -> float:
        """By chance, so that replicas do not come back all at once; at least as long as the endpoint asked for."""
        error = state.outcome.exception() if state.outcome is not None else None
        asked = fault_of(error).wait if isinstance(error, Exception) else None
        by_chance = wait_random_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE)(state)
        return min((asked or 0.0) + by_chance, max(0.0, self._meter.seconds_left()))

    def _shown(self, tools: Sequence[BaseTool | dict[str, Any]]) -> list[BaseTool | dict[str, Any]]:
        """What this request offers: nothing but to answer, once reading is over."""
        if self._offer.over:
            return []
        always = {READ_EVIDENCE, SHOW_READS} if self._offer.waiting else {READ_EVIDENCE}
        return [tool for tool in tools if isinstance(tool, BaseTool) and tool.name in self._offer.shown | always]

    def _count_strange_tools(self, messages: Sequence[BaseMessage]) -> None:
        """A call of a tool there is not counts as a read that failed."""
        last = next((one for one in reversed(messages) if isinstance(one, AIMessage)), None)
        for call in last.tool_calls if last is not None else ():
            if not self._offer.knows(call["name"]) and call["name"] not in (READ_EVIDENCE, SHOW_READS):
                self._looking.failed(f"{call['name']} is no tool here")


def _tokens(request: ModelRequest[Any], answered: Sequence[BaseMessage]) -> tuple[int, int]:
    """Tokens in and out of a call, as reported; estimated from the text where the endpoint reports none."""
    reply = next((message for message in answered if isinstance(message, AIMessage)), None)
    if reply is not None and reply.usage_metadata is not None and reply.usage_metadata["input_tokens"] > 0:
        return reply.usage_metadata["input_tokens"], reply.usage_metadata["output_tokens"]
    asked = [*([request.system_message] if request.system_message else []), *request.messages]
    schemas = sum(len(str(tool.args_schema)) for tool in request.tools if isinstance(tool, BaseTool))
    return _estimate(asked) + schemas // CHARACTERS_PER_TOKEN, _estimate(answered)


def _as_json(text: str) -> object:
    """The JSON a model wrote as words, where its endpoint has no tools to force upon it; None where it is none."""
    try:
        return json.loads(text.strip().removeprefix("```json").strip("`").strip())
    except (ValueError, RecursionError):
        return None


def _estimate(messages: Sequence[BaseMessage]) -> int:
    return sum(_length(message) for message in messages) // CHARACTERS_PER_TOKEN


def _length(message: BaseMessage) -> int:
    calls = message.tool_calls if isinstance(message, AIMessage) else ()
    return len(str(message.content)) + sum(len(str(call["args"])) for call in calls)
