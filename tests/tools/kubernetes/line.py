"""A bad line to the API server: a real HTTP proxy on loopback that refuses, answers nothing, or loses answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

import requests
import yaml

from deploy.sandbox.cluster import Identity


@dataclass
class Troubles:
    """What is wrong with the line. `paths` name fragments of addresses; writes are changes that are no dry run."""

    refused: dict[str, int] = field(default_factory=dict)
    """Fragment -> the status that is answered in place of the server."""
    loses_answers: bool = False
    """Writes reach the server; their answers do not come back."""
    loses_requests: bool = False
    """Writes do not reach the server, and nobody says so."""
    meanwhile: Callable[[], None] | None = None
    """Happens once, just before the next write reaches the server."""
    asked: list[str] = field(default_factory=list)
    """Every request so far, as `METHOD target`."""


class Line:
    """`with Line(cluster.url) as line: line.kubeconfig(path)`; change `line.troubles` at any time."""

    def __init__(self, upstream: str) -> None:
        self.troubles = Troubles()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(upstream, self.troubles))
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """Where the line begins."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def kubeconfig(self, path: Path, identity: Identity) -> Path:
        """A kubeconfig that goes through this line."""
        return kubeconfig(path, self.url, identity.token)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def kubeconfig(path: Path, server: str, token: str) -> Path:
    """A kubeconfig for any address."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "line", "cluster": {"server": server}}],
        "users": [{"name": "line", "user": {"token": token}}],
        "contexts": [{"name": "line", "context": {"cluster": "line", "user": "line"}}],
        "current-context": "line",
    }
    path.write_text(yaml.safe_dump(config))
    return path


def _handler(upstream: str, troubles: Troubles) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Forwards one request, as far as the line allows."""

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._pass()

        def do_POST(self) -> None:
            self._pass()

        def do_PATCH(self) -> None:
            self._pass()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the name is the base class's
            """Say nothing."""

        def _pass(self) -> None:
            troubles.asked.append(f"{self.command} {self.path}")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            for fragment, status in troubles.refused.items():
                if fragment in self.path:
                    self._answer(status, b'{"kind":"Status","message":"refused on the line"}', "application/json")
                    return
            write = self.command == "PATCH" and "dryRun" not in self.path
            if write and troubles.loses_requests:
                self.close_connection = True
                return
            if write and troubles.meanwhile is not None:
                happening, troubles.meanwhile = troubles.meanwhile, None
                happening()
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            answer = requests.request(self.command, upstream + self.path, data=body, headers=headers, timeout=10)
            if write and troubles.loses_answers:
                self.close_connection = True
                return
            self._answer(answer.status_code, answer.content, answer.headers.get("Content-Type", "text/plain"))

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
