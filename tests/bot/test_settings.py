"""The environment becomes settings once; what is missing or malformed is named, and no secret is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import VARIABLES, AlertBot, Settings, SettingsError

SLACK = {
    "SLACK_BOT_TOKEN": "xoxb-fixture-bot",
    "SLACK_APP_TOKEN": "xapp-fixture-app",
    "SAYSO_ALERT_CHANNEL": "C0ALERTS01",
    "SAYSO_APPROVERS": "S0ONCALL01",
}


def complaint(environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.load(environ)
    return str(caught.value)


def test_an_empty_environment_is_enough_to_read_the_record() -> None:
    settings = Settings.load({})

    assert settings.database_url == "sqlite:///var/sayso.sqlite"
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 8080)
    assert settings.model_settings() is None
    assert not settings.aws_enabled
    assert not settings.cluster_enabled


def test_the_processs_own_environment_is_not_read_behind_the_callers_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_HTTP_PORT", "9999")
    monkeypatch.setenv("http_port", "9999")

    assert Settings.load({}).http_port == 8080


def test_every_variable_is_read_into_its_type() -> None:
    settings = Settings.load(
        {
            **SLACK,
            "SLACK_API_URL": "http://127.0.0.1:8190/api",
            "SAYSO_ALERT_BOTS": "C0ALERTS01:B0AM000001, C0OTHER001:B0AM000002",
            "SAYSO_SNS_TOPICS": "arn:aws:sns:eu-west-1:123456789012:alarms",
            "SAYSO_HTTP_PORT": "0",
            "KUBECONFIG": "/etc/sayso/reader",
            "SAYSO_WATCH_SECONDS": "1.5",
        }
    )

    assert settings.slack_api_url == "http://127.0.0.1:8190/api/"
    assert settings.alert_bots == (
        AlertBot(channel="C0ALERTS01", bot_id="B0AM000001"),
        AlertBot(channel="C0OTHER001", bot_id="B0AM000002"),
    )
    assert settings.sns_topics == ("arn:aws:sns:eu-west-1:123456789012:alarms",)
    assert settings.http_port == 0
    assert settings.kubeconfig == Path("/etc/sayso/reader")
    assert settings.cluster_enabled
    assert settings.watch_seconds == 1.5


def test_slack_is_required_only_where_slack_is_used_and_everything_missing_is_named_at_once() -> None:
    settings = Settings.load({})

    with pytest.raises(SettingsError) as caught:
        settings.require_slack()

    message = str(caught.value)
    assert all(name in message for name in SLACK)
    assert "OAuth & Permissions" in message
    assert "SLACK_SIGNING_SECRET" not in message


@pytest.mark.parametrize(
    ("environ", "behind"),
    [
        ({}, {}),
        ({"SAYSO_APPROVERS": "S0ONCALL01"}, {"sre-oncall": "S0ONCALL01", "owner": "S0ONCALL01"}),
        (
            {"SAYSO_APPROVERS": "S0ONCALL01", "SAYSO_OWNERS": "S0OWNERS01", "SAYSO_GROUPS": "sre-leads=S0LEADS001"},
            {"sre-oncall": "S0ONCALL01", "owner": "S0OWNERS01", "sre-leads": "S0LEADS001"},
        ),
    ],
)
def test_the_groups_of_the_rules_have_the_user_groups_that_are_set(
    environ: dict[str, str], behind: dict[str, str]
) -> None:
    assert Settings.load(environ).usergroups == behind


def test_http_mode_requires_the_signing_secret_instead_of_the_app_token() -> None:
    environ = {**SLACK, "SAYSO_SLACK_MODE": "http"}
    del environ["SLACK_APP_TOKEN"]

    with pytest.raises(SettingsError, match="SLACK_SIGNING_SECRET is missing") as caught:
        Settings.load(environ).require_slack()

    assert "SLACK_APP_TOKEN" not in str(caught.value)
    assert Settings.load({**environ, "SLACK_SIGNING_SECRET": "fixture"}).require_slack().mode == "http"


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({"SLACK_BOT_TOKEN": "xapp-swapped"}, ("SLACK_BOT_TOKEN", "xoxb-")),
        ({"SLACK_APP_TOKEN": "xoxb-swapped"}, ("SLACK_APP_TOKEN", "xapp-")),
        ({"SAYSO_ALERT_CHANNEL": "#alerts"}, ("SAYSO_ALERT_CHANNEL", "'#alerts'", "C0ALERTS01")),
        ({"SAYSO_APPROVERS": "@sre-oncall"}, ("SAYSO_APPROVERS", "S0ONCALL01", "Copy group ID")),
        ({"SAYSO_ALERT_BOTS": "B0AM000001"}, ("SAYSO_ALERT_BOTS", "channel:bot")),
        ({"SAYSO_HTTP_PORT": "http"}, ("SAYSO_HTTP_PORT", "integer", "'http'")),
        ({"SAYSO_HTTP_PORT": "70000"}, ("SAYSO_HTTP_PORT", "65535")),
        ({"SAYSO_SLACK_MODE": "carrier-pigeon"}, ("SAYSO_SLACK_MODE", "'socket' or 'http'")),
        ({"SAYSO_SNS_TOPICS": "alarms"}, ("SAYSO_SNS_TOPICS", "ARN")),
        ({"DATABASE_URL": "mysql://db/sayso"}, ("DATABASE_URL", "postgresql://")),
        ({"OPENAI_BASE_URL": "localhost:8200"}, ("OPENAI_BASE_URL", "http")),
        ({"SAYSO_ALERTMANAGER_TOKEN": "short"}, ("SAYSO_ALERTMANAGER_TOKEN", "8 characters")),
        ({"SAYSO_MODEL_SECONDS": "nan"}, ("SAYSO_MODEL_SECONDS",)),
        ({"SAYSO_WATCH_SECONDS": "120"}, ("SAYSO_WATCH_SECONDS", "SAYSO_VERIFY_SECONDS")),
        ({"SAYSO_AWS": "on"}, ("AWS_REGION is missing",)),
        ({"SAYSO_MODEL": "gpt-x"}, ("OPENAI_API_KEY is missing",)),
        ({"SAYSO_APPROVER": "S0ONCALL01"}, ("SAYSO_APPROVER is not a setting", "SAYSO_APPROVERS")),
        ({"SAYSO_LOGLEVEL": "info"}, ("SAYSO_LOGLEVEL is not a setting", "SAYSO_LOG_LEVEL")),
    ],
)
def test_a_malformed_variable_is_named_with_what_it_must_be(environ: dict[str, str], names: tuple[str, ...]) -> None:
    message = complaint(environ)

    assert all(name in message for name in names), message


def test_every_malformed_variable_is_named_in_one_message() -> None:
    message = complaint({"SAYSO_HTTP_PORT": "x", "SAYSO_ALERT_CHANNEL": "x", "SAYSO_LOGLEVEL": "x"})

    assert message.count("\n  - ") == 3


def test_variables_kubernetes_sets_for_a_service_of_our_name_are_no_misspellings() -> None:
    settings = Settings.load({"SAYSO_PORT": "tcp://10.0.0.1:80", "SAYSO_SERVICE_HOST": "10.0.0.1"})

    assert settings.http_port == 8080


@pytest.mark.parametrize(
    ("environ", "enabled"),
    [
        ({}, False),
        ({"AWS_REGION": "eu-west-1"}, True),
        ({"AWS_REGION": "eu-west-1", "SAYSO_AWS": "off"}, False),
        ({"AWS_REGION": "eu-west-1", "SAYSO_AWS": "on"}, True),
    ],
)
def test_aws_is_on_when_a_region_is_set_unless_said_otherwise(environ: dict[str, str], enabled: bool) -> None:
    assert Settings.load(environ).aws_enabled is enabled


@pytest.mark.parametrize(
    ("endpoint", "accepted"),
    [
        ("http://127.0.0.1:5555", True),
        ("http://localhost:5555", True),
        ("http://[::1]:5555", True),
        ("", False),
        ("https://sns.eu-west-1.amazonaws.com", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://127.0.0.1@evil.example", False),
    ],
)
def test_loopback_certificates_are_refused_unless_aws_itself_is_on_loopback(endpoint: str, accepted: bool) -> None:
    environ = {"SAYSO_SNS_LOOPBACK_CERTS": "true", "AWS_ENDPOINT_URL": endpoint}

    if accepted:
        assert Settings.load(environ).sns_loopback_certs
    else:
        assert "SAYSO_SNS_LOOPBACK_CERTS is for development" in complaint(environ)


@pytest.mark.parametrize("name", [each.name for each in VARIABLES.values() if each.secret])
def test_no_secret_is_shown_by_the_settings_themselves(name: str) -> None:
    prefix = {"SLACK_BOT_TOKEN": "xoxb-", "SLACK_APP_TOKEN": "xapp-"}.get(name, "")
    settings = Settings.load({name: prefix + "keep-this-hidden"})

    assert "keep-this-hidden" not in f"{settings!r} {settings} {settings.model_dump()}"


def test_no_secret_is_shown_by_the_complaint_about_it() -> None:
    message = complaint(
        {
            "SLACK_BOT_TOKEN": "hidden-1",
            "SAYSO_EVENTBRIDGE_TOKEN": "hidden-2 hidden-2",
            "DATABASE_URL": "mysql://user:hidden-3@db/sayso",
            "SAYSO_ALERT_CHANNEL": "xoxb-hidden-4-pasted-into-the-wrong-place",
        }
    )

    assert message.count("\n  - ") == 4
    assert "hidden" not in message


def test_a_database_password_is_not_shown_by_the_settings() -> None:
    settings = Settings.load({"DATABASE_URL": "postgresql://sayso:hidden-5@db/sayso"})

    assert "hidden-5" not in f"{settings!r} {settings}"


def test_the_model_is_described_once_it_is_named() -> None:
    settings = Settings.load({"SAYSO_MODEL": "gpt-x", "OPENAI_API_KEY": "any", "SAYSO_MODEL_TURNS": "4"})

    model = settings.model_settings()

    assert model is not None
    assert (model.name, model.base_url, model.turns) == ("gpt-x", "https://api.openai.com/v1", 4)


def test_every_variable_says_what_it_is_for_and_every_secret_where_to_get_it() -> None:
    for variable in VARIABLES.values():
        assert variable.purpose, variable.name
        assert variable.where or not variable.secret, variable.name
