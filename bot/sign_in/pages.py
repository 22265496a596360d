"""The pages behind a one-time link: see exactly what is decided, sign in afresh, confirm. Then the decision is counted.

The link's token stays in the person's browser (a cookie of these pages), so that what comes back from the issuer is
taken only by the browser that set out. What proves the sign-in to the last page is a MAC over the token, the plan's
digest, the person and the moment: no session is kept, and any replica can take the next request.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, redirect, request

from bot import approval
from bot.approval import Click
from bot.cards import incident_name, plan_name
from bot.emergencies import break_glass
from bot.emergencies.break_glass import Breaking
from bot.sign_in.oidc import Attempt, Issuer, NotSignedIn, SignedIn
from bot.sign_in.step_up import LIFETIME
from bot.views import sign_in as pages
from bot.views.ids import PlanReference
from policies.engine import summary
from storage import audit, exceptions, incidents, plans
from storage.exceptions import Purpose
from storage.tables import Plan, SignIn, Verdict

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from bot.desk import Desk

COOKIE = "sayso_sign_in"
NO_LINK = "This link is not known, was used before, or has expired. Press the button in Slack again."
log = structlog.get_logger(__name__)


class Turned(Exception):
    """This request decides nothing; the text is for the person."""


def routes(desk: Desk) -> Blueprint:
    """`/sign-in/...`: the page, the way to the issuer, the way back, and the confirmation."""
    made = Blueprint("sign_in", __name__, url_prefix="/sign-in")

    def page(token: str) -> AnyResponse:
        return _answered(desk, lambda: _html(pages.start(_subject(_link(token, desk), desk), f"{token}/go")))

    def go(token: str) -> AnyResponse:
        return _answered(desk, lambda: _set_out(token, desk))

    def callback() -> AnyResponse:
        return _answered(desk, lambda: _come_back(desk))

    def confirm() -> AnyResponse:
        return _answered(desk, lambda: _confirm(desk))

    made.add_url_rule("/callback", view_func=callback, methods=["GET"])
    made.add_url_rule("/confirm", view_func=confirm, methods=["POST"])
    made.add_url_rule("/<token>", view_func=page, methods=["GET"])
    made.add_url_rule("/<token>/go", view_func=go, methods=["POST"])
    return made


def _answered(desk: Desk, work: Callable[[], AnyResponse]) -> AnyResponse:
    """What the work says, with headers that keep the page to itself; a refusal as a page of its own."""
    try:
        if desk.sign_ins.missing:
            raise Turned("No sign-in is configured here.")
        answer = work()
    except Turned as turned:
        answer = _html(pages.told("Nothing was decided", str(turned)), 403)
    issuer = urlsplit(desk.sign_ins.issuer or "")
    ours = f"'self' {issuer.scheme}://{issuer.netloc}"  # browsers hold a form's redirects to it as well
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'unsafe-inline'; form-action {ours}; frame-ancestors 'none'; base-uri 'none'"
    )
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _set_out(token: str, desk: Desk) -> AnyResponse:
    """To the issuer, with an attempt of this browser's own."""
    _link(token, desk)
    salt = secrets.token_urlsafe(16)
    try:
        answer = redirect(Issuer(desk.sign_ins).authorization_url(_attempt(token, salt)), 303)
    except NotSignedIn as error:
        raise Turned(f"You cannot sign in now: {error}.") from error
    https = (desk.sign_ins.public_url or "").startswith("https://")
    path = urlsplit(desk.sign_ins.page("")).path
    # Lax, since the browser comes back from the issuer by a link of another site.
    answer.set_cookie(
        COOKIE, f"{token}.{salt}", max_age=LIFETIME, path=path, secure=https, httponly=True, samesite="Lax"
    )
    return answer


def _come_back(desk: Desk) -> AnyResponse:
    """From the issuer: believe who signed in, and ask for the last press."""
    token, salt = _browser()
    link, attempt = _link(token, desk), _attempt(token, salt)
    if not hmac.compare_digest(request.args.get("state", "").encode(), attempt.state.encode()):
        raise _turned_away(link, "the answer is of another attempt", desk)
    try:
        who = Issuer(desk.sign_ins).signed_in(request.args.get("code", ""), attempt, desk.now())
    except NotSignedIn as error:
        raise _turned_away(link, str(error), desk) from error
    if who.slack_user != link.user_id:
        raise _turned_away(link, f"another person signed in ({who.slack_user})", desk)
    return _html(pages.confirm(_subject(link, desk), "confirm", _proof(token, salt, link, who, desk)))


def _confirm(desk: Desk) -> AnyResponse:
    """The last press: the decision is counted as one given after a fresh sign-in, and the link is used up."""
    token, salt = _browser()
    link = _link(token, desk)
    given = request.form.get("proof", "")
    moment = given.partition(".")[0]
    who = SignedIn(slack_user=link.user_id, at=int(moment) if moment.isascii() and moment.isdigit() else 0)
    fresh = desk.now().timestamp() - who.at <= LIFETIME.total_seconds()
    if not fresh or not hmac.compare_digest(given.encode(), _proof(token, salt, link, who, desk).encode()):
        raise _turned_away(link, "the confirmation does not belong to a fresh sign-in", desk)
    said = _decide(link, desk)
    answer = _html(pages.told("Your decision was taken", said))
    answer.delete_cookie(COOKIE, path=urlsplit(desk.sign_ins.page("")).path)
    return answer


def _decide(link: SignIn, desk: Desk) -> str:
    """The same flows a click takes, told apart by the link. Returns what they say."""
    with desk.database.reading() as session:
        reference = _reference(plans.get(session, link.plan_id))
    key, team = f"sign-in:{link.token_hash}", desk.people.team_id
    if link.purpose == Purpose.BREAK_GLASS:
        asked = Breaking(
            event_key=key,
            user_id=link.user_id,
            team_id=team,
            reference=reference,
            reason=link.reason or "",
            sign_in=link.token_hash,
        )
        return break_glass.go(asked, desk)["text"]
    click = Click(
        event_key=key,
        user_id=link.user_id,
        team_id=team,
        channel="",
        reference=reference,
        verdict=Verdict.APPROVE,
        reason=link.reason,
        sign_in=link.token_hash,
    )
    return approval.decide(click, desk)["text"]


def _browser() -> tuple[str, str]:
    """The link and the attempt this browser set out with."""
    token, _, salt = request.cookies.get(COOKIE, "").partition(".")
    return token, salt


def _link(token: str, desk: Desk) -> SignIn:
    """The sign-in a link stands for, while it can still be used. Raises Turned."""
    with desk.database.reading() as session:
        link = exceptions.sign_in(session, token) if 20 <= len(token) <= 100 else None
    if link is None or link.used_at is not None or link.expires_at <= desk.now():
        raise Turned(NO_LINK)
    return link


def _subject(link: SignIn, desk: Desk) -> pages.Subject:
    """The plan as it stands in the record, if it still is what the link was made for. Raises Turned."""
    with desk.database.reading() as session:
        plan = plans.get(session, link.plan_id)
        incident = incidents.get(session, plan.incident_id)
    if plan.digest != link.plan_digest or not plans.intact(plan):
        raise Turned("The plan is not what this link was made for.")
    return pages.Subject(
        plan_id=plan_name(plan.id),
        version=plan.version,
        digest=plan.digest,
        incident=f"{incident_name(incident.id)} {incident.title}",
        service=incident.service or "unknown service",
        environment=incident.environment,
        policy=summary(plan.decision),
        steps=tuple(
            pages.ShownStep(
                title=step.title,
                target=str(step.observed.target),
                changes=tuple((one.path, str(one.before), str(one.after)) for one in step.preview.changes),
                blast_radius=step.preview.blast_radius,
                undo=step.preview.undo,
            )
            for step in plan.rehearsal.steps
        ),
        user_id=link.user_id,
        reason=link.reason,
        breaks_glass=link.purpose == Purpose.BREAK_GLASS,
        until=link.expires_at,
    )


def _attempt(token: str, salt: str) -> Attempt:
    """What this browser's attempt sends to the issuer. Only who has the link and the cookie can know it."""

    def derived(name: str) -> str:
        return urlsafe_b64encode(hmac.digest(token.encode(), f"{name}\n{salt}".encode(), "sha256")).decode().rstrip("=")

    return Attempt(state=derived("state"), nonce=derived("nonce"), verifier=derived("verifier"))


def _proof(token: str, salt: str, link: SignIn, who: SignedIn, desk: Desk) -> str:
    """That this person signed in at that moment, in this browser, for these bytes. Also what no other site can post."""
    secret = desk.sign_ins.client_secret
    assert secret is not None  # all is configured, or nobody gets here
    key = hashlib.sha256(b"sayso.sign-in\n" + secret.get_secret_value().encode()).digest()
    covered = "\n".join((token, salt, link.plan_digest, link.purpose, who.slack_user, str(who.at)))
    return f"{who.at}.{hmac.new(key, covered.encode(), hashlib.sha256).hexdigest()}"


def _reference(plan: Plan) -> PlanReference:
    return PlanReference(plan_id=plan_name(plan.id), version=plan.version, digest=plan.digest[:16])


def _turned_away(link: SignIn, why: str, desk: Desk) -> Turned:
    """Put on record that somebody with this link did not get through."""
    log.warning("sign_in.refused", plan_id=link.plan_id, user=link.user_id, why=why)
    with desk.database.writing() as session:
        audit.append(
            session,
            actor=link.user_id,
            event="sign_in.refused",
            subject=f"plan:{link.plan_id}",
            payload={"reason": why[:500], "purpose": link.purpose, "digest": link.plan_digest},
            at=desk.now(),
        )
    return Turned(f"Nothing counts: {why}. Press the button in Slack again.")


def _html(text: str, status: int = 200) -> Response:
    return Response(text, status, content_type="text/html; charset=utf-8")
