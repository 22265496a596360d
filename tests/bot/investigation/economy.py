"""What an investigation by a model takes, counted on the wire: for the tests of its limits, and for `make bench`.

A token is taken for three bytes of the request as it is sent, JSON and all. Tokenizers need about four for English
prose, three and a half for JSON and three for names and hashes, so this errs upwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot.investigation import rules
from bot.investigation.agent import investigate
from bot.investigation.budget import CHARACTERS_PER_TOKEN, Budget
from bot.investigation.minds import offered_reads
from bot.investigation.questions import question
from bot.investigation.rules import Conclusion
from bot.investigation.values import Answer, ModelAccess
from deploy.sandbox.model import KEY, NAME, ScriptedModel
from deploy.sandbox.model.wire import ChatRequest
from storage.tables import Alert
from tools.clients import Readers
from tools.evidence import Evidence
from tools.reads.aws.table import READS as AWS_READS
from tools.reads.aws.views import Picture as AwsPicture
from tools.reads.read import Read
from tools.subjects import Subject
from tools.values import Value

FIRST_REQUEST, WHOLE = 6_000, 25_000
"""The most tokens of the first request with all tool schemas, and of a whole scripted investigation."""


@dataclass(frozen=True)
class Economy:
    """Tokens of the first request, of all of them with their answers, and how many there were."""

    first: int
    whole: int
    calls: int


def of_cluster(subject: Subject, alerts: Sequence[Alert], readers: Readers, at: datetime) -> Economy:
    """What the scripted engineer takes for a story of a cluster, with the real reads."""
    concluded = rules.investigate(subject, at, readers)
    return _measured(concluded, subject, alerts, offered_reads(readers), readers, at)


def of_account(picture: AwsPicture, alerts: Sequence[Alert]) -> Economy:
    """What the scripted engineer takes for a picture of an account; its reads answer with what the rules saw of it."""
    concluded = rules.judge(picture)
    reads = tuple(_painted(read, concluded.evidence) for read in AWS_READS)
    nothing = Readers(kubernetes=None, aws=None)
    return _measured(concluded, picture.subject, alerts, reads, nothing, picture.at)


def _measured(
    concluded: Conclusion,
    subject: Subject | None,
    alerts: Sequence[Alert],
    reads: Sequence[Read[Any]],
    readers: Readers,
    at: datetime,
) -> Economy:
    with ScriptedModel() as model:
        access = ModelAccess(base_url=model.url, api_key=KEY, model=NAME)
        asked = question(subject, alerts, concluded, at)
        answer = investigate(asked, reads, readers, access, Budget(), lambda: at)
        return _counted(model.requests, answer)


def _counted(requests: Sequence[ChatRequest], answer: Answer) -> Economy:
    sizes = [-(-request.size // CHARACTERS_PER_TOKEN) for request in requests]
    return Economy(first=sizes[0], whole=sum(sizes) + answer.usage.tokens_out, calls=len(sizes))


def _painted(read: Read[Any], evidence: Sequence[Evidence]) -> Read[Any]:
    def run(asked: Value, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
        return tuple(evidence[:4])

    return replace(read, run=run)
