"""Every environment variable sayso reads, typed, in one place: what it is for, its default, and where to get it.

Nothing else in the product reads the environment (boto3 and the Kubernetes client read their own variables; those are
listed here so that people find them). A blank variable counts as absent, an unknown `SAYSO_` one that looks like a
misspelling is an error (other unknown ones are not: Kubernetes sets some in every pod beside a Service of our name).
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic.config import JsonDict
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from tools.redaction import redact
from tools.values import Value

OWN_PREFIX = "SAYSO_"
SLACK_APP = "api.slack.com/apps › your app › "
OPENAI = "https://api.openai.com/v1"
PEOPLE = "Slack › People › User groups › ⋮ › Copy group ID"


class Problem(Value):
    """One variable that is missing or malformed, and where a right value comes from."""

    variable: str
    fault: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.variable} {self.fault}." + (f" Where to get it: {self.where}." if self.where else "")


class SettingsError(Exception):
    """The environment does not say what the command needs. The message lists every variable at fault."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("The settings are incomplete:\n" + "\n".join(f"  - {problem}" for problem in problems))


class AlertBot(Value):
    """An alert bot whose messages in one channel count as alerts."""

    channel: str
    bot_id: str


class SlackAccess(Value):
    """What it takes to talk to Slack, complete. Of the last two secrets, the one its mode needs is there."""

    api_url: str
    mode: Literal["socket", "http"]
    bot_token: SecretStr
    app_token: SecretStr | None
    signing_secret: SecretStr | None
    alert_channel: str
    approvers: str
    owners: str | None


class ModelSettings(Value):
    """Which model answers, where, and how much of it one investigation may use."""

    base_url: str
    api_key: SecretStr
    name: str
    turns: int
    tokens: int
    seconds: float


def _listed(value: object) -> object:
    """`a, b` as its members."""
    if not isinstance(value, str):
        return value
    return tuple(member.strip() for member in value.split(",") if member.strip())


def _alert_bots(value: object) -> object:
    """`C0ALERTS01:B0AM000001, ...` as its members."""
    members = _listed(value)
    if not isinstance(value, str) or not isinstance(members, tuple):
        return value
    if not all(re.fullmatch(r"[CG][A-Z0-9]{5,20}:B[A-Z0-9]{5,20}", member) for member in members):
        raise ValueError("must be channel:bot pairs such as C0ALERTS01:B0AM000001, comma separated")
    return tuple(AlertBot(channel=member.split(":")[0], bot_id=member.split(":")[1]) for member in members)


def _paired(value: object) -> object:
    """`sre-leads=S0LEADS001, ...` as its members."""
    members = _listed(value)
    if not isinstance(value, str) or not isinstance(members, tuple):
        return value
    if not all(re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}=\S+", member) for member in members):
        raise ValueError("must be group=id pairs such as sre-leads=S0LEADS001, comma separated")
    return dict(member.split("=", 1) for member in members)


def _must(pattern: str, be: str) -> AfterValidator:
    """A check of a text (or of a secret's text) against a pattern, worded for people."""

    def check(value: str | SecretStr) -> str | SecretStr:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {be}")
        return value

    return AfterValidator(check)


ChannelId = Annotated[str, _must(r"[CG][A-Z0-9]{5,20}", "a channel id such as C0ALERTS01, not a name")]
UsergroupId = Annotated[str, _must(r"S[A-Z0-9]{5,20}", "a user group id such as S0ONCALL01, not a name")]
TopicArn = Annotated[
    str, _must(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}", "SNS topic ARNs, comma separated")
]
Url = Annotated[str, _must(r"https?://[^\s/]\S*", "an http or https address")]
Base = Annotated[Url, AfterValidator(lambda url: url.rstrip("/") + "/")]
DatabaseUrl = Annotated[str, _must(r"(sqlite:///|postgresql(\+psycopg)?://)\S+", "sqlite:///… or postgresql://…")]
EnvironmentName = Annotated[str, _must(r"[a-z0-9][a-z0-9-]{0,31}", "lower-case letters, digits and hyphens")]
BotToken = Annotated[SecretStr, _must(r"xoxb-\S+", "a bot token, which begins with xoxb-")]
AppToken = Annotated[SecretStr, _must(r"xapp-\S+", "an app-level token, which begins with xapp-")]
SharedToken = Annotated[SecretStr, _must(r"\S{8,}", "at least 8 characters without spaces")]
Seconds = Annotated[float, Field(gt=0, le=86400)]
Port = Annotated[int, Field(ge=0, le=65535)]


def variable(name: str, purpose: str, default: object = None, *, where: str = "", shown: str = "") -> Any:
    """A field read from one environment variable; `shown` words the default where the value does not."""
    # A database address may hold a password, so no field's value is shown by `repr`.
    about: JsonDict = {"where": where, "shown": shown}
    return Field(default, validation_alias=name, description=purpose, json_schema_extra=about, repr=False)


class Settings(BaseSettings):
    """The environment, read once. Secrets are `SecretStr`, so that no log line or traceback shows them."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    slack_bot_token: BotToken | None = variable(
        "SLACK_BOT_TOKEN",
        "The bot's own token (xoxb-…)",
        where=SLACK_APP + "OAuth & Permissions › Bot User OAuth Token",
    )
    slack_app_token: AppToken | None = variable(
        "SLACK_APP_TOKEN",
        "App-level token with connections:write (xapp-…); Socket Mode needs it",
        where=SLACK_APP + "Basic Information › App-Level Tokens",
    )
    slack_signing_secret: SecretStr | None = variable(
        "SLACK_SIGNING_SECRET",
        "Proves that a request comes from Slack; HTTP mode needs it",
        where=SLACK_APP + "Basic Information › App Credentials",
    )
    slack_api_url: Base = variable("SLACK_API_URL", "Base address of the Slack Web API", "https://slack.com/api/")
    slack_mode: Literal["socket", "http"] = variable(
        "SAYSO_SLACK_MODE", "How Slack reaches sayso: `socket` (no public address) or `http`", "socket"
    )
    alert_channel: ChannelId | None = variable(
        "SAYSO_ALERT_CHANNEL",
        "Id of the channel where incidents are posted (C…)",
        where="Slack › the channel's name › About › Channel ID; invite the bot there",
    )
    alert_bots: Annotated[tuple[AlertBot, ...], BeforeValidator(_alert_bots)] = variable(
        "SAYSO_ALERT_BOTS", "Alert bots whose messages are alerts: `channel:bot_id`, comma separated", (), shown="none"
    )
    approvers: UsergroupId | None = variable(
        "SAYSO_APPROVERS", "Id of the user group (S…) that is `sre-oncall` in the rules: who may approve", where=PEOPLE
    )
    owners: UsergroupId | None = variable(
        "SAYSO_OWNERS", "Id of the user group (S…) that is `owner` in the rules", where=PEOPLE, shown="the approvers"
    )
    groups: Annotated[Mapping[str, UsergroupId], BeforeValidator(_paired)] = variable(
        "SAYSO_GROUPS",
        "User groups behind the other group names of the rules: `sre-leads=S0LEADS001`, comma separated",
        {},
        where=PEOPLE,
        shown="none",
    )
    services: Path | None = variable(
        "SAYSO_SERVICES", "Your services.yaml: the team and the owners of each service", shown="no service has owners"
    )
    public_url: Base | None = variable(
        "SAYSO_PUBLIC_URL", "Address at which people reach sayso's HTTP server, for sign-in links", shown="no sign-ins"
    )
    oidc_issuer: Url | None = variable(
        "SAYSO_OIDC_ISSUER", "OpenID Connect issuer where people sign in afresh", shown="no sign-ins"
    )
    oidc_client_id: str | None = variable(
        "SAYSO_OIDC_CLIENT_ID", "sayso's client id there", where="your identity provider's console"
    )
    oidc_client_secret: SecretStr | None = variable(
        "SAYSO_OIDC_CLIENT_SECRET", "sayso's client secret there", where="your identity provider's console"
    )
    oidc_claim: str = variable(
        "SAYSO_OIDC_CLAIM", "Claim of the ID token that holds the Slack user id", "https://slack.com/user_id"
    )
    audit_key: Path | None = variable(
        "SAYSO_AUDIT_KEY",
        "Ed25519 private key (PEM) that signs the audit chain",
        where="openssl genpkey -algorithm ed25519",
        shown="made beside an SQLite record; none with PostgreSQL",
    )
    audit_anchor: Annotated[str, _must(r"s3://[a-z0-9][a-z0-9.-]{2,62}(/\S*)?", "s3://bucket/prefix")] | None = (
        variable(
            "SAYSO_AUDIT_ANCHOR", "S3 bucket with Object Lock that keeps copies of the audit chain", shown="no copies"
        )
    )
    audit_channel: ChannelId | None = variable(
        "SAYSO_AUDIT_CHANNEL",
        "Id of the channel told the head of the audit chain once a day, and of every broken glass",
        shown="the alert channel",
    )
    database_url: DatabaseUrl = variable(
        "DATABASE_URL", "Where the record is kept: SQLite or PostgreSQL", "sqlite:///var/sayso.sqlite"
    )
    kubeconfig: Path | None = variable(
        "KUBECONFIG", "kubeconfig of the read-only identity", shown="the pod's service account, if in a pod"
    )
    kube_context: str | None = variable(
        "SAYSO_KUBE_CONTEXT", "Context to use in the kubeconfigs", shown="their current one"
    )
    kubernetes_service_host: str | None = variable(
        "KUBERNETES_SERVICE_HOST", "Set by Kubernetes in every pod; do not set it", shown="not in a pod"
    )
    writer_kubeconfig: Path | None = variable(
        "SAYSO_WRITER_KUBECONFIG", "kubeconfig of the identity that carries out approved plans", shown="no changes"
    )
    aws: Literal["on", "off"] | None = variable("SAYSO_AWS", "Whether to look at AWS", shown="on if a region is set")
    aws_region: str | None = variable("AWS_REGION", "The home region (`AWS_DEFAULT_REGION` does not count)")
    aws_profile: str | None = variable("AWS_PROFILE", "Profile of the read-only identity", shown="boto3's own search")
    writer_aws_profile: str | None = variable(
        "SAYSO_WRITER_AWS_PROFILE", "Profile of the identity that carries out approved plans", shown="no changes"
    )
    aws_endpoint_url: Url | None = variable(
        "AWS_ENDPOINT_URL", "Another address for every AWS service; boto3 reads it itself", shown="AWS"
    )
    openai_base_url: Url = variable("OPENAI_BASE_URL", "Address of an OpenAI-compatible API", OPENAI)
    openai_api_key: SecretStr | None = variable(
        "OPENAI_API_KEY", "Key of that API; any word where it checks none", where="your model provider's console"
    )
    model: str | None = variable("SAYSO_MODEL", "Model that investigates", shown="none: the built-in rules alone")
    model_turns: Annotated[int, Field(ge=1, le=100)] = variable(
        "SAYSO_MODEL_TURNS", "Most calls to the model in one investigation", 12
    )
    model_tokens: Annotated[int, Field(ge=1000)] = variable(
        "SAYSO_MODEL_TOKENS", "Most tokens, in and out, in one investigation", 60_000
    )
    model_seconds: Seconds = variable("SAYSO_MODEL_SECONDS", "Most seconds for one investigation by the model", 90.0)
    environment: EnvironmentName = variable(
        "SAYSO_ENVIRONMENT", "Environment of alerts that name none, as the rules know it", "prod"
    )
    rules: Path | None = variable("SAYSO_RULES", "Your rules.yaml", shown="the shipped rules")
    http_host: str = variable("SAYSO_HTTP_HOST", "Address to listen on for webhooks, health and metrics", "127.0.0.1")
    http_port: Port = variable("SAYSO_HTTP_PORT", "Port to listen on", 8080)
    alertmanager_token: SharedToken | None = variable(
        "SAYSO_ALERTMANAGER_TOKEN",
        "Bearer token Alertmanager must send; enables its webhook",
        where="make one up: openssl rand -hex 24",
    )
    eventbridge_token: SharedToken | None = variable(
        "SAYSO_EVENTBRIDGE_TOKEN",
        "Bearer token the EventBridge API destination must send; enables its webhook",
        where="make one up: openssl rand -hex 24",
    )
    sns_topics: Annotated[tuple[TopicArn, ...], BeforeValidator(_listed)] = variable(
        "SAYSO_SNS_TOPICS", "ARNs of the SNS topics whose alarms are believed, comma separated", (), shown="none"
    )
    sns_loopback_certs: bool = variable(
        "SAYSO_SNS_LOOPBACK_CERTS", "Development only: believe SNS certificates served on loopback", default=False
    )
    verify_seconds: Seconds = variable(
        "SAYSO_VERIFY_SECONDS", "Deadline for a plan's success criteria to hold after it was applied", 120.0
    )
    watch_seconds: Seconds = variable("SAYSO_WATCH_SECONDS", "How long they must hold without a break", 30.0)
    sweep_seconds: Seconds = variable("SAYSO_SWEEP_SECONDS", "Between two looks for work left behind", 5.0)
    log_format: Literal["json", "console"] = variable("SAYSO_LOG_FORMAT", "Shape of the log lines", "json")
    log_level: Literal["debug", "info", "warning", "error"] = variable("SAYSO_LOG_LEVEL", "Least level logged", "info")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` was given: the process's own environment is never read behind the caller's back."""
        return (init_settings,)

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """The settings in this environment. Raises SettingsError naming every variable that is malformed."""
        given = {name: value.strip() for name, value in environ.items() if value.strip()}
        problems = [*_misspelt(given)]
        try:
            settings = cls.model_validate({name: value for name, value in given.items() if name in VARIABLES})
        except ValidationError as error:
            problems += [_malformed(detail, given) for detail in error.errors(include_url=False)]
        except SettingsError as error:
            problems += error.problems
        if problems:
            raise SettingsError(*dict.fromkeys(problems))  # a list reports each of its members
        return settings

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Variables that are each well-formed must also go together."""
        problems = [Problem(variable=name, fault=fault) for name, fault, wrong in self._disagreements() if wrong]
        if problems:
            raise SettingsError(*problems)
        return self

    def _disagreements(self) -> Iterator[tuple[str, str, bool]]:
        local = self.aws_endpoint_url is not None and is_loopback(self.aws_endpoint_url)
        unsafe = self.sns_loopback_certs and not local
        yield "SAYSO_SNS_LOOPBACK_CERTS", "is for development: AWS_ENDPOINT_URL must be on loopback with it", unsafe
        too_long = self.watch_seconds >= self.verify_seconds
        yield "SAYSO_WATCH_SECONDS", "must be less than SAYSO_VERIFY_SECONDS", too_long
        yield "AWS_REGION", "is missing, and SAYSO_AWS is on", self.aws == "on" and self.aws_region is None
        keyless = self.model is not None and self.openai_api_key is None
        yield "OPENAI_API_KEY", "is missing, and SAYSO_MODEL is set (any word where no key is checked)", keyless

    @property
    def aws_enabled(self) -> bool:
        """Whether sayso looks at AWS at all."""
        return self.aws == "on" or (self.aws is None and self.aws_region is not None)

    @property
    def cluster_enabled(self) -> bool:
        """Whether sayso looks at a cluster: only one named here or the one it runs in, never a laptop's default."""
        return bool(self.kubeconfig or self.kube_context or self.kubernetes_service_host)

    def require_slack(self) -> SlackAccess:
        """Everything needed to talk to Slack. Raises SettingsError naming what is missing."""
        proof = "slack_app_token" if self.slack_mode == "socket" else "slack_signing_secret"
        self._require("slack_bot_token", proof, "alert_channel", "approvers")
        assert self.slack_bot_token is not None
        assert self.alert_channel is not None
        assert self.approvers is not None
        return SlackAccess(
            api_url=self.slack_api_url,
            mode=self.slack_mode,
            bot_token=self.slack_bot_token,
            app_token=self.slack_app_token,
            signing_secret=self.slack_signing_secret,
            alert_channel=self.alert_channel,
            approvers=self.approvers,
            owners=self.owners,
        )

    def model_settings(self) -> ModelSettings | None:
        """The model that investigates; None when the built-in rules do it alone."""
        if self.model is None or self.openai_api_key is None:
            return None
        return ModelSettings(
            base_url=self.openai_base_url,
            api_key=self.openai_api_key,
            name=self.model,
            turns=self.model_turns,
            tokens=self.model_tokens,
            seconds=self.model_seconds,
        )

    def _require(self, *fields: str) -> None:
        missing = [DESCRIBED[field] for field in fields if getattr(self, field) is None]
        if missing:
            raise SettingsError(*(Problem(variable=v.name, fault="is missing", where=v.where) for v in missing))


class Variable(Value):
    """One environment variable as people are told about it."""

    name: str
    purpose: str
    default: str
    where: str
    secret: bool


def _described(field: str) -> Variable:
    info = Settings.model_fields[field]
    about: Any = info.json_schema_extra
    unset = info.default is None or info.default == ()
    return Variable(
        name=str(info.validation_alias),
        purpose=info.description or "",
        default=about["shown"] or ("" if unset else str(info.default)),
        where=about["where"],
        secret="SecretStr" in str(info.annotation),
    )


DESCRIBED: dict[str, Variable] = {field: _described(field) for field in Settings.model_fields}
"""Every variable, by the field that holds it, in the order of the table people read."""
VARIABLES: dict[str, Variable] = {each.name: each for each in DESCRIBED.values()}


def is_loopback(url: str) -> bool:
    """Whether an address stays on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _misspelt(given: Mapping[str, str]) -> Iterator[Problem]:
    for name in given:
        if name.startswith(OWN_PREFIX) and name not in VARIABLES:
            near = difflib.get_close_matches(name, VARIABLES, n=1, cutoff=0.88)
            if near:
                yield Problem(variable=name, fault=f"is not a setting; {near[0]} is")


def _malformed(detail: ErrorDetails, given: Mapping[str, str]) -> Problem:
    """What pydantic found, about the variable, in words; the value is quoted only where it is no secret."""
    about = VARIABLES[str(detail["loc"][0])]
    said = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    quoted = "" if about.secret or about.name == "DATABASE_URL" else f" (it is {redact(repr(given[about.name]))})"
    return Problem(variable=about.name, fault=f"{said}{quoted}", where=about.where)
