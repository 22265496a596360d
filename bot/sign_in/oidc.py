"""Talking to the OpenID Connect issuer where people sign in afresh: authorization code, PKCE, and a verified ID token.

What a sign-in is for is `bot.sign_in.pages`'s. Nothing is believed but a token the issuer signed for us, for this very
attempt, about a sign-in of the last minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.sign_in.step_up import LIFETIME, SignIns
from tools.values import Value

PATIENCE = 10
"""Seconds the issuer has to answer."""
LEEWAY = 30
"""Seconds two clocks may differ."""
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that prove who signed; never `none`, nor one with a shared secret."""


class NotSignedIn(Exception):
    """The issuer did not say, so that it can be believed, who has just signed in."""


class Attempt(Value):
    """One attempt to sign in: what is sent to the issuer and must come back."""

    state: str
    nonce: str
    verifier: str


class SignedIn(Value):
    """Who signed in, by the claim that holds the Slack user id, and when."""

    slack_user: str
    at: int
    """Seconds since the epoch."""


class Issuer:
    """The issuer of the settings, asked afresh each time: sign-ins are rare, and its keys may rotate."""

    def __init__(self, sign_ins: SignIns) -> None:
        self._at = sign_ins

    def look(self) -> None:
        """Whether the issuer is there and is who the settings say. Raises NotSignedIn."""
        metadata = self._metadata()
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            self._endpoint(metadata, name)

    def authorization_url(self, attempt: Attempt) -> str:
        """Where the browser goes to sign in, again even where somebody is signed in. Raises NotSignedIn."""
        endpoint = self._endpoint(self._metadata(), "authorization_endpoint")
        url, _ = self._session().create_authorization_url(
            endpoint,
            state=attempt.state,
            nonce=attempt.nonce,
            code_verifier=attempt.verifier,
            prompt="login",
            max_age=int(LIFETIME.total_seconds()),
        )
        return str(url)

    def signed_in(self, code: str, attempt: Attempt, now: datetime) -> SignedIn:
        """Who signed in, for the code the browser brought back. Raises NotSignedIn."""
        from authlib.common.errors import AuthlibBaseError

        metadata = self._metadata()
        try:
            token = self._session().fetch_token(
                self._endpoint(metadata, "token_endpoint"),
                code=code,
                code_verifier=attempt.verifier,
                grant_type="authorization_code",
                timeout=PATIENCE,
            )
        except (AuthlibBaseError, OSError, ValueError) as error:
            raise NotSignedIn(f"the issuer did not take the code ({type(error).__name__})") from error
        claims = self._claims(str(token.get("id_token", "")), metadata, now)
        return self._believed(claims, attempt, now)

    def _claims(self, token: str, metadata: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
        """What the ID token says, once its signature, issuer, audience and times hold."""
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        registry = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY,
            exp={"essential": True},
            iat={"essential": True},
            iss={"essential": True, "value": self._at.issuer or ""},
            aud={"essential": True, "value": self._at.client_id or ""},
        )
        try:
            keys = KeySet.import_key_set(self._fetch(self._endpoint(metadata, "jwks_uri")))  # type: ignore[arg-type]
            decoded = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
            registry.validate(decoded.claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise NotSignedIn(f"the ID token does not hold ({type(error).__name__})") from error
        return decoded.claims

    def _believed(self, claims: Mapping[str, Any], attempt: Attempt, now: datetime) -> SignedIn:
        """The person and the moment; only of this attempt, only of the last minutes, and only where both are said."""
        if claims.get("nonce") != attempt.nonce:
            raise NotSignedIn("the ID token is of another attempt")
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != self._at.client_id:
            raise NotSignedIn("the ID token was made for somebody else too")
        at = claims.get("auth_time")
        if not isinstance(at, int) or isinstance(at, bool):
            raise NotSignedIn("the issuer does not say when you signed in (auth_time)")
        age = now.timestamp() - at
        if not -LEEWAY <= age <= LIFETIME.total_seconds():
            raise NotSignedIn("the sign-in is not a fresh one")
        user = claims.get(self._at.claim)
        if not isinstance(user, str) or not user:
            raise NotSignedIn(f"the issuer does not say which Slack user you are ({self._at.claim})")
        return SignedIn(slack_user=user, at=at)

    def _session(self) -> Any:
        from authlib.integrations.requests_client import OAuth2Session

        secret = self._at.client_secret.get_secret_value() if self._at.client_secret is not None else ""
        return OAuth2Session(
            self._at.client_id,
            secret,
            scope="openid",
            redirect_uri=self._at.page("callback"),
            code_challenge_method="S256",
        )

    def _metadata(self) -> Mapping[str, Any]:
        issuer = self._at.issuer or ""
        metadata = self._fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if metadata.get("issuer") != issuer:
            raise NotSignedIn("the issuer calls itself something else (SAYSO_OIDC_ISSUER)")
        return metadata

    def _endpoint(self, metadata: Mapping[str, Any], name: str) -> str:
        endpoint = metadata.get(name)
        if not isinstance(endpoint, str) or not endpoint.startswith(("https://", "http://")):
            raise NotSignedIn(f"the issuer does not say where its {name} is")
        return endpoint

    def _fetch(self, url: str) -> Mapping[str, Any]:
        import requests

        try:
            answer = requests.get(url, timeout=PATIENCE, allow_redirects=False)
            answer.raise_for_status()
            found = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise NotSignedIn(f"the issuer did not answer ({type(error).__name__})") from error
        if not isinstance(found, dict):
            raise NotSignedIn("the issuer answered something else than JSON")
        return found
