"""Finding out with a model: it reads, and answers with what it thinks should be done. It holds no write.

Light to import: LangChain and the HTTP library come in with the first question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from importlib import resources
from typing import Any

from bot.investigation.budget import Budget, Meter
from bot.investigation.compiling import NotAnAnswer, compile_proposal
from bot.investigation.fence import Fence
from bot.investigation.looking import Looking
from bot.investigation.values import Answer, ModelAccess, ModelFailed, Question
from tools.clients import Readers
from tools.reads.read import Read


def investigate(
    question: Question,
    reads: Sequence[Read[Any]],
    readers: Readers,
    model: ModelAccess,
    budget: Budget,
    now: Callable[[], datetime],
) -> Answer:
    """Ask a model about one alert, letting it look with `reads`. Raises ModelFailed, always within the budget.

    Time is checked before every call and every read and at every byte of an answer, so the end comes at most one
    read of the world or one silence after `budget.seconds`.
    """
    from bot.investigation.asking import ask
    from bot.investigation.wire import http_client

    meter, fence = Meter(budget, model.model), Fence()
    known = (*question.evidence, question.heard) if question.heard is not None else question.evidence
    looking = Looking(readers, fence, meter, now, known)
    tools = [looking.tool(read) for read in reads]
    with http_client(meter.seconds_left, budget.silence) as client:
        answered = ask(_instructions(fence, budget), fence.question(question), tools, model, budget, meter, client)
    try:
        proposal, dropped = compile_proposal(answered, question, looking.evidence)
    except NotAnAnswer as error:
        raise ModelFailed("nonsense", f"its answer has no usable {error}", meter.usage()) from error
    return Answer(proposal=proposal, evidence=looking.evidence, usage=meter.usage(), dropped=dropped, model=model.model)


def _instructions(fence: Fence, budget: Budget) -> str:
    """The standing instructions, with this investigation's delimiters and limits."""
    text = resources.files("bot.investigation").joinpath("prompts/investigate.md").read_text(encoding="utf-8")
    limits = {"{mark}": fence.mark, "{turns}": str(budget.turns), "{reads}": str(budget.reads)}
    for name, value in limits.items():
        text = text.replace(name, value)
    return text
