"""Modal submissions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot import approval
from bot.listeners.buttons import click_of
from bot.views import modals
from bot.views.ids import REASON_BLOCK, REASON_INPUT, CallbackId, parse_reference
from storage.tables import Verdict

if TYPE_CHECKING:
    from slack_bolt import Ack, App
    from slack_sdk import WebClient

    from bot.desk import Desk


def register(app: App, desk: Desk) -> None:
    """The reasons given with a rejection, or with an approval that needs one; other views have nothing to submit."""

    def decide(verdict: Verdict) -> Callable[[Ack, dict[str, Any], WebClient], None]:
        def submitted(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
            reference = parse_reference(str(body["view"]["private_metadata"]))
            reason = body["view"]["state"]["values"].get(REASON_BLOCK, {}).get(REASON_INPUT, {}).get("value")
            errors = modals.reason_errors(reason)
            if errors or reference is None:
                ack(response_action="errors", errors=errors or {REASON_BLOCK: "This plan is not known any more."})
                return
            told = approval.decide(click_of(body, reference, verdict, reason=reason), desk)
            ack()
            client.api_call("chat.postEphemeral", json={"channel": desk.channel, "user": body["user"]["id"], **told})

        return submitted

    def nothing(ack: Ack) -> None:
        ack()

    app.view(CallbackId.APPROVE)(decide(Verdict.APPROVE))
    app.view(CallbackId.REJECT)(decide(Verdict.REJECT))
    app.view(re.compile(".*"))(nothing)
    app.view_closed(re.compile(".*"))(nothing)
