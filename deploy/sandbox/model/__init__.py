"""A stand-in for a language model: an OpenAI-compatible server whose answers follow from a script.

It stands for a model where none is configured: in tests, in the demo without a key, and above all where a bad model
is needed (slow, failing, looping, obedient to whoever writes the logs). Its default script reads what it is shown, as
a model would; nothing tells it which story it is in.

    with ScriptedModel(obeys_injection) as model: model.url; model.requests
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from deploy.sandbox.model.engineer import engineer
from deploy.sandbox.model.server import Journal, app
from deploy.sandbox.model.wire import ChatRequest, Script
from deploy.sandbox.serving import LoopbackServer

NAME = "scripted"
KEY = "sandbox-key"


class ScriptedModel:
    """The server, answering by one script: `url` is what a client calls `base_url`."""

    def __init__(self, mode: Script = engineer, port: int = 0) -> None:
        self._journal = Journal()
        self._server = LoopbackServer(app(mode, self._journal, NAME), port)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>/v1`."""
        return f"{self._server.url}/v1"

    @property
    def requests(self) -> tuple[ChatRequest, ...]:
        """Every chat request so far, oldest first."""
        return self._journal.requests

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
