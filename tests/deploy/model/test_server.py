"""The scripted model over the wire, asked by the same client libraries that ask a real one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from langchain_core.messages import AIMessageChunk
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, SecretStr

from deploy.sandbox.model import KEY, NAME, ScriptedModel
from deploy.sandbox.model.faults import MODES, mode
from deploy.sandbox.model.wire import Call, ChatRequest, Outcome, Raw, Reply, Trouble

TWO_CALLS = (Call("look", {"at": "shop", "deep": {"n": [1, 2]}}), Call("look", {"at": "naïve ☕ " * 20}))
SAID = "Grüße: " + "all is well. " * 10
LOOK: Any = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


def talking(request: ChatRequest) -> Outcome:
    """Calls two tools if there are any, and talks otherwise."""
    return Reply(calls=TWO_CALLS, tokens=(11, 7)) if request.tools else Reply(text=SAID, tokens=(5, 3))


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel(talking) as running:
        yield running


@pytest.fixture
def client(model: ScriptedModel) -> Iterator[openai.OpenAI]:
    with httpx2.Client(trust_env=False) as http:
        yield openai.OpenAI(base_url=model.url, api_key=KEY, max_retries=0, http_client=http)


def chat(model: ScriptedModel, **options: Any) -> ChatOpenAI:
    key = SecretStr(KEY)
    return ChatOpenAI(base_url=model.url, api_key=key, model=NAME, use_responses_api=False, max_retries=0, **options)


HELLO: Any = [{"role": "user", "content": "hello"}]


def test_it_says_which_model_it_offers(client: openai.OpenAI) -> None:
    assert [offered.id for offered in client.models.list()] == [NAME]


def test_words_are_the_same_streamed_and_whole(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model=NAME, messages=HELLO)
    pieces = list(client.chat.completions.create(model=NAME, messages=HELLO, stream=True))

    streamed = "".join(piece.choices[0].delta.content or "" for piece in pieces)
    assert whole.choices[0].message.content == streamed == SAID
    assert len(pieces) > 5
    assert whole.choices[0].finish_reason == pieces[-1].choices[0].finish_reason == "stop"


def test_usage_comes_with_the_answer_and_streamed_only_when_asked_for(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model=NAME, messages=HELLO)
    plain = list(client.chat.completions.create(model=NAME, messages=HELLO, stream=True))
    counted = list(
        client.chat.completions.create(model=NAME, messages=HELLO, stream=True, stream_options={"include_usage": True})
    )

    assert whole.usage is not None
    assert counted[-1].usage is not None
    assert whole.usage.total_tokens == counted[-1].usage.total_tokens == 8
    assert all(piece.usage is None for piece in plain)


def test_parallel_tool_calls_arrive_whole_either_way(model: ScriptedModel) -> None:
    @tool
    def look(at: str) -> str:
        """Look at something."""
        return at

    whole = chat(model).bind_tools([look]).invoke("hello")
    streamed = AIMessageChunk(content="")
    for piece in chat(model, stream_usage=True).bind_tools([look]).stream("hello"):
        assert isinstance(piece, AIMessageChunk)
        streamed += piece

    wanted = [(call.name, dict(call.arguments)) for call in TWO_CALLS]
    for message in (whole, streamed):
        assert [(call["name"], call["args"]) for call in message.tool_calls] == wanted
        assert message.usage_metadata is not None
        assert message.usage_metadata["total_tokens"] == 18
    assert len({call["id"] for call in whole.tool_calls}) == 2


def test_a_conversation_with_tool_results_is_understood(model: ScriptedModel, client: openai.OpenAI) -> None:
    function = {"name": "look", "arguments": json.dumps({"at": "shop"})}
    messages: Any = [
        {"role": "user", "content": [{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "c1", "content": "all well"},
    ]

    client.chat.completions.create(model=NAME, messages=messages, tools=[LOOK])

    asked = model.requests[-1]
    assert [message.text for message in asked.messages] == ["hello", "", "all well"]
    assert asked.messages[1].calls == (Call("look", {"at": "shop"}),)
    assert asked.messages[2].answers == "c1"
    assert [tool.name for tool in asked.tools] == ["look"]


class Verdict(BaseModel):
    """What is thought of it."""

    good: bool
    why: str


def test_structured_output_by_schema_is_passed_to_the_script() -> None:
    def judging(request: ChatRequest) -> Outcome:
        assert request.schema is not None
        return Reply(text=json.dumps({"good": True, "why": ", ".join(sorted(request.schema["properties"]))}))

    with ScriptedModel(judging) as model:
        verdict = chat(model).with_structured_output(Verdict, method="json_schema").invoke("hello")

    assert verdict == Verdict(good=True, why="good, why")


def test_a_refusal_is_a_refusal_streamed_and_whole() -> None:
    with ScriptedModel(lambda _: Reply(refusal="I would rather not say.")) as model:
        answer = chat(model).invoke("hello")
        with httpx2.Client(trust_env=False) as http:
            client = openai.OpenAI(base_url=model.url, api_key=KEY, http_client=http)
            pieces = list(client.chat.completions.create(model=NAME, messages=HELLO, stream=True))

    assert answer.additional_kwargs["refusal"] == "I would rather not say."
    assert "".join(piece.choices[0].delta.refusal or "" for piece in pieces) == "I would rather not say."


@pytest.mark.parametrize(
    ("status", "error"),
    [(429, openai.RateLimitError), (500, openai.InternalServerError), (404, openai.NotFoundError)],
)
def test_an_error_looks_as_the_library_expects(status: int, error: type[openai.APIStatusError]) -> None:
    with (
        ScriptedModel(lambda _: Trouble(status, "no")) as model,
        httpx2.Client(trust_env=False) as http,
        pytest.raises(error) as raised,
    ):
        openai.OpenAI(base_url=model.url, api_key=KEY, max_retries=0, http_client=http).chat.completions.create(
            model=NAME, messages=HELLO
        )

    assert raised.value.status_code == status


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, {"model": "m", "messages": []}, 401),
        ({"authorization": "Bearer k"}, {"model": "m"}, 400),
        ({"authorization": "Bearer k"}, {"messages": [7], "model": "m"}, 400),
        ({"authorization": "Bearer k"}, [], 400),
    ],
)
def test_a_bad_request_is_refused_and_not_written_down(
    headers: dict[str, str], body: object, status: int, model: ScriptedModel
) -> None:
    with httpx2.Client(trust_env=False) as http:
        answer = http.post(f"{model.url}/chat/completions", json=body, headers=headers)

    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert model.requests == ()


@pytest.mark.parametrize("name", MODES)
def test_every_mode_can_be_chosen_by_its_name_alone(name: str) -> None:
    assert isinstance(mode(name)(ChatRequest("m", ())), Reply | Trouble | Raw)


def test_a_mode_takes_its_value_after_a_colon() -> None:
    slow, error = mode("slow:5")(ChatRequest("m", ())), mode("http_error:429")(ChatRequest("m", ()))

    assert isinstance(slow, Reply)
    assert slow.after == 5
    assert isinstance(error, Trouble)
    assert error.status == 429


def test_as_a_program_it_says_how_to_point_the_bot_at_it() -> None:
    command = [sys.executable, "-m", "deploy.sandbox.model", "--port", "0", "--mode", "http_error:503"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        said = dict(pair.split("=", 1) for pair in running.stdout.readline().split())
        try:
            with httpx2.Client(trust_env=False) as http:
                headers = {"authorization": f"Bearer {said['OPENAI_API_KEY']}"}
                body = {"model": said["SAYSO_MODEL"], "messages": HELLO}
                status = http.post(
                    f"{said['OPENAI_BASE_URL']}/chat/completions", json=body, headers=headers
                ).status_code
        finally:
            running.kill()

    assert status == 503
