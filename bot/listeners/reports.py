"""The buttons below what was found: its report, and what people think of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot import opinions
from bot.listeners.answering import beside, in_incident, show, tell
from bot.listeners.payloads import press_of, submission_of
from bot.naming import incident_number
from bot.opinions import Said
from bot.reports import incident as reports
from bot.reports.rendering import clock, render, span
from bot.views import feedback as feedback_view
from bot.views import modals
from bot.views import report as report_view
from bot.views.blocks import View
from bot.views.ids import REASON_BLOCK, ActionId, CallbackId
from storage.feedback import Opinion

if TYPE_CHECKING:
    from slack_bolt import Ack, App
    from slack_sdk import WebClient

    from bot.desk import Desk


def register(app: App, desk: Desk) -> None:
    """Report, Useful, Not useful, and what was wrong."""

    def report(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        press = press_of(body)
        show(client, press, _report(press.value, desk))
        ack()

    def useful(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        press = press_of(body)
        said = Said(user_id=press.user_id, team_id=press.team_id, look=press.value, opinion=Opinion.USEFUL)
        tell(client, beside(press), opinions.take(said, desk))
        ack()

    def not_useful(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        press = press_of(body)
        show(client, press, feedback_view.what_was_wrong(press.value))
        ack()

    def what_was_wrong(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        ack()
        submission = submission_of(body)
        said = Said(
            user_id=submission.user_id,
            team_id=submission.team_id,
            look=submission.metadata,
            opinion=submission.typed.get(feedback_view.OPINION_BLOCK, ""),
            reason=submission.typed.get(REASON_BLOCK) or None,
        )
        told = opinions.take(said, desk)
        tell(client, in_incident(submission.user_id, incident_number(said.look.partition(":")[0]), desk), told)

    app.action(ActionId.REPORT)(report)
    app.action(ActionId.USEFUL)(useful)
    app.action(ActionId.NOT_USEFUL)(not_useful)
    app.view(CallbackId.NOT_USEFUL)(what_was_wrong)


def _report(incident_name: str, desk: Desk) -> View:
    with desk.database.reading() as session:
        try:
            report = reports.of_incident(session, incident_number(incident_name), desk.now())
        except KeyError:
            return modals.notice("There is no such incident.")
    lasting = {"decided": report.to_decide, "mitigated": report.to_mitigate, "resolved": report.lasted}
    past = ", ".join(f"{what} after {span(length)}" for what, length in lasting.items() if length is not None)
    facts = (
        ("Incident", f"{report.ref} {report.title}"),
        ("Service", f"{report.service} in {report.environment}, {report.severity.upper()}"),
        ("Began", f"{clock(report.began)}, noticed {span(report.to_notice)} later"),
        ("Since then", past or "nobody has decided anything yet"),
    )
    cause = f"{report.hypothesis} ({report.sure})" if report.hypothesis else "Nobody has looked yet."
    draft = render("post_mortem.md.j2", report)
    return report_view.modal(report_view.Report(incident_id=report.ref, facts=facts, cause=cause, draft=draft))
