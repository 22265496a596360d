"""The Web API, method by method: one file a family, and the table of every name the workspace answers.

A method is a function of the workspace and its arguments; a refusal is raised as SlackError. Tokens, faults and rates
are the door's business (`webapi`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from deploy.sandbox.workspace.arguments import Arguments
from deploy.sandbox.workspace.methods import chat, conversations, directory, files, sessions, streams, views
from deploy.sandbox.workspace.slack import Slack
from deploy.sandbox.workspace.wire import JsonObject

Method: TypeAlias = Callable[[Slack, Arguments], JsonObject]

METHODS: Mapping[str, Method] = {
    "api.test": directory.api_test,
    "auth.test": directory.auth_test,
    "apps.connections.open": directory.connections_open,
    "team.info": directory.team_info,
    "bots.info": directory.bots_info,
    "users.info": directory.users_info,
    "users.list": directory.users_list,
    "users.lookupByEmail": directory.users_lookup_by_email,
    "usergroups.list": directory.usergroups_list,
    "usergroups.users.list": directory.usergroups_users_list,
    "chat.postMessage": chat.post_message,
    "chat.postEphemeral": chat.post_ephemeral,
    "chat.update": chat.update,
    "chat.delete": chat.delete,
    "chat.getPermalink": chat.get_permalink,
    "chat.startStream": streams.start,
    "chat.appendStream": streams.append,
    "chat.stopStream": streams.stop,
    "reactions.add": chat.reactions_add,
    "reactions.remove": chat.reactions_remove,
    "reactions.get": chat.reactions_get,
    "conversations.history": conversations.history,
    "conversations.replies": conversations.replies,
    "conversations.info": conversations.info,
    "conversations.list": conversations.listing,
    "conversations.members": conversations.members,
    "conversations.open": conversations.open_direct,
    "conversations.join": conversations.join,
    "views.open": views.open_view,
    "views.push": views.push,
    "views.update": views.update,
    "views.publish": views.publish,
    "files.getUploadURLExternal": files.get_upload_url,
    "files.completeUploadExternal": files.complete_upload,
    "files.info": files.info,
    "assistant.threads.setStatus": sessions.set_note,
    "assistant.threads.setTitle": sessions.set_title,
    "assistant.threads.setSuggestedPrompts": sessions.set_prompts,
    "agents.sessions.setStatus": sessions.set_status,
    "agents.sessions.rename": sessions.set_title,
}
