"""What `sayso doctor` sees of Slack: the tokens and their scopes, the channel, and the user groups that may approve."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bot.doctor.findings import CALL_SECONDS, Ailment, Check, Status, checked
from bot.settings import Settings, SettingsError, SlackAccess
from bot.slack_scopes import BOT_SCOPES, NEVER_SCOPES

if TYPE_CHECKING:
    from slack_sdk import WebClient


def look(settings: Settings) -> Iterator[Check]:
    """The checks of everything the settings name in the workspace. Posts nothing."""
    try:
        access = settings.require_slack()
    except SettingsError as error:
        for problem in error.problems:
            name = f"slack {problem.variable}"
            yield Check(name=name, status=Status.MISSING, detail=problem.fault, fix=problem.where)
        return
    client = web_client(access, access.bot_token.get_secret_value())
    yield checked("slack token", "install the app from deploy/slack/manifest.yaml again", lambda: _token(client))
    if access.mode == "socket":
        fix = "make an app-level token with the scope connections:write"
        yield checked("slack app token", fix, lambda: _socket(access))
    invite = "set SAYSO_ALERT_CHANNEL to a channel's id, and invite the bot there"
    yield checked("slack channel", invite, lambda: _channel(client, access.alert_channel))
    named = [(f"SAYSO_GROUPS {name}", usergroup) for name, usergroup in settings.groups.items()]
    for variable, usergroup in (("SAYSO_APPROVERS", access.approvers), ("SAYSO_OWNERS", access.owners), *named):
        if usergroup is not None:
            fix = f"set {variable} to the id of a user group with people in it"
            yield checked(f"slack {variable}", fix, lambda group=usergroup: _roster(client, group))  # type: ignore[misc]


def web_client(access: SlackAccess, token: str) -> WebClient:
    """A Slack client that asks once and does not wait long."""
    from slack_sdk import WebClient

    return WebClient(token, access.api_url, timeout=CALL_SECONDS, retry_handlers=[])


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
    token = access.app_token.get_secret_value() if access.app_token else ""
    _ask(web_client(access, token), "apps.connections.open")
    return "Socket Mode opens"


def _channel(client: WebClient, channel_id: str) -> str:
    channel = _ask(client, "conversations.info", channel=channel_id)[0].get("channel", {})
    if not channel.get("is_member"):
        raise Ailment(f"the bot is not in #{channel.get('name')}", Status.MISSING)
    if channel.get("is_archived"):
        raise Ailment(f"#{channel.get('name')} is archived")
    if channel.get("is_ext_shared") or channel.get("is_pending_ext_shared"):
        raise Ailment(f"#{channel.get('name')} is shared with another organisation: incidents do not belong there")
    return f"#{channel.get('name')}"


def _roster(client: WebClient, usergroup: str) -> str:
    people = _ask(client, "usergroups.users.list", usergroup=usergroup)[0].get("users", [])
    if not people:
        raise Ailment(f"{usergroup} has nobody in it, so nobody could approve", Status.MISSING)
    return f"{len(people)} {'person' if len(people) == 1 else 'people'} in {usergroup}"
