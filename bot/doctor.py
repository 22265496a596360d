"""Is everything sayso needs there, reachable, and allowed no more than it should be? `sayso doctor` asks here.

Every part is looked at on its own, at the same time as the others and for a limited time, and nothing is changed
anywhere. What to do about a finding is said with it; doing it is for a person.
"""

from __future__ import annotations

import json
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.settings import Settings, SettingsError, SlackAccess, is_loopback
from bot.slack_scopes import BOT_SCOPES, NEVER_SCOPES
from tools.errors import PermanentError, TemporaryError
from tools.redaction import redact
from tools.values import Value

if TYPE_CHECKING:
    from slack_sdk import WebClient

    from storage.database import Database
    from tools.clients.aws import AwsReader, AwsWriter
    from tools.clients.kubernetes import KubernetesReader, KubernetesWriter

PATIENCE = 20.0
"""Seconds a part has to answer everything."""
CALL_SECONDS = 5
LONGEST_DETAIL = 300
LISTED = (
    "pods services events nodes persistentvolumeclaims deployments.apps replicasets.apps statefulsets.apps "
    "daemonsets.apps horizontalpodautoscalers.autoscaling endpointslices.discovery.k8s.io"
)
KUBERNETES_READS = ("get pods/log", *(f"list {kind}" for kind in LISTED.split()))
"""What the reader needs for `tools.reads.kubernetes`; pod metrics and names of ConfigMaps are used where granted."""
KUBERNETES_WRITES = (
    "get deployments.apps",
    "get deployments.apps/scale",
    "get services",
    "list horizontalpodautoscalers.autoscaling",
    "list nodes",
    "list pods",
    "list replicasets.apps",
    "patch deployments.apps",
    "patch deployments.apps/scale",
    "patch services",
)
"""What the writer needs, for the actions of `tools.writes.kubernetes` (which only two modules may import)."""
AWS_READS = (
    *("cloudwatch:GetMetricStatistics", "logs:FilterLogEvents"),
    *("ecs:DescribeServices", "ecs:DescribeTaskDefinition", "ecs:DescribeTasks", "ecs:ListTasks"),
)
"""What the reader needs for `tools.reads.aws` and cannot try without naming a resource: IAM is asked instead."""
AWS_WRITES = (
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeInstanceRefreshes",
    "autoscaling:DescribeScalingActivities",
    "autoscaling:SetDesiredCapacity",
    "ec2:DescribeInstanceStatus",
    "ec2:DescribeInstances",
    "ecs:DescribeServices",
    "ecs:UpdateService",
    "ssm:DescribeDocument",
    "ssm:DescribeInstanceInformation",
    "ssm:ListCommands",
    "ssm:SendCommand",
)
"""What the writer needs, for the actions of `tools.writes.aws`."""


class Status(StrEnum):
    """How one thing that was looked at is."""

    OK = "ok"
    MISSING = "missing"
    """Not there, not granted, or not kept apart: somebody has to provide it."""
    BROKEN = "broken"
    """There, and it does not work."""
    SKIPPED = "skipped"
    """Not configured, so not looked at."""


class Check(Value):
    """One thing that was looked at, what was seen, and what to do about it."""

    name: str
    status: Status
    detail: str
    fix: str = ""


class Ailment(Exception):
    """What is wrong, found by looking; everything answered as it should."""

    def __init__(self, detail: str, status: Status = Status.BROKEN) -> None:
        super().__init__(detail)
        self.status = status


def examine(settings: Settings) -> tuple[Check, ...]:
    """Look at every part. Takes at most about PATIENCE seconds, whatever does not answer."""
    looks = {"slack": _slack, "database": _database, "cluster": _cluster, "aws": _aws, "model": _model}
    parts = [_Part(name, look, settings) for name, look in looks.items()]
    for part in parts:
        part.start()
    deadline = time.monotonic() + PATIENCE
    return tuple(check for part in parts for check in part.wait(deadline - time.monotonic()))


class _Part(threading.Thread):
    """One part being looked at. A daemon thread: a connection that hangs must not keep the command from ending."""

    def __init__(self, name: str, look: Callable[[Settings], Iterator[Check]], settings: Settings) -> None:
        super().__init__(name=f"doctor-{name}", daemon=True)
        self._part, self._look, self._settings = name, look, settings
        self._found: list[Check] = []

    def run(self) -> None:
        try:
            for check in self._look(self._settings):
                self._found.append(check)
        except Exception as error:  # noqa: BLE001 - a part's edge: one that fails must not hide what the others say
            self._found.append(_broken(self._part, f"{type(error).__name__}: {error}"))

    def wait(self, seconds: float) -> list[Check]:
        """What was found by the time patience ends."""
        self.join(max(0.0, seconds))
        found = list(self._found)
        return [*found, _broken(self._part, f"no answer within {PATIENCE:g} s")] if self.is_alive() else found


def _broken(name: str, detail: str, fix: str = "") -> Check:
    words = " ".join(redact(detail).split())[:LONGEST_DETAIL]
    return Check(name=name, status=Status.BROKEN, detail=words, fix=fix)


def _skipped(name: str, detail: str) -> Check:
    return Check(name=name, status=Status.SKIPPED, detail=detail)


def _checked(name: str, fix: str, probe: Callable[[], str], *failures: type[Exception]) -> Check:
    """The check of one probe, which says what it saw or raises an Ailment; outside failures become broken checks."""
    expected: tuple[type[Exception], ...] = (PermanentError, TemporaryError, OSError, *failures)
    try:
        return Check(name=name, status=Status.OK, detail=probe())
    except Ailment as ailment:
        return _broken(name, str(ailment), fix).model_copy(update={"status": ailment.status})
    except expected as error:
        return _broken(name, str(error), fix)


def _slack(settings: Settings) -> Iterator[Check]:
    from slack_sdk import WebClient

    try:
        access = settings.require_slack()
    except SettingsError as error:
        for problem in error.problems:
            name = f"slack {problem.variable}"
            yield Check(name=name, status=Status.MISSING, detail=problem.fault, fix=problem.where)
        return
    client = WebClient(access.bot_token.get_secret_value(), access.api_url, timeout=CALL_SECONDS, retry_handlers=[])
    yield _checked("slack token", "install the app from deploy/slack/manifest.yaml again", lambda: _token(client))
    if access.mode == "socket":
        fix = "make an app-level token with the scope connections:write"
        yield _checked("slack app token", fix, lambda: _socket(access))
    invite = "set SAYSO_ALERT_CHANNEL to a channel's id, and invite the bot there"
    yield _checked("slack channel", invite, lambda: _channel(client, access.alert_channel))
    for variable, usergroup in (("SAYSO_APPROVERS", access.approvers), ("SAYSO_OWNERS", access.owners)):
        if usergroup is not None:
            fix = f"set {variable} to the id of a user group with people in it"
            yield _checked(f"slack {variable}", fix, lambda group=usergroup: _roster(client, group))  # type: ignore[misc]


def _ask(client: WebClient, method: str, **arguments: str) -> tuple[dict[str, Any], str]:
    """Slack's answer and the scopes it says the token has. Raises Ailment with Slack's own word for what is wrong."""
    from slack_sdk.errors import SlackApiError, SlackClientError

    try:
        response = client.api_call(method, params=arguments)
    except SlackApiError as error:
        raise Ailment(f"{method} answered {error.response['error']}") from error
    except SlackClientError as error:
        raise Ailment(f"{method} failed: {error}") from error
    return dict(response.data) if isinstance(response.data, dict) else {}, response.headers.get("x-oauth-scopes", "")


def _token(client: WebClient) -> str:
    who, scopes = _ask(client, "auth.test")
    granted = {scope.strip() for scope in scopes.split(",") if scope.strip()}
    lacking = [scope for scope in BOT_SCOPES if scope not in granted]
    if lacking:
        raise Ailment(f"the token lacks the scopes {', '.join(lacking)}", Status.MISSING)
    needless = [scope for scope in NEVER_SCOPES if scope in granted]
    more = f"; it also has {', '.join(needless)}, which sayso never needs" if needless else ""
    return f"{who.get('user')} in {who.get('team')}, with every scope needed{more}"


def _socket(access: SlackAccess) -> str:
    from slack_sdk import WebClient

    token = access.app_token.get_secret_value() if access.app_token else ""
    _ask(WebClient(token, access.api_url, timeout=CALL_SECONDS, retry_handlers=[]), "apps.connections.open")
    return "Socket Mode opens"


def _channel(client: WebClient, channel_id: str) -> str:
    channel = _ask(client, "conversations.info", channel=channel_id)[0].get("channel", {})
    if not channel.get("is_member"):
        raise Ailment(f"the bot is not in #{channel.get('name')}", Status.MISSING)
    if channel.get("is_archived"):
        raise Ailment(f"#{channel.get('name')} is archived")
    if channel.get("is_ext_shared"):
        raise Ailment(f"#{channel.get('name')} is shared with another organisation: incidents do not belong there")
    return f"#{channel.get('name')}"


def _roster(client: WebClient, usergroup: str) -> str:
    people = _ask(client, "usergroups.users.list", usergroup=usergroup)[0].get("users", [])
    if not people:
        raise Ailment(f"{usergroup} has nobody in it, so nobody could approve", Status.MISSING)
    return f"{len(people)} {'person' if len(people) == 1 else 'people'} in {usergroup}"


def _database(settings: Settings) -> Iterator[Check]:
    from sqlalchemy.exc import SQLAlchemyError

    from storage.database import Database, is_sqlite, sqlite_path

    if is_sqlite(settings.database_url) and not sqlite_path(settings.database_url).exists():
        yield _checked("database", "make its folder writable", lambda: _room_for(sqlite_path(settings.database_url)))
        return
    database = Database(settings.database_url)
    try:
        yield _checked("database", "check DATABASE_URL", lambda: _schema(database), SQLAlchemyError)
        restore = "keep the file as it is, compare it with a backup, and find out who changed it"
        yield _checked("audit chain", restore, lambda: _chain(database), SQLAlchemyError)
    finally:
        database.close()


def _room_for(path: Path) -> str:
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not os.access(folder, os.W_OK):
        raise Ailment(f"there is no {path}, and {folder} is not writable")
    return f"there is no {path} yet; the first `sayso run` makes it"


def _schema(database: Database) -> str:
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    import storage

    newest = ScriptDirectory(str(Path(storage.__file__).parent / "migrations")).get_current_head()
    with database.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current != newest:
        raise Ailment(f"the schema is at {current or 'nothing'}, the code needs {newest}: `sayso run` migrates it")
    return f"reachable, schema {current}"


def _chain(database: Database) -> str:
    from storage import audit

    with database.reading() as session:
        report = audit.verify_all(session)
    if report.fault is not None:
        raise Ailment(f"the record was changed: entry {report.fault.seq}: {report.fault.fault}")
    return f"{report.entries} entries, unbroken"


def _cluster(settings: Settings) -> Iterator[Check]:
    from tools.clients.kubernetes import KubernetesReader, KubernetesWriter

    if not settings.cluster_enabled:
        yield _skipped("cluster", "no KUBECONFIG, and not in a pod")
        return
    path, context = settings.kubeconfig, settings.kube_context

    def sees() -> str:
        reader = KubernetesReader.from_kubeconfig(path, context)
        server = _granted(reader, KUBERNETES_READS)
        if reader.permitted("patch", "deployments", group="apps"):
            raise Ailment("the identity that looks may also change Deployments", Status.MISSING)
        return f"sees what it needs at {server}, and cannot change it"

    def acts() -> str:
        writer = KubernetesWriter.from_kubeconfig(settings.writer_kubeconfig, context)
        return f"may do what plans contain at {_granted(writer, KUBERNETES_WRITES)}"

    yield _checked(
        "cluster reader", "give KUBECONFIG an identity with the reader's ClusterRole (README, Kubernetes)", sees
    )
    if settings.writer_kubeconfig is None:
        yield _skipped("cluster writer", "no SAYSO_WRITER_KUBECONFIG: nothing in the cluster can be changed")
    else:
        yield _checked("cluster writer", "grant the writer's ClusterRole (README, Kubernetes)", acts)


def _granted(identity: KubernetesReader | KubernetesWriter, wanted: tuple[str, ...]) -> str:
    """The server's address; Ailment when a permission is not granted in every namespace."""
    lacking = [permission for permission in wanted if not _may(identity, permission)]
    if lacking:
        raise Ailment(f"not permitted: {', '.join(lacking)}", Status.MISSING)
    return identity.server


def _may(identity: KubernetesReader | KubernetesWriter, permission: str) -> bool:
    verb, _, target = permission.partition(" ")
    kind, _, part = target.partition("/")
    resource, _, group = kind.partition(".")
    return identity.permitted(verb, resource, group=group, subresource=part)


def _aws(settings: Settings) -> Iterator[Check]:
    from tools.clients.aws import AwsReader, AwsWriter

    if not settings.aws_enabled:
        yield _skipped("aws", "no AWS_REGION, or SAYSO_AWS is off")
        return
    where = f" at {settings.aws_endpoint_url}" if settings.aws_endpoint_url else ""
    reader = AwsReader.from_profile(settings.aws_profile, answer_seconds=CALL_SECONDS)
    yield _checked("aws reader", "check AWS_PROFILE, AWS_REGION and the credentials", lambda: _sees(reader) + where)
    if settings.writer_aws_profile is None:
        yield _skipped("aws writer", "no SAYSO_WRITER_AWS_PROFILE: nothing in AWS can be changed")
        return
    writer = AwsWriter.from_profile(settings.writer_aws_profile, answer_seconds=CALL_SECONDS)
    yield _checked("aws writer", "grant the writer's policy (deploy/aws)", lambda: _acts(reader, writer))


def _sees(reader: AwsReader) -> str:
    """Who the reader is, after the smallest calls that need no name of anything."""
    from tools.clients.aws import reading

    region, caller = reader.region, reader.identity()
    with reading("cloudwatch:DescribeAlarms"):
        reader.cloudwatch(region).describe_alarms(MaxRecords=1)
    with reading("autoscaling:DescribeAutoScalingGroups"):
        reader.autoscaling(region).describe_auto_scaling_groups(MaxRecords=1)
    with reading("ec2:DescribeInstances"):
        reader.ec2(region).describe_instances(MaxResults=5)
    with reading("ssm:DescribeInstanceInformation"):
        reader.ssm(region).describe_instance_information(MaxResults=5)
    return f"{caller.arn} sees what it needs in {region}{_simulated(reader, AWS_READS)}"


def _acts(reader: AwsReader, writer: AwsWriter) -> str:
    caller = writer.identity()
    if caller.arn == reader.identity().arn:
        raise Ailment(f"the identity that looks and the one that acts are the same: {caller.arn}", Status.MISSING)
    return f"{caller.arn} may do what plans contain{_simulated(writer, AWS_WRITES)}"


def _simulated(identity: AwsReader | AwsWriter, names: tuple[str, ...]) -> str:
    """What to add when IAM would not tell about these permissions; Ailment when it says that one is not granted."""
    said = identity.permitted(names)
    refused = [permission.name for permission in said if permission.granted is False]
    if refused:
        raise Ailment(f"not permitted: {', '.join(refused)}", Status.MISSING)
    return " (as far as tried: IAM would not tell)" if any(each.granted is None for each in said) else ""


def _model(settings: Settings) -> Iterator[Check]:
    model = settings.model_settings()
    if model is None:
        yield _skipped("model", "no SAYSO_MODEL: the built-in rules investigate")
        return
    key = model.api_key.get_secret_value()

    def listed() -> str:
        names = _models(model.base_url, key)
        if names and model.name not in names:
            raise Ailment(f"{model.base_url} does not offer {model.name}", Status.MISSING)
        return f"{model.name} at {model.base_url}"

    yield _checked("model", "check OPENAI_BASE_URL, OPENAI_API_KEY and SAYSO_MODEL", listed, ValueError)


def _models(base_url: str, key: str) -> list[str]:
    """The names of the models on offer; none where the API has no list."""
    request = urllib.request.Request(f"{base_url.rstrip('/')}/models", headers={"Authorization": f"Bearer {key}"})  # noqa: S310 - http(s) by Settings
    # A proxy of the environment cannot reach our loopback.
    proxies = urllib.request.ProxyHandler({} if is_loopback(base_url) else None)
    try:
        with urllib.request.build_opener(proxies).open(request, timeout=CALL_SECONDS) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 404:
                return []
            raise Ailment(f"{base_url} answered {error.code} {error.reason}") from error
    offered = answer.get("data", []) if isinstance(answer, dict) else []
    return [str(each.get("id")) for each in offered if isinstance(each, dict)]
