"""Refusing what Slack would refuse: the Block Kit limits, and images whose file is unknown or still being processed."""

from __future__ import annotations

from collections.abc import Iterator

from bot.views.limits import MESSAGE_TEXT, view_violations, violations
from deploy.sandbox.workspace.state import WorkspaceState
from deploy.sandbox.workspace.wire import JsonObject, SlackError, listed, nested, words


def check_message(state: WorkspaceState, message: JsonObject) -> None:
    """Raise `invalid_blocks` with Slack's sentences when this content would not be shown."""
    # Slack cuts long text off instead of refusing it.
    found = (
        violations({**message, "text": words(message, "text")[:MESSAGE_TEXT]}) if state.switches.block_limits else []
    )
    blocks = [*listed(message, "blocks")]
    for attachment in listed(message, "attachments"):
        blocks += listed(attachment, "blocks")
    _refuse([*found, *_unready_files(state, blocks)])


def check_view(state: WorkspaceState, view: JsonObject) -> None:
    """The same for a modal or Home view; `view_too_large` for one over 250 KB."""
    found = view_violations(view) if state.switches.block_limits else []
    if any("larger than" in line for line in found):
        raise SlackError("view_too_large", *found)
    _refuse([*found, *_unready_files(state, listed(view, "blocks"))])


def _refuse(found: list[str]) -> None:
    if found:
        raise SlackError("invalid_blocks", *found)


def _unready_files(state: WorkspaceState, blocks: list[JsonObject]) -> Iterator[str]:
    for n, block in enumerate(blocks):
        file_id = words(nested(block, "slack_file"), "id")
        if not file_id:
            continue
        upload = state.uploads.get(file_id)
        if upload is None or upload.ready_at is None or state.clock() < upload.ready_at:
            yield f"[ERROR] invalid slack file [json-pointer:/blocks/{n}/slack_file]"
