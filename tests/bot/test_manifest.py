"""The manifest people paste into Slack asks for exactly what the code uses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.slack_scopes import APP_SCOPES, BOT_SCOPES, COMMANDS, EVENTS, NEVER_SCOPES

PATH = Path(__file__).parents[2] / "deploy" / "slack" / "manifest.yaml"


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(PATH.read_text())
    return loaded


def test_the_manifest_asks_for_the_scopes_the_code_needs_and_no_other(manifest: dict[str, Any]) -> None:
    asked = manifest["oauth_config"]["scopes"]["bot"]

    assert sorted(asked) == sorted(BOT_SCOPES)
    assert not set(asked) & set(NEVER_SCOPES)


def test_the_manifest_subscribes_to_the_events_the_code_expects(manifest: dict[str, Any]) -> None:
    assert sorted(manifest["settings"]["event_subscriptions"]["bot_events"]) == sorted(EVENTS)


def test_the_manifest_declares_the_slash_commands_with_escaped_names(manifest: dict[str, Any]) -> None:
    declared = manifest["features"]["slash_commands"]

    assert [command["command"] for command in declared] == list(COMMANDS)
    assert all(command["should_escape"] for command in declared)


@pytest.mark.parametrize(("event", "scope"), [pair for pair in EVENTS.items() if pair[1]])
def test_every_event_comes_with_the_scope_it_needs(event: str, scope: str) -> None:
    assert scope in BOT_SCOPES, f"Slack would never send {event}"


def test_buttons_work_and_the_default_transport_needs_no_public_address(manifest: dict[str, Any]) -> None:
    settings = manifest["settings"]

    assert settings["interactivity"]["is_enabled"] is True
    assert settings["socket_mode_enabled"] is True
    assert "request_url" not in settings["interactivity"]


def test_texts_keep_slacks_limits(manifest: dict[str, Any]) -> None:
    view = manifest["features"]["agent_view"]

    assert len(view["agent_description"]) <= 300
    assert len(manifest["display_information"]["description"]) <= 140
    assert len(manifest["display_information"]["name"]) <= 35


def test_the_instructions_name_the_scope_of_the_app_level_token() -> None:
    assert all(re.search(rf"App-Level Tokens › {scope}", PATH.read_text()) for scope in APP_SCOPES)
