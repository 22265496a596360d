"""The one place that wires: settings -> clients -> record -> flows -> listeners -> schedule. Plain calls, in order."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

import structlog
from sqlalchemy.exc import OperationalError

from bot import health, intake, logs
from bot.desk import Desk, Patience
from bot.doctor import Check, Status
from bot.durable import Durable, step
from bot.investigation.budget import Budget
from bot.investigation.minds import Minds
from bot.investigation.prices import Price
from bot.investigation.values import ModelAccess
from bot.listeners import register
from bot.listeners.messages import InboxWorker
from bot.memory import Embedder, Library, reminding
from bot.metrics import Metrics
from bot.people import LookupFailed, People, groups, services
from bot.plans import superseding
from bot.policy import rulebook, rules_file
from bot.policy.rules_file import RulesFile
from bot.rehearsal import catalogue
from bot.remediation import finish, remediate
from bot.settings import Settings, SlackAccess
from bot.sign_in import pages as sign_in
from bot.sign_in import step_up
from bot.slack import Outbox
from bot.socket_mode import SocketMode
from bot.sweep import sweep
from bot.triage import give_up_triage, triage
from bot.web import Doors, HttpServer, create_web
from bot.witness import LOOK_SECONDS, appoint
from storage.database import Database, hold_alone, migrate
from storage.tables import PlanStatus
from tools import redaction
from tools.clients import Readers, Writers
from tools.clients.aws import AwsReader, AwsWriter
from tools.clients.kubernetes import KubernetesReader, KubernetesWriter
from tools.clients.prometheus import AlertmanagerReader, PrometheusReader
from tools.errors import PermanentError

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler
    from flask import Request, Response
    from slack_bolt import App
    from slack_sdk import WebClient
    from slack_sdk.web import SlackResponse

log = structlog.get_logger(__name__)
MEMORY_SECONDS = 300.0
"""Between two readings of the runbooks."""
RULES_SECONDS = 10.0
"""At most so long between two looks at the rules, on record and in the file."""


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


class Sayso:
    """The whole bot, wired and not yet running: `with Sayso(settings) as bot: ...` runs it."""

    def __init__(self, settings: Settings) -> None:
        slack = settings.require_slack()
        redaction.use_key(_redaction_key(slack))
        self._alone = hold_alone(settings.database_url)
        self.database = _record(settings)
        self.client = web_client(slack)
        identity = _introduce(self.client)
        self.durable = Durable(settings.database_url, on_lost_presence=_fence)
        self.rules = RulesFile(settings.rules)
        team_id = str(identity["team_id"])
        self.desk = _desk(settings, slack, self.database, self.rules, self.durable, self.client, team_id)
        register_flows(self.durable, self.desk)
        self.app = _bolt(slack, self.client)
        register(self.app, self.desk)
        self.outbox = Outbox(
            web_client(slack),
            self.database,
            self.durable.executor,
            self.desk.metrics,
            utc_now,
            is_shared=self.desk.people.is_shared,
        )
        bots = frozenset((bot.channel, bot.bot_id) for bot in settings.alert_bots)
        self.inbox = InboxWorker(self.desk, self.client, str(identity["user_id"]), bots)
        self.socket = _socket(self.app, slack, self.client)
        self.http = self._web(settings)
        channel = settings.audit_channel or slack.alert_channel
        self.witness = appoint(settings, self.database, channel, self.desk.metrics, utc_now)
        self.schedule = _schedule(self.desk, self.rules, settings.sweep_seconds)
        watching = {"seconds": LOOK_SECONDS, "max_instances": 1, "coalesce": True}
        # However long starting takes, the first look is not missed: what nobody signed yet, nobody vouches for.
        self.schedule.add_job(
            self.witness.look, "interval", next_run_time=utc_now(), misfire_grace_time=None, **watching
        )

    def start(self) -> Self:
        """Start everything, intake last: nothing is accepted before it can be handled."""
        self.durable.launch()
        self.outbox.start()
        self.inbox.start()
        self.schedule.start()
        sweep(self.desk)
        rules_file.watch(self.rules, self.desk)
        _warn_of_thin_rosters(self.desk)
        if self.socket is not None:
            self.socket.connect()
        self.http.start()
        log.info("sayso.started", executor=self.durable.executor, http=self.http.url)
        return self

    def stop(self) -> None:
        """Stop intake first. What is in flight goes on in the next process."""
        self.http.stop()
        if self.socket is not None:
            self.socket.close()
        self.schedule.shutdown(wait=True)
        self.inbox.stop()
        self.durable.stop()
        self.outbox.stop()
        self.witness.stop()  # after the last entry
        self.database.close()
        if self._alone is not None:
            self._alone.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _web(self, settings: Settings) -> HttpServer:
        doors = Doors(
            settings=settings,
            database=self.database,
            metrics=self.desk.metrics,
            receive=lambda alerts: intake.receive(alerts, self.desk),
            ready=self._ready,
            confirm=_confirm(self.desk.readers),
            now=utc_now,
            slack=_slack_handler(self.app) if settings.slack_mode == "http" else None,
            sign_in=sign_in.routes(self.desk),
        )
        return HttpServer(create_web(doors), settings.http_host, settings.http_port)

    def _ready(self) -> tuple[Check, ...]:
        """What this process cannot do without: its record, and Slack's line to it."""
        record = health.database(self.desk)
        connected = self.socket is None or self.socket.is_connected()
        return (
            Check(name="database", status=Status.OK if record.ok else Status.BROKEN, detail=record.detail),
            Check(name="slack", status=Status.OK if connected else Status.BROKEN, detail="Socket Mode"),
        )


def _warn_of_thin_rosters(desk: Desk) -> None:
    """Rules with nobody to spare are told of before somebody is away."""
    try:
        for warning in groups.thin(desk):
            log.warning("roster.thin", warning=warning)
    except LookupFailed as error:
        log.warning("roster.unknown", error=str(error))


def register_flows(durable: Durable, desk: Desk) -> None:
    """The durable flows, under the names they are resumed by. DBOS wants plain functions, not methods."""

    def run_triage(incident_id: int, look: int) -> str:
        try:
            return triage(incident_id, look, desk)
        except Exception:  # the flow's edge: nobody may be left waiting for a card that never moves
            log.exception("triage.failed", incident_id=incident_id)
            return step(give_up_triage, incident_id, desk)

    def run_remediation(plan_id: int, run: str) -> str:
        try:
            return remediate(plan_id, run, desk)
        except Exception:  # the flow's edge: what was done so far is on record, and a person has to look
            log.exception("remediation.failed", plan_id=plan_id)
            return step(finish, plan_id, PlanStatus.NEEDS_HUMAN, desk)

    durable.register("triage", run_triage, poll=0.2)  # nobody has pressed anything: idle costs less
    durable.register("remediate", run_remediation)


def _record(settings: Settings) -> Database:
    """The record, open and migrated. Raises PermanentError when the database does not answer."""
    database = Database(settings.database_url)
    try:
        migrate(database)
    except OperationalError as error:
        raise PermanentError(f"the database does not answer (DATABASE_URL): {error.orig}") from error
    return database


def _introduce(client: WebClient) -> SlackResponse:
    """Who we are in Slack. Raises PermanentError when Slack does not know us, or cannot be reached."""
    from slack_sdk.errors import SlackApiError

    try:
        return client.auth_test()
    except SlackApiError as error:
        raise PermanentError(
            f"Slack says {error.response['error']} (SLACK_BOT_TOKEN); sayso doctor tells more"
        ) from error
    except OSError as error:
        raise PermanentError(f"Slack cannot be reached at {client.base_url}: {error}") from error


def _redaction_key(slack: SlackAccess) -> bytes:
    """Makes the same secret show as the same placeholder after a restart, and another one in another installation."""
    return hashlib.sha256(b"sayso.redaction\n" + slack.bot_token.get_secret_value().encode()).digest()


def web_client(slack: SlackAccess) -> WebClient:
    """A Slack client. The token goes on the client itself: Bolt needs it there when the address is not Slack's own.

    By itself the SDK would call again when an answer is lost, and so post a message twice.
    """
    from slack_sdk import WebClient

    token = slack.bot_token.get_secret_value()
    return WebClient(token=token, base_url=slack.api_url, timeout=10, retry_handlers=[])


def readers(settings: Settings) -> Readers:
    """The read-only identities."""
    token = settings.prometheus_token
    return Readers(
        kubernetes=KubernetesReader.from_kubeconfig(settings.kubeconfig, settings.kube_context)
        if settings.cluster_enabled
        else None,
        aws=AwsReader.from_profile(settings.aws_profile) if settings.aws_enabled else None,
        prometheus=PrometheusReader(settings.prometheus_url, token.get_secret_value() if token else None)
        if settings.prometheus_url
        else None,
        alertmanager=AlertmanagerReader(settings.alertmanager_url) if settings.alertmanager_url else None,
    )


def writers(settings: Settings) -> Writers:
    """The identities that carry out approved plans."""
    return Writers(
        kubernetes=KubernetesWriter.from_kubeconfig(settings.writer_kubeconfig, settings.kube_context)
        if settings.writer_kubeconfig
        else None,
        aws=AwsWriter.from_profile(settings.writer_aws_profile) if settings.writer_aws_profile else None,
    )


def _desk(
    settings: Settings,
    slack: SlackAccess,
    database: Database,
    file: RulesFile,
    durable: Durable,
    client: WebClient,
    team_id: str,
) -> Desk:
    return Desk(
        database=database,
        durable=durable,
        readers=readers(settings),
        writers=writers(settings),
        rulebook=rulebook.opened(database, file.read(), file.path.name, catalogue(), utc_now()),
        people=People(client, team_id, settings.usergroups, utc_now),
        minds=minds_of(settings),
        metrics=Metrics(),
        patience=Patience(verify=settings.verify_seconds, watch=settings.watch_seconds),
        environment=settings.environment,
        channel=slack.alert_channel,
        now=utc_now,
        services=services.read(settings.services),
        sign_ins=step_up.sign_ins(settings),
        audit_channel=settings.audit_channel,
        library=_library(settings),
    )


def _library(settings: Settings) -> Library:
    """Where runbooks are, and the model that gives vectors where one is set."""
    embedder = None
    if settings.embedding_model is not None and settings.openai_api_key is not None:
        key = settings.openai_api_key.get_secret_value()
        embedder = Embedder(base_url=settings.openai_base_url, api_key=key, model=settings.embedding_model)
    return Library(runbooks=settings.runbooks, embedder=embedder)


def minds_of(settings: Settings) -> Minds:
    """Who thinks, as the settings say: the rules, and the model where one is set."""
    model = settings.model_settings()
    if model is None:
        return Minds(model=None, budget=Budget())
    budget = Budget(
        turns=model.turns,
        tokens=model.tokens,
        seconds=model.seconds,
        dollars=model.dollars,
        day_tokens=model.day_tokens,
        day_dollars=model.day_dollars,
    )
    price = Price(tokens_in=model.price[0], tokens_out=model.price[1]) if model.price is not None else None
    access = ModelAccess(model.base_url, model.api_key.get_secret_value(), model.name, price)
    if model.fallback is None:
        return Minds(model=access, budget=budget)
    other = ModelAccess(model.fallback_base_url, model.fallback_api_key.get_secret_value(), model.fallback)
    return Minds(model=access, budget=budget, fallback=other)


def _bolt(slack: SlackAccess, client: WebClient) -> App:
    from slack_bolt import App

    secret = slack.signing_secret.get_secret_value() if slack.signing_secret is not None else "unused-in-socket-mode"
    # The response follows the listener: what fails before it is kept is not acknowledged, and Slack sends it again.
    return App(client=client, signing_secret=secret, process_before_response=True)


def _socket(app: App, slack: SlackAccess, client: WebClient) -> SocketMode | None:
    if slack.mode != "socket" or slack.app_token is None:
        return None
    return SocketMode(app, client, slack.app_token.get_secret_value())


def _slack_handler(app: App) -> Callable[[Request], Response]:
    """Slack's signed requests, in HTTP mode."""
    from slack_bolt.adapter.flask import SlackRequestHandler

    handler = SlackRequestHandler(app)
    return handler.handle


def _confirm(eyes: Readers) -> Callable[[str, str], None]:
    """Confirms an SNS subscription; without AWS there is nobody to confirm it to."""

    def confirm(topic: str, token: str) -> None:
        if eyes.aws is None:
            raise PermanentError("no AWS account is configured (AWS_REGION)")
        eyes.aws.confirm_subscription(topic, token)

    return confirm


def _schedule(desk: Desk, rules: RulesFile, seconds: float) -> BackgroundScheduler:
    from apscheduler.schedulers.background import BackgroundScheduler

    schedule = BackgroundScheduler(timezone=UTC)
    schedule.add_job(sweep, "interval", seconds=seconds, args=[desk], max_instances=1, coalesce=True)
    every = {"max_instances": 1, "coalesce": True}
    schedule.add_job(rules_file.watch, "interval", seconds=min(seconds, RULES_SECONDS), args=[rules, desk], **every)
    # Apart from the sweep: looking at targets may take long, and windows and escalations keep their time.
    schedule.add_job(superseding.watch, "interval", seconds=seconds, args=[desk], max_instances=1, coalesce=True)
    remembering = {"seconds": MEMORY_SECONDS, "next_run_time": utc_now(), "misfire_grace_time": None}
    schedule.add_job(reminding.keep_up, "interval", args=[desk], max_instances=1, coalesce=True, **remembering)
    return schedule


def _fence() -> None:
    """Others may now take over our work: stop at once, so that no two processes do it. Whoever runs us restarts us."""
    log.error("presence.lost")
    os._exit(3)


def run(settings: Settings) -> None:
    """Run until told to stop."""
    logs.configure(settings.log_format, settings.log_level)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    with Sayso(settings):
        stopping.wait()
