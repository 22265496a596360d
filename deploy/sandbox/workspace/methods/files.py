"""Files v2: an address to upload to, then completion, which posts the file where it belongs."""

from __future__ import annotations

import mimetypes

from deploy.sandbox.workspace.arguments import Arguments
from deploy.sandbox.workspace.checks import check_message
from deploy.sandbox.workspace.directory import BOT_USER, Channel
from deploy.sandbox.workspace.messages import Content
from deploy.sandbox.workspace.slack import Slack
from deploy.sandbox.workspace.state import Upload
from deploy.sandbox.workspace.wire import JsonObject, SlackError, words


def get_upload_url(slack: Slack, args: Arguments) -> JsonObject:
    """Where to send the raw bytes; their number must be exactly `length`."""
    file_id, name = slack.state.new_id("F"), args.need("filename")
    size = args.number("length", 0)
    if size < 1:
        raise SlackError("invalid_arguments", "[ERROR] length must be more than 0")
    slack.state.uploads[file_id] = Upload(file_id, name, size, name, args.word("alt_txt"))
    return {"upload_url": f"{slack.state.base_url}/upload/v1/{file_id}", "file_id": file_id}


def complete_upload(slack: Slack, args: Arguments) -> JsonObject:
    """Finish uploads and post them to a channel or thread, if one is given."""
    files = [_completed(slack, words(given, "id"), words(given, "title")) for given in args.objects("files")]
    if not files:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: files")
    targets = [args.word("channel_id"), *args.word("channels").split(",")]
    for channel in [slack.state.directory.channel(target) for target in targets if target]:
        _post(slack, args, channel, tuple(files))
    return {"files": files}


def info(slack: Slack, args: Arguments) -> JsonObject:
    """One file."""
    return {"file": _look(slack, _upload(slack, args.need("file")))}


def mimetype(name: str) -> str:
    """The type a file is served with, by its name."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _completed(slack: Slack, file_id: str, title: str) -> JsonObject:
    upload = _upload(slack, file_id)
    if len(upload.data) != upload.size:
        raise SlackError("file_upload_incomplete")
    upload.title = title or upload.name
    upload.ready_at = slack.state.clock() + slack.state.switches.file_processing
    return _look(slack, upload)


def _post(slack: Slack, args: Arguments, channel: Channel, files: tuple[JsonObject, ...]) -> None:
    if BOT_USER not in channel.members:
        raise SlackError("not_in_channel")
    check_message(slack.state, args.content())
    content = Content.of(args.word("initial_comment"), args.objects("blocks"))
    message = slack.post_as_app(channel, content, args.word("thread_ts"))
    message.files = files
    slack.changed(message)


def _upload(slack: Slack, file_id: str) -> Upload:
    if file_id not in slack.state.uploads:
        raise SlackError("file_not_found")
    return slack.state.uploads[file_id]


def _look(slack: Slack, upload: Upload) -> JsonObject:
    address = f"{slack.state.base_url}/files/{upload.id}"
    return {
        "id": upload.id,
        "name": upload.name,
        "title": upload.title,
        "alt_txt": upload.alt_text,
        "mimetype": mimetype(upload.name),
        "filetype": upload.name.rpartition(".")[2],
        "size": upload.size,
        "user": BOT_USER,
        "permalink": address,
        "url_private": address,
        "url_private_download": address,
    }
