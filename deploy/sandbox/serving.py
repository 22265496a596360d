"""Serving an ASGI app on loopback, in a thread of this process or as a program of its own.

Every stand-in that speaks ASGI starts through here, so that they share one way to pick a free port, to be ready
before the caller goes on, and to stop. Nothing here knows what the app does.
"""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from starlette.types import ASGIApp

LOOPBACK = "127.0.0.1"


class LoopbackServer:
    """An ASGI app answering on loopback: `with LoopbackServer(app) as server: server.url`. Port 0 picks a free one."""

    def __init__(self, app: ASGIApp, port: int = 0) -> None:
        import uvicorn

        # asyncio sends small answers at once (TCP_NODELAY) only where the protocol is named; else each waits 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((LOOPBACK, port))
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, timeout_graceful_shutdown=1, ws="websockets-sansio"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name=f"serve-{self.port}", daemon=True)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>`, without a trailing slash."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> Self:
        """Serve in a background thread; return once the app has started up."""
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError(f"the server on port {self.port} did not start")
            self._thread.join(0.005)
        return self

    def stop(self) -> None:
        """Stop serving and wait for the thread to end."""
        self._server.should_exit = True
        self._thread.join(timeout=5)
        self._socket.close()

    def serve_forever(self) -> None:
        """Serve in this thread until interrupted; for `python -m deploy.sandbox.<stand-in>`."""
        self._server.run(sockets=[self._socket])

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
