"""ID tokens and the keys they are signed with; also the tokens that nobody should believe, for tests to ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

Claims: TypeAlias = dict[str, object]


class Tokens:
    """Signs with a key of its own. `altered` changes what is said before it is signed; `forged` signs with another key.

    `unsigned` leaves the signature out.
    """

    def __init__(self) -> None:
        from joserfc.jwk import RSAKey

        self._key = RSAKey.generate_key(2048, {"kid": "sandbox-1", "use": "sig", "alg": "RS256"}, private=True)
        self._other = RSAKey.generate_key(2048, {"kid": "sandbox-1", "use": "sig", "alg": "RS256"}, private=True)
        self.be_honest()

    def be_honest(self) -> None:
        """Say the truth again, and sign it."""
        self.altered: Callable[[Claims], Claims] = lambda claims: claims
        self.forged = self.unsigned = False

    def public_keys(self) -> Mapping[str, object]:
        """What the issuer publishes."""
        return {"keys": [self._key.as_dict(private=False)]}

    def make(self, claims: Claims) -> str:
        """An ID token that says this."""
        from joserfc import jwt

        key = self._other if self.forged else self._key
        token = jwt.encode({"alg": "RS256", "kid": "sandbox-1"}, self.altered(claims), key)
        if not self.unsigned:
            return token
        from base64 import urlsafe_b64encode

        head = urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
        return f"{head}.{token.split('.')[1]}."
