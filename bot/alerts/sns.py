"""Amazon SNS at the door: is this message really from SNS, from a topic we listen to, and fresh?

Signature versions 1 (SHA1, AWS' default for a topic) and 2 (SHA256). Nothing that goes wrong here lets a message pass.
What an accepted notification says is for bot.alerts.cloudwatch.
"""

from __future__ import annotations

import base64
import re
import threading
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal
from urllib.error import HTTPError
from urllib.parse import urlsplit

from bot.alerts import MalformedAlert
from bot.alerts import fields as read
from tools.errors import Unreachable
from tools.values import JsonObject, Value

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

HOST = re.compile(r"sns\.[a-z0-9-]{3,}\.amazonaws\.com(\.cn)?")
PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]{16,}\.pem")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SUBSCRIPTION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED_FIELDS = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": SUBSCRIPTION,
    "UnsubscribeConfirmation": SUBSCRIPTION,
}
"""Which fields are signed, in the order they are signed in; absent ones are left out."""
FRESH = timedelta(minutes=15)
AHEAD = timedelta(minutes=5)
"""How far SNS' clock may be ahead of ours."""
CERTIFICATE_BYTES = 64 * 1024
MOST_CERTIFICATES = 32
FETCH_SECONDS = 5.0

Confirm = Callable[[str, str], None]
"""Confirms a subscription by topic ARN and token: `sns.confirm_subscription(..., AuthenticateOnUnsubscribe="true")`.
SubscribeURL is never visited."""


class NotFromSns(Exception):
    """A message that is refused; the text says why, for our log only."""


class Accepted(Value):
    """A genuine message: a notification to parse, a subscription now confirmed, or one that has ended."""

    kind: Literal["notification", "confirmed", "unsubscribed", "duplicate"]
    topic: str
    message_id: str


@dataclass(frozen=True)
class Door:
    """Whom to believe. `allow_loopback` is the development switch: certificates of a sandbox on this machine count."""

    topics: frozenset[str]
    allow_loopback: bool = False
    fresh: timedelta = FRESH


class Certificates:
    """Signing certificates, fetched once a URL. The URL must have been checked before it comes here."""

    def __init__(self, fetch: Callable[[str], bytes] | None = None) -> None:
        self._fetch = fetch or download
        self._lock = threading.Lock()
        self._kept: dict[str, bytes] = {}

    def pem(self, url: str) -> bytes:
        """The certificate at a URL; a failed fetch is not remembered."""
        with self._lock:
            kept = self._kept.get(url)
        if kept is None:
            kept = self._fetch(url)
            with self._lock:
                if len(self._kept) >= MOST_CERTIFICATES:
                    self._kept.clear()
                self._kept[url] = kept
        return kept


def receive(
    body: bytes, door: Door, certificates: Certificates, at: datetime, confirm: Confirm, known: Callable[[str], bool]
) -> Accepted:
    """Verify a message and confirm a subscription. Raises NotFromSns for everything that is not to be believed.

    Raises Unreachable when the certificate could not be fetched for now: SNS repeats what it gets a 5xx for.

    `known` says whether a message id was accepted before: SNS repeats for up to an hour, so an old message that is
    known is a duplicate, while an old one nobody has seen is refused.
    """
    message = verified(body, door, certificates)
    accepted = Accepted(kind="notification", topic=str(message["TopicArn"]), message_id=str(message["MessageId"]))
    if known(accepted.message_id):
        return accepted.model_copy(update={"kind": "duplicate"})
    age = at - read.moment(message, "Timestamp")
    if not -AHEAD <= age <= door.fresh:
        raise NotFromSns(f"Timestamp is too far from now: {age.total_seconds():.0f} s old")
    match message["Type"]:
        case "SubscriptionConfirmation":
            confirm(accepted.topic, read.text(message, "Token"))
            return accepted.model_copy(update={"kind": "confirmed"})
        case "UnsubscribeConfirmation":
            return accepted.model_copy(update={"kind": "unsubscribed"})
        case _:
            return accepted


def verified(body: bytes, door: Door, certificates: Certificates) -> JsonObject:
    """The message, if its signature and topic hold."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        message = read.json_object(body, "the body")
        _verify(message, door, certificates)
    except InvalidSignature as error:
        raise NotFromSns("the signature does not match") from error
    except (MalformedAlert, KeyError, TypeError, ValueError, HTTPError, UnsupportedAlgorithm) as error:
        raise NotFromSns(f"{type(error).__name__}: {error}") from error
    except OSError as error:
        raise Unreachable("SNS' certificate could not be fetched") from error
    return message


def string_to_sign(message: Mapping[str, object]) -> bytes:
    """What SNS signs: each signed field's name and value, a line each."""
    present = (key for key in SIGNED_FIELDS[str(message["Type"])] if message.get(key) is not None)
    return "".join(f"{key}\n{message[key]}\n" for key in present).encode()


def check_certificate_url(url: str, allow_loopback: bool) -> None:
    """Refuse a certificate from anywhere but SNS itself, or this machine under the development switch."""
    parts = urlsplit(url)
    if not PATH.fullmatch(parts.path) or parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError("bad SigningCertURL")
    if allow_loopback and parts.scheme == "http" and parts.hostname in LOOPBACK:
        return
    if parts.scheme != "https" or parts.port not in (None, 443) or not HOST.fullmatch(parts.hostname or ""):
        raise ValueError("bad SigningCertURL")


def download(url: str) -> bytes:
    """Fetch a certificate: TLS checked, no redirects, not more than a certificate's size."""
    direct = urlsplit(url).hostname in LOOPBACK
    proxies = urllib.request.ProxyHandler({} if direct else None)
    opener = urllib.request.build_opener(_NoRedirects, proxies)
    # The URL was checked: https to SNS, or loopback in development.
    with opener.open(url, timeout=FETCH_SECONDS) as answer:
        pem: bytes = answer.read(CERTIFICATE_BYTES)
    return pem


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect could leave the host that was checked, so it is an error."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""


def _verify(message: JsonObject, door: Door, certificates: Certificates) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    # Everything `receive` reads is checked here, where whatever is wrong with it is a rejection.
    read.text(message, "MessageId")
    read.moment(message, "Timestamp")
    if message.get("Type") == "SubscriptionConfirmation":
        read.text(message, "Token")
    # The topic first: a message of a foreign topic is not worth a download.
    if read.text(message, "TopicArn") not in door.topics:
        raise ValueError("unexpected topic")
    if message.get("Type") not in SIGNED_FIELDS:
        raise ValueError("unexpected Type")
    algorithm = {"1": hashes.SHA1, "2": hashes.SHA256}[read.text(message, "SignatureVersion")]()
    url = read.text(message, "SigningCertURL")
    check_certificate_url(url, door.allow_loopback)
    signature = base64.b64decode(read.text(message, "Signature"), validate=True)
    _public_key(certificates.pem(url)).verify(signature, string_to_sign(message), padding.PKCS1v15(), algorithm)


def _public_key(pem: bytes) -> RSAPublicKey:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    certificate = x509.load_pem_x509_certificate(pem)
    if not certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc:
        raise ValueError("the signing certificate is not valid now")
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise TypeError("the signing certificate's key is not RSA")
    return key
