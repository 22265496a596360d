"""The issuer over HTTP. What an ID token says is in `tokens`; here is who asks for one, and how."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from deploy.sandbox.identity.tokens import Claims, Tokens
from deploy.sandbox.serving import LoopbackServer
from deploy.sandbox.workspace.directory import PEOPLE

CLIENT_ID, CLIENT_SECRET = "sayso-sandbox", "sandbox-client-secret"
CODE_SECONDS = 60


@dataclass(frozen=True)
class Grant:
    """What a code stands for until it is redeemed, once."""

    user: str
    redirect_uri: str
    nonce: str
    challenge: str
    signed_in_at: int


class Identity:
    """`with Identity() as issuer: issuer.url`. `tokens` may be told to make tokens nobody should believe."""

    def __init__(self, port: int = 0, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._grants: dict[str, Grant] = {}
        routes = [
            Route("/.well-known/openid-configuration", self._discovery),
            Route("/keys", self._keys),
            Route("/authorize", self._authorize, methods=["GET", "POST"]),
            Route("/token", self._token, methods=["POST"]),
        ]
        self._server = LoopbackServer(Starlette(routes=routes), port)
        self.tokens = Tokens()

    @property
    def url(self) -> str:
        """The issuer, as it calls itself."""
        return self._server.url

    def environment(self) -> Mapping[str, str]:
        """What a bot must be told to use it."""
        return {
            "SAYSO_OIDC_ISSUER": self.url,
            "SAYSO_OIDC_CLIENT_ID": CLIENT_ID,
            "SAYSO_OIDC_CLIENT_SECRET": CLIENT_SECRET,
        }

    def _discovery(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    def _keys(self, _: Request) -> Response:
        return JSONResponse(self.tokens.public_keys())

    async def _authorize(self, request: Request) -> Response:
        """A page with everybody's name; pressing one signs that person in and sends the browser back with a code."""
        asked = request.query_params
        wanted = {"client_id": CLIENT_ID, "response_type": "code", "code_challenge_method": "S256"}
        if any(asked.get(name) != value for name, value in wanted.items()) or "openid" not in asked.get("scope", ""):
            return HTMLResponse("That is no request of a client I know.", 400)
        if request.method == "GET":
            return HTMLResponse(_page(f"/authorize?{request.url.query}"))
        form = parse_qs((await request.body()).decode())
        code = secrets.token_urlsafe(24)
        self._grants[code] = Grant(
            user=form.get("user", [""])[0],
            redirect_uri=asked["redirect_uri"],
            nonce=asked.get("nonce", ""),
            challenge=asked["code_challenge"],
            signed_in_at=int(self._clock()),
        )
        back = urlencode({"code": code, "state": asked.get("state", "")})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", 303)

    async def _token(self, request: Request) -> Response:
        """Redeem a code, once, for the client that asked for it."""
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return JSONResponse({"error": "invalid_client"}, 401)
        grant = self._grants.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if grant is None or (grant.redirect_uri, grant.challenge) != (form.get("redirect_uri"), challenge):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(self._clock())
        claims: Claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": f"sandbox|{grant.user}",
            "iat": now,
            "exp": now + 300,
            "auth_time": grant.signed_in_at,
            "nonce": grant.nonce,
            "https://slack.com/user_id": grant.user,
        }
        answer = {"access_token": secrets.token_urlsafe(24), "token_type": "Bearer", "expires_in": 300}
        return JSONResponse({**answer, "id_token": self.tokens.make(claims)})

    def start(self) -> Self:
        """Serve in the background."""
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop serving."""
        self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _page(action: str) -> str:
    people = (person for person in PEOPLE if person.standing != "bot")
    buttons = "".join(
        f'<p><button name="user" value="{person.id}">{escape(person.real_name)}</button></p>' for person in people
    )
    head = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sign in · sandbox</title></head>'
    return (
        f'{head}<body><h1>Who are you?</h1><form method="post" action="{escape(action)}">{buttons}</form></body></html>'
    )
