"""The HTTP door: alert webhooks in, Slack's requests in HTTP mode, sign-in pages, health and metrics out.

Here: who may post (verified before anything is read), how much, and what the sender is told. What a body means is in
`bot.alerts`, what becomes of an alert in `bot.intake`. Nothing about what went wrong inside ever leaves.
"""

from __future__ import annotations

import hmac
import socket
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

import structlog
from flask import Blueprint, Flask, Request, Response, jsonify, request
from pydantic import SecretStr
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from bot.alerts import MalformedAlert, ParsedAlert, alertmanager, cloudwatch, sns
from bot.doctor import Check, Status
from bot.metrics import CONTENT_TYPE, Metrics
from bot.settings import Settings
from storage import inbox
from storage.database import Database
from storage.tables import InboxEvent

if TYPE_CHECKING:
    from bot.intake import Receipt

MAXIMUM_BODY = 1024 * 1024
"""Bytes of a body. Alertmanager's own groups stay far below it."""
HARD_LIMIT = 8 * MAXIMUM_BODY
"""From here on the server itself hangs up, without reading."""
THREADS = 8
FUTURE = 30
"""Seconds by which Slack's clock may be ahead of ours (approvals fact sheet, section 2.6)."""

Answer = tuple[Response, int]
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Doors:
    """What the HTTP server opens on to, put together by `bot.app`."""

    settings: Settings
    database: Database
    metrics: Metrics
    receive: Callable[[tuple[ParsedAlert, ...]], Receipt]
    """Records the alerts of one delivery and starts what follows; `bot.intake`'s."""
    ready: Callable[[], tuple[Check, ...]]
    """Whether each part this process depends on answers, cheaply."""
    confirm: sns.Confirm
    now: Callable[[], datetime]
    slack: Callable[[Request], Response] | None = None
    """Bolt's handler, in HTTP mode."""
    sign_in: Blueprint | None = None
    """The pages where a decision is confirmed behind a fresh sign-in; `bot.sign_in.pages`'s."""


class Forged(Exception):
    """The sender did not prove who it is; the text says why, for our log only."""


@dataclass(frozen=True)
class Delivery:
    """A body from a sender that proved itself. `key` tells it from others where the sender repeats itself."""

    alerts: tuple[ParsedAlert, ...]
    note: str = ""
    key: str = ""


@dataclass(frozen=True)
class Source:
    """One kind of sender: the setting that lets it in, and how its bodies are opened.

    `opened` raises Forged before it has looked at anything, and MalformedAlert for what an honest sender got wrong.
    """

    name: str
    variable: str
    enabled: bool
    opened: Callable[[Request, bytes], Delivery]


def create_web(doors: Doors) -> Flask:
    """The app, to be served by `HttpServer`."""
    app = Flask("sayso", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAXIMUM_BODY
    known = {source.name: source for source in sources(doors)}

    def webhook(name: str) -> Answer:
        if name not in known:
            return _said(404, error=f"there is no source {name[:40]!r}; known are {', '.join(known)}")
        return _deliver(doors, known[name])

    app.add_url_rule("/webhooks/<name>", view_func=webhook, methods=["POST"])
    app.add_url_rule("/slack/events", view_func=lambda: _slack(doors), endpoint="slack", methods=["POST"])
    app.add_url_rule("/healthz", view_func=lambda: _said(200, status="alive"), endpoint="healthz")
    app.add_url_rule("/readyz", view_func=lambda: _ready(doors), endpoint="readyz")
    app.add_url_rule(
        "/metrics",
        view_func=lambda: Response(doors.metrics.exposition(), content_type=CONTENT_TYPE),
        endpoint="metrics",
    )
    if doors.sign_in is not None:
        app.register_blueprint(doors.sign_in)
    app.register_error_handler(RequestEntityTooLarge, lambda _: _too_large(doors, known))
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _failed)
    return app


def sources(doors: Doors) -> tuple[Source, ...]:
    """Everybody who may post alerts."""
    settings = doors.settings
    return (
        _bearer("alertmanager", "SAYSO_ALERTMANAGER_TOKEN", settings.alertmanager_token, alertmanager.parse),
        _bearer("eventbridge", "SAYSO_EVENTBRIDGE_TOKEN", settings.eventbridge_token, cloudwatch.parse),
        Source("sns", "SAYSO_SNS_TOPICS", bool(settings.sns_topics), _Sns(doors).opened),
    )


def _bearer(
    name: str, variable: str, token: SecretStr | None, parse: Callable[[bytes], tuple[ParsedAlert, ...]]
) -> Source:
    """A sender that shows a shared token, as `Authorization: Bearer ...`."""

    def opened(asked: Request, body: bytes) -> Delivery:
        scheme, _, given = asked.headers.get("Authorization", "").partition(" ")
        wanted = token.get_secret_value() if token is not None else ""
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), wanted.encode()):
            raise Forged("no bearer token, or a wrong one")
        return Delivery(parse(body))

    return Source(name, variable, token is not None, opened)


@dataclass(frozen=True)
class _Sns:
    """Amazon SNS: believed for its signature, heard once for each message id."""

    doors: Doors
    certificates: sns.Certificates = field(default_factory=sns.Certificates)

    def opened(self, _asked: Request, body: bytes) -> Delivery:
        settings = self.doors.settings
        door = sns.Door(frozenset(settings.sns_topics), allow_loopback=settings.sns_loopback_certs)
        try:
            accepted = sns.receive(
                body, door, self.certificates, self.doors.now(), self.doors.confirm, self._heard_before
            )
        except sns.NotFromSns as error:
            raise Forged(str(error)) from error
        if accepted.kind != "notification":
            return Delivery((), note=accepted.kind)
        return Delivery(cloudwatch.parse(body), key=_sns_key(accepted.message_id))

    def _heard_before(self, message_id: str) -> bool:
        with self.doors.database.reading() as session:
            return session.get(InboxEvent, _sns_key(message_id)) is not None


def _sns_key(message_id: str) -> str:
    return f"sns:{message_id}"


def _deliver(doors: Doors, source: Source) -> Answer:
    """Take one delivery in. Anything but 2xx and 4xx makes the sender come again."""
    if not source.enabled:
        doors.metrics.refused_deliveries.labels(source=source.name, reason="not_enabled").inc()
        return _said(403, error=f"{source.name} is not enabled; set {source.variable}")
    body = request.get_data(cache=False)
    try:
        delivery = source.opened(request, body)
    except Forged as error:
        log.warning("webhook.forged", source=source.name, reason=str(error), sender=request.remote_addr)
        doors.metrics.refused_deliveries.labels(source=source.name, reason="forged").inc()
        return _said(401, error="not authenticated")
    except MalformedAlert as error:
        return _keep_aside(doors, source, body, str(error))
    if not delivery.alerts:
        return _said(202, note=delivery.note or "nothing in it is an alert")
    receipt = doors.receive(delivery.alerts)
    _remember(doors, delivery)
    return _said(202, **receipt.model_dump())


def _remember(doors: Doors, delivery: Delivery) -> None:
    """Note that this was heard: after it was received, so that a crash in between makes it come again and fold."""
    if not delivery.key:
        return
    at = doors.now()
    with doors.database.writing() as session:
        if inbox.accept(session, delivery.key, "sns", "", at):
            inbox.handled(session, delivery.key, at)


def _keep_aside(doors: Doors, source: Source, body: bytes, reason: str) -> Answer:
    """Keep a body an honest sender got wrong, exactly as it came: after a fix on either side it can be posted again."""
    with doors.database.writing() as session:
        number = inbox.keep_refused(session, source=source.name, body=body, reason=reason, at=doors.now())
    log.warning("webhook.malformed", source=source.name, reason=reason, kept_as=number)
    doors.metrics.refused_deliveries.labels(source=source.name, reason="malformed").inc()
    return _said(400, error=reason, kept_as=number)


def _slack(doors: Doors) -> Response | Answer:
    if doors.slack is None:
        return _said(404, error="Slack comes by Socket Mode; SAYSO_SLACK_MODE=http opens this address")
    if _from_the_future(request.headers.get("X-Slack-Request-Timestamp", "")):
        log.warning("slack.forged", reason="stamped in the future", sender=request.remote_addr)
        return _said(401, error="not authenticated")
    return doors.slack(request)


def _from_the_future(stamp: str) -> bool:
    """Whether a request was signed for later. Bolt takes five minutes either way, and would so take one twice as long.

    By the wall clock, as Bolt does. What has no stamp, or none that is a number, is Bolt's to refuse.
    """
    return stamp.isascii() and stamp.isdigit() and len(stamp) < 15 and int(stamp) - time.time() > FUTURE


def _ready(doors: Doors) -> Answer:
    """503 while a part does not answer. Details are for our log: whoever asks here has not said who they are."""
    checks = doors.ready()
    wrong = [check for check in checks if check.status in (Status.MISSING, Status.BROKEN)]
    for check in wrong:
        log.warning("not.ready", part=check.name, detail=check.detail)
    return _said(503 if wrong else 200, ready=not wrong, parts={check.name: check.status for check in checks})


def _too_large(doors: Doors, known: dict[str, Source]) -> Answer:
    name = str((request.view_args or {}).get("name", ""))
    if name in known:
        doors.metrics.refused_deliveries.labels(source=name, reason="too_large").inc()
    return _said(413, error=f"a body has at most {MAXIMUM_BODY} bytes")


def _refused(error: HTTPException) -> Answer:
    return _said(error.code or 500, error=error.name.lower())


def _failed(error: Exception) -> Answer:
    """The server's edge: whatever went wrong is in our log under a reference, and only that goes out."""
    reference = uuid.uuid4().hex[:12]
    log.error("request.failed", path=request.path, reference=reference, exc_info=error)
    return _said(500, error="something went wrong here; try again", reference=reference)


def _said(status: int, /, **said: object) -> Answer:
    return jsonify(said), status


class HttpServer:
    """The app, served in threads: `with HttpServer(app, host, port) as server: server.url`. Port 0 picks a free one."""

    def __init__(self, app: Flask, host: str, port: int) -> None:
        import waitress

        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family)  # before serving: a taken port is told at once
        self._host, self.port = host, int(self._socket.getsockname()[1])
        self._server: Any = waitress.create_server(
            app, sockets=[self._socket], threads=THREADS, ident="sayso", max_request_body_size=HARD_LIMIT
        )
        self._thread = threading.Thread(target=self._server.run, name=f"http-{self.port}", daemon=True)

    @property
    def url(self) -> str:
        """`http://<host>:<port>`, without a trailing slash."""
        return f"http://[{self._host}]:{self.port}" if ":" in self._host else f"http://{self._host}:{self.port}"

    def start(self) -> Self:
        """Serve in the background."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Answer what is being answered, then close. A sender whose request is cut off comes again."""
        from waitress import wasyncore

        def close() -> None:
            wasyncore.close_all(self._server._map)

        if not self._thread.is_alive():  # never started, or stopped before
            close()
            return
        self._server.task_dispatcher.shutdown()
        # The loop ends once nothing is open; only its own thread may close what it polls.
        self._server.trigger.pull_trigger(close)
        self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
