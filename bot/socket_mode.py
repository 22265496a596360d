"""Slack's line to us in Socket Mode: one websocket, renewed without a gap; envelopes are answered where they came in.

Bolt decides what an envelope means. Of the SDK's own clients the built-in one loses its place in the stream when
messages come faster than it reads (it then drops clicks as garbage), and the websocket-client one is without a line
for ten seconds whenever Slack asks to renew.
"""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slack_bolt import App, BoltResponse
    from slack_sdk import WebClient
    from websockets.sync.client import ClientConnection

log = structlog.get_logger(__name__)
WORKERS = 10
LONGEST_PAUSE = 30.0
"""Seconds between two tries to get a line, at most; they begin at a quarter."""
LINGER = 5.0
"""Seconds a replaced line is still listened to: what Slack had put on it already is answered on it."""
PING = 10.0
"""Seconds between pings; a line that does not answer within as many is dead."""
LARGEST = 16 * 1024 * 1024
"""Bytes of an envelope."""


class SocketMode:
    """Keeps a line to Slack open from `connect` to `close`."""

    def __init__(self, app: App, client: WebClient, app_token: str) -> None:
        self._app, self._client, self._token = app, client, app_token
        self._workers = ThreadPoolExecutor(WORKERS, "slack")
        self._stopping = threading.Event()
        self._changing = threading.Lock()
        self._lines: set[ClientConnection] = set()

    def connect(self) -> None:
        """Open the first line. Raises what Slack or the network says against it; later lines are tried for ever."""
        self._listen_apart(self._open())

    def is_connected(self) -> bool:
        """Whether there is a line now."""
        with self._changing:
            return bool(self._lines)

    def close(self) -> None:
        """Answer what is in hand, then hang up. Slack sends again what was not answered."""
        with self._changing:
            self._stopping.set()
        self._workers.shutdown(wait=True, cancel_futures=True)
        with self._changing:
            lines = list(self._lines)
        for line in lines:
            line.close()

    def _open(self) -> ClientConnection:
        from websockets.sync.client import connect

        address = self._client.apps_connections_open(app_token=self._token)["url"]
        with ExitStack() as opening:
            line = opening.enter_context(
                connect(
                    address, compression=None, ping_interval=PING, ping_timeout=PING, close_timeout=1, max_size=LARGEST
                )
            )
            opening.pop_all()  # it stays open: whoever listens to it hangs up
        with self._changing:
            self._lines.add(line)
        log.info("slack.connected")
        return line

    def _listen_apart(self, line: ClientConnection) -> None:
        threading.Thread(target=self._listen, args=(line,), name="slack-line", daemon=True).start()

    def _listen(self, line: ClientConnection) -> None:
        """Read a line to its end. When Slack says that it will go, or it just goes, there is another."""
        replaced_at: float | None = None
        while not self._stopping.is_set() and (replaced_at is None or time.monotonic() - replaced_at < LINGER):
            envelope = self._next(line)
            if envelope is None:
                break
            if envelope.get("type") == "disconnect" and replaced_at is None:
                log.info("slack.renewing", reason=envelope.get("reason"))
                self._replace()
                replaced_at = time.monotonic()
            elif "envelope_id" in envelope:
                self._hand_over(line, envelope)
        with self._changing:
            self._lines.discard(line)
        line.close()
        if replaced_at is None and not self._stopping.is_set():
            log.warning("slack.disconnected")
            self._replace()

    def _hand_over(self, line: ClientConnection, envelope: dict[str, Any]) -> None:
        with self._changing:  # against `close`: its workers take nothing more
            if not self._stopping.is_set():
                self._workers.submit(self._answer, line, envelope)

    def _next(self, line: ClientConnection) -> dict[str, Any] | None:
        """The next envelope, an empty one after a second of silence, None when the line is closed."""
        from websockets.exceptions import ConnectionClosed

        try:
            said = json.loads(line.recv(timeout=1))
        except TimeoutError:
            return {}
        except ConnectionClosed:
            return None
        except ValueError:
            log.warning("slack.not_json")
            return {}
        return said if isinstance(said, dict) else {}

    def _replace(self) -> None:
        """Open another line, trying until there is one."""
        from slack_sdk.errors import SlackClientError
        from websockets.exceptions import WebSocketException

        pause = 0.25
        while not self._stopping.is_set():
            try:
                return self._listen_apart(self._open())
            except (SlackClientError, WebSocketException, OSError) as error:
                log.warning("slack.unreachable", error=str(error), again_in=pause)
            except Exception:  # the line's edge: whatever it was, without a line nobody can reach us
                log.exception("slack.unreachable", again_in=pause)
            self._stopping.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        return None

    def _answer(self, line: ClientConnection, envelope: dict[str, Any]) -> None:
        """Let Bolt handle an envelope, and acknowledge it. One that was not handled is not: Slack sends it again."""
        from slack_bolt import BoltRequest
        from websockets.exceptions import ConnectionClosed

        again = {
            "x-slack-retry-num": envelope.get("retry_attempt"),
            "x-slack-retry-reason": envelope.get("retry_reason"),
        }
        headers: dict[str, str | Sequence[str]] = {name: str(said) for name, said in again.items() if said is not None}
        try:
            answer = self._app.dispatch(BoltRequest(mode="socket_mode", body=envelope["payload"], headers=headers))
            if answer.status != 200:
                log.warning("slack.not_handled", status=answer.status)
                return
            line.send(json.dumps({"envelope_id": envelope["envelope_id"], **_payload(answer)}))
        except ConnectionClosed:
            log.info("slack.ack_lost")
        except Exception:  # the line's edge: one bad envelope must not take a worker with it unseen
            log.exception("slack.failed")


def _payload(answer: BoltResponse) -> dict[str, Any]:
    """What goes back with the acknowledgement: a modal's errors, a command's answer, mostly nothing."""
    if not answer.body:
        return {}
    kind = (answer.headers.get("content-type") or [""])[0]
    return {"payload": json.loads(answer.body) if kind.startswith("application/json") else {"text": answer.body}}
