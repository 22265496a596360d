"""Finding out with a model: it reads, and answers with what it thinks should be done. It holds no write.

Light to import: LangChain and the HTTP library come in with the first question.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from importlib import resources
from typing import Any

from bot.investigation import keeping, schemas
from bot.investigation.budget import Budget, Meter
from bot.investigation.compiling import NotAnAnswer, compile_proposal
from bot.investigation.fence import Fence
from bot.investigation.looking import Looking
from bot.investigation.offering import Offer, size
from bot.investigation.values import Answer, ModelAccess, ModelFailed, Question, Tell, to_nobody
from tools.clients import Readers
from tools.evidence import Evidence
from tools.reads.read import Read
from tools.resources import Provider

FIRST_REQUEST = 17_000
"""Characters the first request aims at: fewer than 6,000 tokens even at three characters a token. What the
instructions, the reads and the rules' findings leave of it is room for evidence."""
LEAST_ROOM = 2_400
MORE = "\nThese reads exist too; `show_reads` shows you their arguments: {}."


def investigate(
    question: Question,
    reads: Sequence[Read[Any]],
    readers: Readers,
    model: ModelAccess,
    budget: Budget,
    now: Callable[[], datetime],
    *,
    meter: Meter | None = None,
    tell: Tell = to_nobody,
) -> Answer:
    """Ask a model about one alert, letting it look with `reads`. Raises ModelFailed, always within the budget.

    Time is checked before every call and every read and at every byte of an answer, so the end comes at most one
    read of the world or one silence after `budget.seconds`. A `meter` that ran before goes on counting.
    """
    from bot.investigation.asking import Talk, ask
    from bot.investigation.wire import http_client

    meter = meter or Meter(budget, model.known_price)
    fence, offer = Fence(), Offer(reads, question.subject)
    looking = Looking(readers, fence, meter, now, _known(question), offer, tell)
    tools = [*map(looking.tool, reads), looking.paging(), *([offer.tool()] if offer.waiting else ())]
    answer = schemas.of_answer(_providers(reads))
    system = _instructions(fence, budget, offer)
    shown = sum(size(read) for read in reads if read.name in offer.shown)
    room = max(LEAST_ROOM, FIRST_REQUEST - len(system) - shown - len(json.dumps(answer)))
    talk = Talk(model.model, meter, looking, offer, tell)
    with http_client(meter.seconds_left, budget.silence) as client:
        answered = ask(system, fence.question(question, room), tools, answer, model, budget, talk, client)
    try:
        proposal, dropped = compile_proposal(answered, question, looking.evidence)
    except NotAnAnswer as error:
        reason = f"its answer has no usable {error}"
        raise ModelFailed("nonsense", reason, meter.usage(), reads=looking.reads) from error
    cited = {piece for finding in proposal.findings for piece in finding.evidence_ids}
    stored, note = keeping.kept(looking.evidence, cited | {piece.id for piece in question.evidence})
    return Answer(
        proposal=proposal,
        evidence=stored,
        usage=meter.usage(),
        dropped=(*dropped, *note),
        model=model.model,
        reads=looking.reads,
    )


def get_ready() -> None:
    """Bring in the libraries. The first time takes seconds, which are ours and not the model's."""
    import bot.investigation.asking
    import bot.investigation.wire  # noqa: F401 - importing is the point


def _known(question: Question) -> tuple[Evidence, ...]:
    return (*question.evidence, question.heard) if question.heard is not None else question.evidence


def _providers(reads: Sequence[Read[Any]]) -> tuple[Provider, ...]:
    """Whose actions the answer may hold: of the providers there are reads for."""
    prefixes = {Provider.KUBERNETES: "k8s_", Provider.AWS: "aws_"}
    return tuple(one for one, prefix in prefixes.items() if any(read.name.startswith(prefix) for read in reads))


def _instructions(fence: Fence, budget: Budget, offer: Offer) -> str:
    """The standing instructions, with this investigation's delimiters and limits."""
    text = resources.files("bot.investigation").joinpath("prompts/investigate.md").read_text(encoding="utf-8")
    more = MORE.format(", ".join(offer.waiting)) if offer.waiting else ""
    given = {"{mark}": fence.mark, "{turns}": str(budget.turns), "{reads}": str(budget.reads), "{more}": more}
    for name, value in given.items():
        text = text.replace(name, value)
    return text
