"""An OpenID Connect issuer for the laptop world: people of the workspace sign in by pressing their own name.

Real HTTP, real signatures: discovery, keys, the authorization code flow with PKCE, and RS256 ID tokens. It checks
nobody's password, so it belongs on loopback and nowhere else.
"""

from __future__ import annotations

from deploy.sandbox.identity.server import CLIENT_ID, CLIENT_SECRET, Identity

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "Identity"]
