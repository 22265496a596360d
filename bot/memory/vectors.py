"""Vectors of texts, from an OpenAI-compatible API's /embeddings. Optional: any failure means words only."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from bot.desk import Desk
from bot.memory import Embedder
from storage import memory

log = structlog.get_logger(__name__)
SECONDS = 10.0
AT_ONCE = 32
"""Texts in one request."""
LONGEST = 6000
"""Characters of a text that are sent."""


class _Vector(BaseModel):
    model_config = ConfigDict(extra="ignore")

    index: int
    embedding: list[float]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    data: list[_Vector]


def vectors(texts: Sequence[str], embedder: Embedder) -> list[list[float]] | None:
    """A vector for each text, in their order; None when the API does not give them, which is logged."""
    import httpx2

    asked = {"model": embedder.model, "input": [text[:LONGEST] for text in texts]}
    headers = {"Authorization": f"Bearer {embedder.api_key}"}
    try:
        with httpx2.Client(trust_env=False, timeout=SECONDS) as client:
            answer = client.post(f"{embedder.base_url.rstrip('/')}/embeddings", json=asked, headers=headers)
            answer.raise_for_status()
        found = sorted(_Answer.model_validate_json(answer.content).data, key=lambda one: one.index)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValidationError) as error:
        log.warning("embeddings.failed", why=type(error).__name__)
        return None
    if [one.index for one in found] != list(range(len(texts))):
        log.warning("embeddings.failed", why="not a vector for each text")
        return None
    return [one.embedding for one in found]


def catch_up(desk: Desk) -> int:
    """Give vectors to what has none by the current model; how many got one."""
    embedder = desk.library.embedder
    if embedder is None:
        return 0
    with desk.database.reading() as session:
        waiting = memory.without_vector(session, embedder.model, AT_ONCE)
    found = vectors([text for _, text in waiting], embedder) if waiting else None
    if found is None:
        return 0
    with desk.database.writing() as session:
        numbers = (number for number, _ in waiting)
        memory.keep_vectors(session, dict(zip(numbers, found, strict=True)), embedder.model)
    return len(found)
