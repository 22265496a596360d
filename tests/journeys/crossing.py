"""The road between the bot's writing hand and the cluster, on which one accident at a time can be arranged.

It passes requests on as they are. When an accident is due, the next write that is no dry run is met by it: before it
reaches the cluster, or after the cluster has carried it out and before the bot learns of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import parse_qs, urlsplit

from deploy.sandbox.cluster.api.access import Identity
from deploy.sandbox.cluster.kubeconfig import write_kubeconfig

When = Literal["before", "after"]
Accident = Callable[[], None]
SECONDS = 30


class Crossing:
    """`with Crossing(cluster.url) as crossing: crossing.arrange("after", bot.kill)`; `met` is set once it happened."""

    def __init__(self, to: str) -> None:
        self._to = urlsplit(to).netloc
        self._due: tuple[When, Accident] | None = None
        self.met = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where the bot takes the cluster to be."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def kubeconfig(self, path: Path) -> Path:
        """The writer's kubeconfig over this road."""
        return write_kubeconfig(path, self.url, Identity.WRITER)

    def arrange(self, when: When, accident: Accident) -> None:
        """Let this happen to the next write."""
        self.met.clear()
        self._due = (when, accident)

    def carry(self, request: BaseHTTPRequestHandler) -> None:
        """Pass one request on and its answer back, unless an accident is due to it."""
        due = self._take_due(request)
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        if due is not None and due[0] == "before":
            return self._happen(due[1])
        onward = HTTPConnection(self._to, timeout=SECONDS)
        onward.request(request.command, request.path, body, dict(request.headers))
        answer = onward.getresponse()
        content = answer.read()
        onward.close()
        if due is not None:
            return self._happen(due[1])
        request.send_response(answer.status)
        request.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)
        return None

    def _take_due(self, request: BaseHTTPRequestHandler) -> tuple[When, Accident] | None:
        query = parse_qs(urlsplit(request.path).query)
        if self._due is None or request.command != "PATCH" or "dryRun" in query:
            return None
        due, self._due = self._due, None
        return due

    def _happen(self, accident: Accident) -> None:
        accident()
        self.met.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def _handler(crossing: Crossing) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One connection of the bot's."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            crossing.carry(self)

        def do_PATCH(self) -> None:
            crossing.carry(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    return Handler
