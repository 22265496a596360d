"""Who am I, who are they: api, auth, apps, team, bots, users and usergroups."""

from __future__ import annotations

from deploy.sandbox.workspace.arguments import Arguments
from deploy.sandbox.workspace.directory import BOT_ID, BOT_USER, TEAM_DOMAIN, TEAM_ID, TEAM_NAME
from deploy.sandbox.workspace.paging import page
from deploy.sandbox.workspace.slack import Slack
from deploy.sandbox.workspace.wire import JsonObject, SlackError, nested, words


def api_test(slack: Slack, args: Arguments) -> JsonObject:
    """Echo the arguments; with `error`, fail with it."""
    if args.word("error"):
        raise SlackError(args.word("error"))
    return {"args": args.values}


def auth_test(slack: Slack, args: Arguments) -> JsonObject:
    """Who the token belongs to; Bolt drops the app's own events by the ids it finds here."""
    return {
        "url": f"{slack.state.base_url}/",
        "team": TEAM_NAME,
        "team_id": TEAM_ID,
        "user": slack.state.directory.people[BOT_USER].name,
        "user_id": BOT_USER,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


def connections_open(slack: Slack, args: Arguments) -> JsonObject:
    """An address for one Socket Mode connection."""
    return {"url": slack.sockets.new_address()}


def team_info(slack: Slack, args: Arguments) -> JsonObject:
    """The workspace itself."""
    return {"team": {"id": TEAM_ID, "name": TEAM_NAME, "domain": TEAM_DOMAIN}}


def bots_info(slack: Slack, args: Arguments) -> JsonObject:
    """The bot with this id."""
    for person in slack.state.directory.people.values():
        if person.bot_id and person.bot_id == args.need("bot"):
            ids = {"id": person.bot_id, "app_id": person.app_id, "user_id": person.id}
            return {"bot": {**ids, "name": person.real_name, "deleted": False}}
    raise SlackError("bot_not_found")


def users_info(slack: Slack, args: Arguments) -> JsonObject:
    """One person."""
    if args.need("user") not in slack.state.directory.people:
        raise SlackError("user_not_found")
    return {"user": slack.state.directory.people[args.need("user")].json()}


def users_list(slack: Slack, args: Arguments) -> JsonObject:
    """Everybody, page by page."""
    people, after = page(list(slack.state.directory.people.values()), args.number("limit", 0), args.word("cursor"))
    return {"members": [person.json() for person in people], "response_metadata": {"next_cursor": after}}


def users_lookup_by_email(slack: Slack, args: Arguments) -> JsonObject:
    """The person with this address."""
    for person in slack.state.directory.people.values():
        if words(nested(person.json(), "profile"), "email") == args.need("email"):
            return {"user": person.json()}
    raise SlackError("users_not_found")


def usergroups_list(slack: Slack, args: Arguments) -> JsonObject:
    """Every usergroup; who is in it only when asked."""
    groups = [group.json() for group in slack.state.directory.usergroups.values()]
    if not args.flag("include_users"):
        groups = [{key: value for key, value in group.items() if key != "users"} for group in groups]
    return {"usergroups": groups}


def usergroups_users_list(slack: Slack, args: Arguments) -> JsonObject:
    """Who is in a usergroup."""
    return {"users": list(slack.state.directory.usergroup(args.need("usergroup")).users)}
