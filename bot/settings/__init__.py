"""Every environment variable sayso reads, typed, in one place: what it is for, its default, and where to get it.

Nothing else in the product reads the environment (boto3 and the Kubernetes client read their own variables; those are
listed here so that people find them). A blank variable counts as absent, an unknown `SAYSO_` one that looks like a
misspelling is an error (other unknown ones are not: Kubernetes sets some in every pod beside a Service of our name).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Self

from pydantic import ValidationError, model_validator

from bot.settings.environment import DESCRIBED, VARIABLES, Environment, Variable
from bot.settings.problems import Problem, SettingsError, malformed, misspelt
from bot.settings.shapes import AlertBot, ModelSettings, SlackAccess, is_loopback

__all__ = [
    "DESCRIBED",
    "VARIABLES",
    "AlertBot",
    "ModelSettings",
    "Problem",
    "Settings",
    "SettingsError",
    "SlackAccess",
    "Variable",
    "is_loopback",
]


class Settings(Environment):
    """The environment, read once. Secrets are `SecretStr`, so that no log line or traceback shows them."""

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """The settings in this environment. Raises SettingsError naming every variable that is malformed."""
        given = {name: value.strip() for name, value in environ.items() if value.strip()}
        problems = [*misspelt(given)]
        try:
            settings = cls.model_validate({name: value for name, value in given.items() if name in VARIABLES})
        except ValidationError as error:
            problems += [malformed(detail, given) for detail in error.errors(include_url=False)]
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

    @property
    def usergroups(self) -> dict[str, str]:
        """The user group behind each group name of the rules, as far as one is set."""
        usual = {"sre-oncall": self.approvers, "owner": self.owners or self.approvers}
        return {**self.groups, **{name: usergroup for name, usergroup in usual.items() if usergroup}}

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
            dollars=self.model_dollars,
            day_tokens=self.model_day_tokens,
            day_dollars=self.model_day_dollars,
            price=self.model_price,
            fallback=self.fallback_model,
            fallback_base_url=self.fallback_base_url or self.openai_base_url,
            fallback_api_key=self.fallback_api_key or self.openai_api_key,
            embedding=self.embedding_model,
        )

    def _require(self, *fields: str) -> None:
        missing = [DESCRIBED[field] for field in fields if getattr(self, field) is None]
        if missing:
            raise SettingsError(*(Problem(variable=v.name, fault="is missing", where=v.where) for v in missing))
