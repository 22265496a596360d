"""Any OpenAI-compatible endpoint will do, whatever it leaves out or refuses; wrong settings are named."""

from __future__ import annotations

from typing import Any

import pytest

from bot.investigation.agent import investigate
from bot.investigation.budget import Budget
from bot.investigation.values import ModelAccess, ModelFailed
from deploy.sandbox.model import KEY, NAME, ScriptedModel, endpoints
from deploy.sandbox.model.endpoints import answering
from deploy.sandbox.model.wire import Script, Trouble
from tools.actions import SetEnv
from tools.clients import Readers

FIX = SetEnv(namespace="shop", deployment="checkout", container="app", variable="DATABASE_URL", revision=1)
KINDS: dict[str, Script] = {
    "reports no usage": answering(endpoints.no_usage),
    "reports a usage of nothing": answering(endpoints.zero_usage),
    "content in parts": answering(endpoints.content_in_parts),
    "finish_reason stop": answering(endpoints.finish("stop")),
    "finish_reason eos": answering(endpoints.finish("eos")),
    "no finish_reason": answering(endpoints.finish(None)),
    "reasoning beside the answer": answering(endpoints.reasoning),
    "the answer in words": answering(endpoints.in_words),
    "no ids": answering(endpoints.no_ids),
    "max_completion_tokens refused": endpoints.NEW_LIMIT,
    "tool_choice refused": endpoints.CHOICE,
    "no system role": endpoints.SYSTEM,
    "all of these": endpoints.compounded,
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_an_endpoint_of_this_kind_is_understood(kind: Script, asking: Any) -> None:
    answer = asking(kind)

    assert answer.proposal.actions == (FIX,)
    assert answer.usage.tokens_in > 1_000


def test_what_an_endpoint_refused_once_is_not_asked_of_it_again(asking: Any) -> None:
    asking(endpoints.compounded)

    refused = [one for one in asking.model.requests if isinstance(endpoints.compounded(one), Trouble)]
    assert len(refused) == 3
    assert asking.model.requests[:3] == tuple(refused)


WRONG: dict[str, tuple[Script, str]] = {
    "no such model": (endpoints.OPENAI_NO_MODEL, "http 404: SAYSO_MODEL names no model there"),
    "not pulled": (endpoints.OLLAMA_NO_MODEL, "http 404: SAYSO_MODEL is not there; `ollama pull` it first"),
    "no such deployment": (endpoints.AZURE_NO_DEPLOYMENT, "http 404: SAYSO_MODEL names no model there"),
    "wrong key": (endpoints.AZURE_KEY, "http 401: check OPENAI_API_KEY"),
    "filtered": (endpoints.AZURE_FILTER, "refused"),
    "no credit": (endpoints.NO_CREDIT, "http 429: the account has no credit"),
}


@pytest.mark.parametrize(("kind", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_with_the_settings_is_said(kind: Script, said: str, asking: Any) -> None:
    with pytest.raises(ModelFailed) as failure:
        asking(kind)

    assert failure.value.reason.startswith(said)
    assert failure.value.usage.calls == 1


def test_a_base_url_without_its_v1_is_noticed(question: Any, world: Any) -> None:
    with ScriptedModel() as model:
        access = ModelAccess(base_url=model.url.removesuffix("/v1"), api_key=KEY, model=NAME)
        with pytest.raises(ModelFailed) as failure:
            investigate(question, world.reads(), Readers(None, None), access, Budget(), lambda: None)  # type: ignore[arg-type, return-value]

    assert failure.value.reason == "http 404: check OPENAI_BASE_URL, which ends in /v1"
