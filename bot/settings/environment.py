"""Every variable, as a field in the order people read them: its name, what it is for, its default, and where to get it.

What a single value must look like is `bot.settings.shapes`'.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr
from pydantic.config import JsonDict
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.settings.shapes import (
    AlertBots,
    AppToken,
    Base,
    BotToken,
    Bucket,
    ChannelId,
    DatabaseUrl,
    Dollars,
    EnvironmentName,
    ModelPrice,
    Port,
    Seconds,
    SharedToken,
    TopicArns,
    Url,
    UsergroupId,
    Usergroups,
)
from tools.values import Value

SLACK_APP = "api.slack.com/apps › your app › "
OPENAI = "https://api.openai.com/v1"
PEOPLE = "Slack › People › User groups › ⋮ › Copy group ID"


def variable(name: str, purpose: str, default: object = None, *, where: str = "", shown: str = "") -> Any:
    """A field read from one environment variable; `shown` words the default where the value does not."""
    # A database address may hold a password, so no field's value is shown by `repr`.
    about: JsonDict = {"where": where, "shown": shown}
    return Field(default, validation_alias=name, description=purpose, json_schema_extra=about, repr=False)


class Environment(BaseSettings):
    """The variables as they are read, each by itself; how they go together is `bot.settings.Settings`."""

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
    alert_bots: AlertBots = variable(
        "SAYSO_ALERT_BOTS", "Alert bots whose messages are alerts: `channel:bot_id`, comma separated", (), shown="none"
    )
    approvers: UsergroupId | None = variable(
        "SAYSO_APPROVERS", "Id of the user group (S…) that is `sre-oncall` in the rules: who may approve", where=PEOPLE
    )
    owners: UsergroupId | None = variable(
        "SAYSO_OWNERS", "Id of the user group (S…) that is `owner` in the rules", where=PEOPLE, shown="the approvers"
    )
    groups: Usergroups = variable(
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
    audit_anchor: Bucket | None = variable(
        "SAYSO_AUDIT_ANCHOR", "S3 bucket with Object Lock that keeps copies of the audit chain", shown="no copies"
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
    prometheus_url: Base | None = variable(
        "SAYSO_PROMETHEUS_URL", "Address of a Prometheus-compatible API to read metrics from", shown="no metrics"
    )
    prometheus_token: SecretStr | None = variable(
        "SAYSO_PROMETHEUS_TOKEN",
        "Bearer token for it, where it asks for one",
        shown="none",
        where="whoever runs your Prometheus",
    )
    alertmanager_url: Base | None = variable(
        "SAYSO_ALERTMANAGER_URL", "Address of the Alertmanager to read alerts and silences from", shown="not read"
    )
    runbooks: Path | None = variable(
        "SAYSO_RUNBOOKS", "Folder of Markdown runbooks to be reminded of", shown="past incidents only"
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
    model_dollars: Dollars | None = variable(
        "SAYSO_MODEL_DOLLARS", "Most dollars for one investigation, where the model's price is known", shown="no limit"
    )
    model_day_tokens: Annotated[int, Field(ge=1000)] = variable(
        "SAYSO_MODEL_DAY_TOKENS", "Most tokens in 24 hours; after that the built-in rules answer alone", 2_000_000
    )
    model_day_dollars: Dollars | None = variable(
        "SAYSO_MODEL_DAY_DOLLARS", "Most dollars in 24 hours, where the model's price is known", shown="no limit"
    )
    model_price: ModelPrice | None = variable(
        "SAYSO_MODEL_PRICE",
        "Dollars for a million tokens in and out (`0.4,1.6`) of a model whose price sayso does not know",
        shown="the built-in table",
    )
    fallback_model: str | None = variable(
        "SAYSO_FALLBACK_MODEL", "Model asked when the first one cannot answer", shown="none"
    )
    fallback_base_url: Url | None = variable(
        "SAYSO_FALLBACK_BASE_URL", "Address of its OpenAI-compatible API", shown="OPENAI_BASE_URL"
    )
    fallback_api_key: SecretStr | None = variable(
        "SAYSO_FALLBACK_API_KEY", "Key of that API", shown="OPENAI_API_KEY", where="your model provider's console"
    )
    embedding_model: str | None = variable(
        "SAYSO_EMBEDDING_MODEL",
        "Model at OPENAI_BASE_URL that turns incidents and runbooks into vectors",
        shown="none: found by their words",
    )
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
    sns_topics: TopicArns = variable(
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


class Variable(Value):
    """One environment variable as people are told about it."""

    name: str
    purpose: str
    default: str
    where: str
    secret: bool


def _described(field: str) -> Variable:
    info = Environment.model_fields[field]
    about: Any = info.json_schema_extra
    unset = info.default is None or info.default == ()
    return Variable(
        name=str(info.validation_alias),
        purpose=info.description or "",
        default=about["shown"] or ("" if unset else str(info.default)),
        where=about["where"],
        secret="SecretStr" in str(info.annotation),
    )


DESCRIBED: dict[str, Variable] = {field: _described(field) for field in Environment.model_fields}
"""Every variable, by the field that holds it, in the order of the table people read."""
VARIABLES: dict[str, Variable] = {each.name: each for each in DESCRIBED.values()}
