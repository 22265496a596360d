"""Step-up: a decision that Slack alone is too weak a proof for is confirmed behind a fresh sign-in.

Here: the one-time link, and what must be configured for it. What is behind the link is `bot.sign_in.pages`.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import SecretStr
from sqlmodel import Session

from bot.views import ephemeral
from bot.views.blocks import Message
from storage import exceptions
from storage.exceptions import Purpose
from storage.tables import Plan
from tools.values import Value

if TYPE_CHECKING:
    from bot.desk import Desk
    from bot.settings import Settings

LIFETIME = timedelta(minutes=5)
"""How long a link works, and how fresh the sign-in behind it must be."""


class SignIns(Value):
    """Where people sign in afresh, as far as it is configured."""

    public_url: str | None = None
    """Address at which people reach our HTTP server, with a slash at its end."""
    issuer: str | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    claim: str = "https://slack.com/user_id"
    """The claim of the ID token that holds the Slack user id."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The settings without which nobody can sign in."""
        needed = {
            "SAYSO_PUBLIC_URL": self.public_url,
            "SAYSO_OIDC_ISSUER": self.issuer,
            "SAYSO_OIDC_CLIENT_ID": self.client_id,
            "SAYSO_OIDC_CLIENT_SECRET": self.client_secret,
        }
        return tuple(name for name, value in needed.items() if not value)

    def page(self, path: str) -> str:
        """The address of one of our sign-in pages."""
        return f"{self.public_url}sign-in/{path}"


def sign_ins(settings: Settings) -> SignIns:
    """What the settings say about signing in."""
    return SignIns(
        public_url=settings.public_url,
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        claim=settings.oidc_claim,
    )


def ask(
    session: Session, plan: Plan, user_id: str, purpose: Purpose, reason: str | None, desk: Desk
) -> tuple[Message, str | None]:
    """Make the link for one person, one plan and one purpose. What to tell them, and why none could be made."""
    name, at = f"P-{plan.id}", desk.now()
    missing = desk.sign_ins.missing
    if missing:
        told = (
            f"Plan {name} needs a fresh sign-in, and none is configured: nothing counts. Missing: {', '.join(missing)}."
        )
        return ephemeral.note(told), "a fresh sign-in is needed, and none is configured"
    token, until = secrets.token_urlsafe(32), at + LIFETIME
    exceptions.ask_sign_in(
        session, plan, token=token, user_id=user_id, purpose=purpose, reason=reason, at=at, expires_at=until
    )
    return ephemeral.sign_in(name, desk.sign_ins.page(token), until), None
