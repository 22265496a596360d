"""Modals and the Home tab, as the app writes them."""

from __future__ import annotations

from deploy.sandbox.workspace.arguments import Arguments
from deploy.sandbox.workspace.checks import check_view
from deploy.sandbox.workspace.modals import View
from deploy.sandbox.workspace.slack import Slack
from deploy.sandbox.workspace.wire import JsonObject, SlackError


def open_view(slack: Slack, args: Arguments) -> JsonObject:
    """Show a modal to whoever's trigger this is."""
    user, body = _triggered(slack, args)
    return _shown(slack, slack.state.views.open(user, body, slack.state.stamp()))


def push(slack: Slack, args: Arguments) -> JsonObject:
    """Show a modal above the one somebody is looking at."""
    user, body = _triggered(slack, args)
    return _shown(slack, slack.state.views.push(user, body, slack.state.stamp()))


def update(slack: Slack, args: Arguments) -> JsonObject:
    """Rewrite an open view, found by its id or the app's own."""
    view = slack.state.views.find(args.word("view_id"), args.word("external_id"))
    body = _body(slack, args)
    return _shown(slack, slack.state.views.update(view, body, slack.state.stamp(), args.word("hash")))


def publish(slack: Slack, args: Arguments) -> JsonObject:
    """Write somebody's Home tab."""
    user = args.need("user_id")
    if user not in slack.state.directory.people:
        raise SlackError("invalid_arguments", "[ERROR] user_id names nobody")
    body = _body(slack, args)
    return _shown(slack, slack.state.views.publish(user, body, slack.state.stamp(), args.word("hash")))


def _triggered(slack: Slack, args: Arguments) -> tuple[str, JsonObject]:
    body = _body(slack, args)
    trigger = args.word("trigger_id") or args.word("interactivity_pointer")
    if not trigger:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: trigger_id")
    return slack.state.use_trigger(trigger), body


def _body(slack: Slack, args: Arguments) -> JsonObject:
    if not args.object("view"):
        raise SlackError("invalid_arguments", "[ERROR] missing required field: view")
    check_view(slack.state, args.object("view"))
    return args.object("view")


def _shown(slack: Slack, view: View) -> JsonObject:
    slack.state.feed.tell("view", user=view.user)
    return {"view": view.json()}
