"""What goes into a model's investigation and what comes out of it. Values only; how it is done is in `agent`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import Field

from bot.investigation.prices import Price, price_of
from tools.changes import Change
from tools.evidence import Evidence, Finding, Proposal
from tools.subjects import Subject
from tools.values import Value

HYPOTHESIS = 600
"""Most characters kept of a model's hypothesis."""


class Question(Value):
    """What a model is asked: the alert in words, where it points, and what the rules made of it so far."""

    alert: str
    heard: Evidence | None = None
    """The alert again as evidence, so that words of it can be quoted, and what was copied from it be told."""
    subject: Subject | None
    findings: tuple[Finding, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    gaps: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    """What changed around the onset, oldest first."""
    around: tuple[str, ...] = ()
    """How far it reaches and what hangs on what, one line each."""


@dataclass(frozen=True)
class ModelAccess:
    """An OpenAI-compatible endpoint (`http://host/v1`), the key it wants, and the model to ask there."""

    base_url: str
    api_key: str = field(repr=False)
    model: str
    price: Price | None = None
    """What people say it costs; None means what the built-in table says, if it knows."""

    @property
    def known_price(self) -> Price | None:
        """What it costs, as far as anybody knows."""
        return self.price or price_of(self.model)


class Usage(Value):
    """What an investigation took. Dollars are None where the model's price is not known."""

    calls: int = 0
    reads: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    dollars: float | None = None


class Answer(Value):
    """What a model concluded, as compiled by code: every action known, every claim quoted from stored evidence.

    `evidence` holds what the rules saw and all that the model read; `dropped` says in plain words which parts of its
    answer were refused, and why.
    """

    proposal: Proposal
    evidence: tuple[Evidence, ...]
    usage: Usage
    dropped: tuple[str, ...] = ()
    model: str = Field(min_length=1)
    reads: tuple[str, ...] = ()
    """What it asked to see, in order: `k8s_pod_logs shop/web-1 app`."""
    failed: str | None = None
    """Why the first model did not answer, where the fallback did."""


class ModelFailed(Exception):
    """No usable answer came from the model; the rules' answer stands.

    `reason` is a few words for people (`timeout`, `budget: 12 calls`, `http 500`, `nonsense`, `refused`,
    `unreachable`), `detail` one redacted sentence, `usage` what it took nevertheless, `reads` what it had asked to see.
    """

    def __init__(
        self,
        reason: str,
        detail: str,
        usage: Usage,
        *,
        reads: tuple[str, ...] = (),
    ) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
        self.usage = usage
        self.reads = reads


class RulesSpoke(Value):
    """The rules have concluded: the title of what they found, if anything."""

    found: str | None


class Reading(Value):
    """The model reads something, for the `number`th time in this look."""

    what: str
    number: int


class Thinking(Value):
    """The model is asked: for the `calls`th time, with so many tokens taken before."""

    model: str
    calls: int
    tokens: int


Stage = RulesSpoke | Reading | Thinking
"""Where an investigation stands, for whoever waits for it."""
Tell = Callable[[Stage], None]


def to_nobody(_: Stage) -> None:
    """Nobody waits."""
