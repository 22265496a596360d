"""Where the keys of the audit chain are, by the settings. What a key is, is `storage.audit.keys`'s."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from bot.settings import Settings
from storage.audit.keys import Believed, key_id, make_private, publish, read_private, read_public
from storage.database import is_sqlite, sqlite_path

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

log = structlog.get_logger(__name__)
NO_KEY = "no SAYSO_AUDIT_KEY, so nobody signs the record"
"""What to say where the record is in PostgreSQL and there is no key: one made on a replica would be its own."""


def key_path(settings: Settings) -> Path | None:
    """The file of the signing key: the one that is set, or one beside an SQLite record."""
    if settings.audit_key is not None:
        return settings.audit_key
    if is_sqlite(settings.database_url):
        record = sqlite_path(settings.database_url)
        return record.with_name(f"{record.stem}.audit.pem")
    return None


def public_path(private: Path) -> Path:
    """The file of the public keys that are believed, beside it."""
    return private.with_suffix(".pub")


def memory_path(private: Path) -> Path:
    """The file in which the signer keeps what it signed last, beside it."""
    return private.with_suffix(".seen")


def signing_key(settings: Settings) -> Ed25519PrivateKey | None:
    """The key that signs, made on the first start beside an SQLite record. KeyFault when it cannot be used."""
    path = key_path(settings)
    if path is None:
        return None
    key = read_private(path) if settings.audit_key is not None else make_private(path)
    try:
        publish(key, public_path(path))
    except OSError as error:  # a mounted secret is read-only: whoever verifies has the public key from elsewhere
        log.info("audit.public_key_not_written", path=str(public_path(path)), why=str(error))
    return key


def believed(settings: Settings) -> Believed | None:
    """The public keys that are believed: those beside the signing key, and its own. None where there is no key yet."""
    path = key_path(settings)
    if path is None:
        return None
    keys: dict[str, object] = {}
    if public_path(path).exists():
        keys |= read_public(public_path(path))
    elif path.exists():
        public = read_private(path).public_key()
        keys[key_id(public)] = public
    return keys or None  # type: ignore[return-value]
