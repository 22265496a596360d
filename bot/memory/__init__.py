"""What sayso remembers: incidents that were resolved, and the runbooks people wrote. `remembering` and `runbooks` keep
it, `reminding` finds it, `vectors` asks a model for meanings where one is set. A reminder is never a finding: it was
written about another day, and only what people or a verified fix confirmed is told as what helped.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Embedder:
    """A model of an OpenAI-compatible API that turns texts into vectors."""

    base_url: str
    api_key: str
    model: str


@dataclass(frozen=True)
class Library:
    """Where runbooks are, and which model gives vectors; neither is needed."""

    runbooks: Path | None = None
    embedder: Embedder | None = None
