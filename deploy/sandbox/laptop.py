"""The whole laptop world in one process: workspace, cluster and its metrics, AWS and, if wanted, a scripted model.

It says to a bot, by environment variables, where everything is. The bot is a process of its own (`deploy.sandbox.bot`).
"""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from deploy.sandbox.aws import Aws
from deploy.sandbox.bot import BotProcess
from deploy.sandbox.cluster import Cluster
from deploy.sandbox.cluster.api.access import Identity
from deploy.sandbox.model import KEY, NAME, ScriptedModel
from deploy.sandbox.model.wire import Script
from deploy.sandbox.prometheus import RULES, ClusterMetrics, Prometheus
from deploy.sandbox.workspace import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Workspace
from deploy.sandbox.workspace.directory import ALERTS
from deploy.sandbox.workspace.driver import WorkspaceDriver

WEBHOOK_TOKEN = "sandbox-webhook-token"
ONCALL = "S0ONCALL01"
ALERT_BOT_ID = "B0AM000001"
BY_EVENT = "prod-reports-disk-full"
"""The alarm that comes by EventBridge; the others come by SNS."""


def free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Laptop:
    """`with Laptop() as laptop: laptop.bot().start()`. `speed` is simulated seconds a second in the cluster.

    `cloud=False` leaves AWS out, which saves its seconds where a test needs only the cluster.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        page_port: int = 0,
        cluster_port: int = 0,
        aws_port: int = 0,
        bot_port: int | None = None,
        speed: float = 10.0,
        model: Script | None = None,
        cloud: bool = True,
    ) -> None:
        self._folder = folder
        self._ports = (page_port, cluster_port, aws_port)
        self._bot_port = bot_port or free_port()
        self._speed = speed
        self._script = model
        self._cloud = cloud

    def start(self) -> Self:
        """Start every stand-in; a failure stops those that had started."""
        page_port, cluster_port, aws_port = self._ports
        with ExitStack() as undo:
            self.folder = self._folder or Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="sayso-")))
            self.folder.mkdir(parents=True, exist_ok=True)
            self.workspace = undo.enter_context(Workspace(page_port))
            self.cluster = undo.enter_context(Cluster(port=cluster_port, speed=self._speed, rbac=True))
            measured = undo.enter_context(ClusterMetrics(self.cluster)).metrics
            self.prometheus = undo.enter_context(Prometheus(measured, RULES))
            self.aws = Aws(aws_port, every=0.5)
            if self._cloud:
                undo.enter_context(self.aws)
            self.model = undo.enter_context(ScriptedModel(self._script)) if self._script is not None else None
            self.driver = WorkspaceDriver(self.workspace.url)
            undo.callback(self.driver.close)
            token = {"Authorization": f"Bearer {Identity.ADMIN.token}"}
            self.kubernetes = undo.enter_context(
                httpx.Client(base_url=self.cluster.url, headers=token, trust_env=False)
            )
            self._undo = undo.pop_all()
        headers = {"Authorization": f"Bearer {WEBHOOK_TOKEN}"}
        webhooks = f"http://127.0.0.1:{self._bot_port}/webhooks"
        self.aws.notify(f"{webhooks}/sns", "sns", headers)
        self.aws.tell_by_event(BY_EVENT, f"{webhooks}/eventbridge")
        return self

    def stop(self) -> None:
        """Stop every stand-in."""
        self._undo.close()

    def bot(self, **more: str) -> BotProcess:
        """The bot for this world; `more` are further environment variables. Not started."""
        return BotProcess({**self.environment(), **more}, self.folder / "bot.log")

    def pass_time(self, seconds: float) -> None:
        """Wait for that many simulated seconds of the cluster."""
        time.sleep(seconds / self._speed)

    def environment(self) -> Mapping[str, str]:
        """Everything a bot must be told to live here."""
        return {
            "SLACK_API_URL": self.workspace.api_url,
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_APP_TOKEN": APP_TOKEN,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "SAYSO_ALERT_CHANNEL": ALERTS,
            "SAYSO_ALERT_BOTS": f"{ALERTS}:{ALERT_BOT_ID}",
            "SAYSO_APPROVERS": ONCALL,
            "DATABASE_URL": f"sqlite:///{self.folder / 'sayso.sqlite'}",
            "KUBECONFIG": str(self.cluster.kubeconfig(self.folder / "reader.kubeconfig", identity="reader")),
            "SAYSO_WRITER_KUBECONFIG": str(
                self.cluster.kubeconfig(self.folder / "writer.kubeconfig", identity="writer")
            ),
            "SAYSO_PROMETHEUS_URL": self.prometheus.url,
            "SAYSO_HTTP_PORT": str(self._bot_port),
            "SAYSO_ALERTMANAGER_TOKEN": WEBHOOK_TOKEN,
            "SAYSO_EVENTBRIDGE_TOKEN": WEBHOOK_TOKEN,
            "SAYSO_VERIFY_SECONDS": "45",
            "SAYSO_WATCH_SECONDS": "2",
            "SAYSO_SWEEP_SECONDS": "1",
            "SAYSO_LOG_FORMAT": "console",
            **self._cloud_environment(),
            **self._model_environment(),
        }

    def _cloud_environment(self) -> Mapping[str, str]:
        if not self._cloud:
            return {}
        topics = {"SAYSO_SNS_TOPICS": self.aws.topic_arn, "SAYSO_SNS_LOOPBACK_CERTS": "true"}
        return {**self.aws.environment(), **topics}

    def _model_environment(self) -> Mapping[str, str]:
        if self.model is None:
            return {}
        return {"OPENAI_BASE_URL": self.model.url, "OPENAI_API_KEY": KEY, "SAYSO_MODEL": NAME}

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
