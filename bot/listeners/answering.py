"""Telling the one who pressed or submitted: a private message, a modal, or that something broke. Decides nothing."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog

from bot.listeners.payloads import Press, Submission, press_of
from bot.naming import plan_number
from bot.views import ephemeral, modals
from bot.views.blocks import Message, View
from bot.views.ids import PlanReference
from storage import messages
from storage.tables import Plan
from tools.values import Value

if TYPE_CHECKING:
    from slack_bolt import BoltResponse
    from slack_sdk import WebClient

    from bot.desk import Desk

log = structlog.get_logger(__name__)
SHOWN_WITHIN, LOOK_AGAIN_AFTER = 5.0, 0.2
"""Seconds until a modal that a submission was answered with is surely shown, or closed; and between two looks."""
INTERACTIVE = ("block_actions", "view_submission", "view_closed", "block_suggestion", "shortcut", "message_action")


class Place(Value):
    """Where somebody is told something that only they see."""

    user_id: str
    channel: str
    thread_ts: str = ""


def beside(press: Press) -> Place:
    """Where the press was made. A Home tab has no channel: then in their own messages."""
    return Place(user_id=press.user_id, channel=press.channel or press.user_id, thread_ts=press.thread_ts)


def in_thread(submission: Submission, reference: PlanReference | None, desk: Desk) -> Place:
    """The thread of the plan that a modal was about; the alert channel, when nobody knows the plan."""
    with desk.database.reading() as session:
        plan = session.get(Plan, plan_number(reference.plan_id)) if reference is not None else None
    return in_incident(submission.user_id, plan.incident_id if plan is not None else 0, desk)


def in_incident(user_id: str, incident_id: int, desk: Desk) -> Place:
    """The thread of an incident; the alert channel, when nobody knows the incident."""
    with desk.database.reading() as session:
        root = messages.find(session, f"incident:{incident_id}")
    if root is None:
        return Place(user_id=user_id, channel=desk.channel)
    return Place(user_id=user_id, channel=root.channel, thread_ts=root.ts or "")


def tell(client: WebClient, place: Place, message: Message) -> None:
    """A private answer. Slack shows it only to members of the channel; what was decided stands whether they see it."""
    from slack_sdk.errors import SlackApiError

    told = {"channel": place.channel, "user": place.user_id, "thread_ts": place.thread_ts, **message}
    try:
        client.api_call("chat.postEphemeral", json={name: value for name, value in told.items() if value != ""})
    except SlackApiError as error:
        log.info("click.not_told", user=place.user_id, error=str(error.response.get("error")))
    except OSError as error:
        log.info("click.not_told", user=place.user_id, error=str(error))


def show(client: WebClient, press: Press, view: View) -> None:
    """Open a modal. A trigger lives three seconds; who pressed is told when it was too late, or not Slack's at all."""
    from slack_sdk.errors import SlackApiError

    try:
        client.views_open(trigger_id=press.trigger_id, view=view)
    except (SlackApiError, OSError) as error:
        said = str(error.response.get("error")) if isinstance(error, SlackApiError) else str(error)
        log.info("modal.not_shown", user=press.user_id, error=said)
        tell(client, beside(press), ephemeral.note("Slack did not open the form. Nothing was done; press it again."))


def show_result(client: WebClient, view_id: str, title: str, told: Message) -> bool:
    """Write what came of it into the modal that says it is being worked on; False when nobody looks at it any more.

    That modal is shown with the answer to the submission. Writing into it before Slack has shown it would be
    overwritten, so it has an id of its own, under which Slack finds it from then on.
    """
    from slack_sdk.errors import SlackApiError

    deadline = time.monotonic() + SHOWN_WITHIN
    while time.monotonic() < deadline:
        try:
            client.views_update(external_id=external_id(view_id), view=modals.answer(title, told))
        except SlackApiError as error:
            if error.response.get("error") != "not_found":
                return False
            time.sleep(LOOK_AGAIN_AFTER)
        except OSError:
            return False
        else:
            return True
    return False


def external_id(view_id: str) -> str:
    """Our own name for the modal that is shown while a submission of `view_id` is worked on."""
    return f"working-{view_id}"


def later(work: Callable[[Any, WebClient], None]) -> Callable[..., None]:
    """What takes longer than Slack waits, done after the acknowledgement.

    Nothing has been accepted before it is done: when this process dies, nothing happened, and they press again.
    """

    def worked(body: dict[str, Any], client: WebClient) -> None:
        try:
            work(body, client)
        except Exception as error:  # noqa: BLE001 - the edge: nobody else would tell who waits for it
            _broke(error, body, client)

    return worked


def broke(error: Exception, body: dict[str, Any], client: WebClient) -> BoltResponse | None:
    """Bolt's own edge. Who pressed is told under which id the log says more; an event is left for Slack to repeat."""
    from slack_bolt import BoltResponse

    if body.get("type") not in INTERACTIVE:
        log.error("listener.failed", exc_info=error)
        return None
    _broke(error, body, client)
    return BoltResponse(status=200, body="")


def _broke(error: Exception, body: dict[str, Any], client: WebClient) -> None:
    correlation_id = uuid.uuid4().hex[:8]
    log.error("listener.failed", correlation_id=correlation_id, exc_info=error)
    tell(client, beside(press_of(body)), ephemeral.failed(correlation_id))
