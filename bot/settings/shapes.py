"""The shapes single values have, and how each is parsed: ids, addresses, tokens, lists, and what they are handed on as.

Which variable has which shape is `bot.settings.environment`'s.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from tools.values import Value


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
    dollars: float | None
    day_tokens: int
    day_dollars: float | None
    price: tuple[float, float] | None
    """Dollars for a million tokens in, and out."""
    fallback: str | None
    fallback_base_url: str
    fallback_api_key: SecretStr
    embedding: str | None


def _listed(value: object) -> object:
    """`a, b` as its members."""
    if not isinstance(value, str):
        return value
    return tuple(member.strip() for member in value.split(",") if member.strip())


def _channel_bots(value: object) -> object:
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


def _two_prices(value: object) -> object:
    """`0.4,1.6` as its two numbers."""
    members = _listed(value)
    if not isinstance(value, str) or not isinstance(members, tuple):
        return value
    if len(members) != 2:
        raise ValueError("must be two prices such as 0.4,1.6: dollars for a million tokens in, and out")
    return members


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
TopicArns = Annotated[tuple[TopicArn, ...], BeforeValidator(_listed)]
AlertBots = Annotated[tuple[AlertBot, ...], BeforeValidator(_channel_bots)]
Usergroups = Annotated[Mapping[str, UsergroupId], BeforeValidator(_paired)]
Url = Annotated[str, _must(r"https?://[^\s/]\S*", "an http or https address")]
Base = Annotated[Url, AfterValidator(lambda url: url.rstrip("/") + "/")]
DatabaseUrl = Annotated[str, _must(r"(sqlite:///|postgresql(\+psycopg)?://)\S+", "sqlite:///… or postgresql://…")]
EnvironmentName = Annotated[str, _must(r"[a-z0-9][a-z0-9-]{0,31}", "lower-case letters, digits and hyphens")]
BotToken = Annotated[SecretStr, _must(r"xoxb-\S+", "a bot token, which begins with xoxb-")]
AppToken = Annotated[SecretStr, _must(r"xapp-\S+", "an app-level token, which begins with xapp-")]
SharedToken = Annotated[SecretStr, _must(r"\S{8,}", "at least 8 characters without spaces")]
Bucket = Annotated[str, _must(r"s3://[a-z0-9][a-z0-9.-]{2,62}(/\S*)?", "s3://bucket/prefix")]
Seconds = Annotated[float, Field(gt=0, le=86400)]
Dollars = Annotated[float, Field(gt=0)]
PriceOfTokens = Annotated[float, Field(ge=0)]
ModelPrice = Annotated[tuple[PriceOfTokens, PriceOfTokens], BeforeValidator(_two_prices)]
Port = Annotated[int, Field(ge=0, le=65535)]


def is_loopback(url: str) -> bool:
    """Whether an address stays on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
