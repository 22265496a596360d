"""The keys of the audit chain, as files: one Ed25519 private key that signs, and the public keys that are believed.

They never go into the database: whoever can rewrite the chain there must not find what signs it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from tools.errors import PermanentError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

Believed: TypeAlias = "Mapping[str, Ed25519PublicKey]"
"""Public keys by their ids. One file may hold several, one below the other: those of before stay believed."""
PEM = re.compile(rb"-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----", re.DOTALL)


class KeyFault(PermanentError):
    """A key file that cannot be used."""


def read_private(path: Path) -> Ed25519PrivateKey:
    """The signing key. KeyFault when there is none, or another kind of key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise KeyFault(f"the audit key {path} cannot be read: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFault(f"the audit key {path} is not an Ed25519 key: openssl genpkey -algorithm ed25519 makes one")
    return key


def make_private(path: Path) -> Ed25519PrivateKey:
    """The signing key of this file, made when there is none; only its owner may read it."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    if path.exists():
        return read_private(path)
    key = Ed25519PrivateKey.generate()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def publish(key: Ed25519PrivateKey, path: Path) -> None:
    """Add the key's public half to the believed ones in this file, once. OSError where the folder is read-only."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = key.public_key()
    if path.exists() and key_id(public) in read_public(path):
        return
    with path.open("ab") as file:
        file.write(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def read_public(path: Path) -> Believed:
    """Every public key in the file. KeyFault when there is none."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        keys = [load_pem_public_key(found) for found in PEM.findall(path.read_bytes())]
    except (OSError, ValueError) as error:
        raise KeyFault(f"the public key {path} cannot be read: {error}") from error
    believed = {key_id(key): key for key in keys if isinstance(key, Ed25519PublicKey)}
    if not believed:
        raise KeyFault(f"there is no Ed25519 public key in {path}")
    return believed


def key_id(key: Ed25519PublicKey) -> str:
    """What a checkpoint calls the key that signed it: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]
