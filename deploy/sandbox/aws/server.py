"""`Aws`: the sandbox account as one object. Starts moto on loopback, seeds it, breaks it on request, lets time pass."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from deploy.sandbox.aws.answers import answers
from deploy.sandbox.aws.notifications import Signer, sns_confirmation
from deploy.sandbox.aws.outbox import Delivery, Outbox, Shape
from deploy.sandbox.aws.seed import ACCOUNT, REGION, TOPIC, Cloud, cloud, seed, watch
from deploy.sandbox.aws.subjects import Orders, RatesFeed, ReportsDisk, Subject, WebFleet
from deploy.sandbox.aws.wire import READER_KEY, WRITER_KEY, Effect, Fault, Wire
from deploy.sandbox.aws.world import World
from deploy.sandbox.serving import LOOPBACK

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer

READER_PROFILE, WRITER_PROFILE = "sayso-reader", "sayso-writer"
POLL_SECONDS = 0.05
"""How long stopping the server may take."""
CONFIRMATION_TOKEN = "sandbox-confirmation-token"
_ONE_AT_A_TIME = threading.Lock()
"""moto's world is one per process: a second sandbox would see, and reset, the first one's."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Aws:
    """`with Aws() as aws: aws.url`. Time passes only by `tick()`, or every `every` seconds where that is given."""

    def __init__(
        self,
        port: int = 0,
        *,
        webhook_url: str | None = None,
        shape: Shape = "sns",
        webhook_headers: Mapping[str, str] | None = None,
        every: float | None = None,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.topic_arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:{TOPIC}"
        self.region = REGION
        self.instance_id = ""
        """The reports machine; known once started."""
        self._port = port
        self._every = every
        self._clock = clock
        self._signer = Signer()
        self._outbox = Outbox(webhook_url, shape, webhook_headers or {}, self._signer, self.topic_arn)
        self._stopping = threading.Event()
        self._folder = ""

    @property
    def url(self) -> str:
        """Where AWS answers: `http://127.0.0.1:<port>`."""
        return f"http://{LOOPBACK}:{self._server.server_port}"

    @property
    def effects(self) -> tuple[Effect, ...]:
        """Every mutating call somebody made and AWS carried out, oldest first. The sandbox's own are not among them."""
        return tuple(self._wire.effects)

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Every message for the webhook, oldest first, delivered or not."""
        return tuple(self._outbox.deliveries)

    def environment(self) -> dict[str, str]:
        """What the bot needs to live in this account: endpoint, region, credentials, and both identities' profiles."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_PROFILE": READER_PROFILE,
            "SAYSO_WRITER_AWS_PROFILE": WRITER_PROFILE,
            "AWS_CONFIG_FILE": str(Path(self._folder) / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(Path(self._folder) / "credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def break_(self, scenario: str) -> None:
        """Start the fault of a scenario (asg-cpu, ecs-connections, disk-full, unknown-metric): its alarm goes off."""
        self._world.break_(scenario, self._clock())
        self._outbox.flush()

    def tick(self, steps: int = 1) -> None:
        """Let time pass."""
        for _ in range(steps):
            self._world.tick(self._clock())
            self._outbox.flush()

    def wait(self, seconds: float) -> None:
        """Let real time pass, or less of it when the sandbox is stopped."""
        self._stopping.wait(seconds)

    def notify(self, url: str, shape: Shape = "sns", headers: Mapping[str, str] | None = None) -> None:
        """From now on tell this webhook; what waited for one is delivered first."""
        self._outbox.url, self._outbox.shape, self._outbox.headers = url, shape, dict(headers or {})
        self._outbox.flush()

    def tell_by_event(self, alarm: str, url: str) -> None:
        """From now on this alarm is told by EventBridge, at its own URL."""
        self._outbox.events_to[alarm] = url

    def offer_subscription(self) -> None:
        """Send the SubscriptionConfirmation SNS starts with."""
        self._outbox.send(sns_confirmation(self.topic_arn, CONFIRMATION_TOKEN, self.url, self._clock()))
        self._outbox.flush()

    def spoil_next(self, action: str, fault: Fault) -> None:
        """The next call of this action is carried out but never answered, or fails, or is refused."""
        self._wire.faults[action] = fault

    def start(self) -> Self:
        """Serve, seed, and begin."""
        if not _ONE_AT_A_TIME.acquire(blocking=False):
            raise RuntimeError("moto keeps its world in the process: only one AWS sandbox can run in it at a time")
        with ExitStack() as undo:
            undo.callback(_ONE_AT_A_TIME.release)
            self._folder = undo.enter_context(tempfile.TemporaryDirectory(prefix="sayso-sandbox-aws-"))
            self._serve(undo)
            self._write_profiles(Path(self._folder))
            self._seed()
            if self._every is not None:
                live = threading.Thread(target=self._live, args=(self._every,), name="aws-time", daemon=True)
                live.start()
                undo.callback(live.join, 5)
                undo.callback(self._stopping.set)
            self._ending = undo.pop_all()
        return self

    def stop(self) -> None:
        """Stop time and the server; the account is gone."""
        self._ending.close()

    def _serve(self, undo: ExitStack) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
        from werkzeug.serving import make_server

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        # Nobody here looks an image up, and loading moto's catalogue of them takes two seconds.
        os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        app = DomainDispatcherApplication(create_backend_app)
        self._wire = Wire(app, self._react, answers(lambda: (self.instance_id,), lambda: self._wire.effects))
        self._wire.pages[self._signer.path] = self._signer.certificate()
        self._server: BaseWSGIServer = make_server(
            LOOPBACK, self._port, self._wire, threaded=True, request_handler=MotoRequestHandler
        )
        undo.callback(self._server.server_close)
        serving = threading.Thread(target=self._server.serve_forever, args=(POLL_SECONDS,), name="aws", daemon=True)
        serving.start()
        undo.callback(serving.join, 5)
        undo.callback(self._server.shutdown)
        self._outbox.sender = self.url
        # Another sandbox of this process may have left its world behind.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(urllib.request.Request(f"{self.url}/moto-api/reset", method="POST"), timeout=30).close()

    def _seed(self) -> None:
        clients = cloud(self.url)
        self.instance_id = seed(clients)
        subjects = _subjects(clients, self.instance_id, self._clock())
        arns = {id_: watch(clients, one.alarm, self.topic_arn) for id_, one in subjects.items()}
        self._world = World(subjects, arns, clients, self._outbox.tell)
        self._world.begin(self._clock())

    def _react(self, effect: Effect) -> None:
        self._world.react(effect)

    def _write_profiles(self, folder: Path) -> None:
        """An AWS configuration with both identities, so that the product tells them apart as it would in earnest."""
        keys = {READER_PROFILE: READER_KEY, WRITER_PROFILE: WRITER_KEY}
        credentials = "".join(
            f"[{name}]\naws_access_key_id = {key}\naws_secret_access_key = sandbox\n" for name, key in keys.items()
        )
        config = "".join(f"[profile {name}]\nregion = {REGION}\n" for name in keys)
        (folder / "credentials").write_text(credentials)
        (folder / "config").write_text(config)

    def _live(self, every: float) -> None:
        while not self._stopping.wait(every):
            self.tick()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _subjects(clients: Cloud, instance_id: str, now: datetime) -> dict[str, Subject]:
    return {
        "asg-cpu": WebFleet(clients),
        "ecs-connections": Orders(clients, now),
        "disk-full": ReportsDisk(instance_id),
        "unknown-metric": RatesFeed(),
    }
