"""What the one door lets through: no credential in any wrapping, and everything a person on call needs to read.

Samples are made from a seed by joining parts, so that no line of the repository looks like a key.
"""

from __future__ import annotations

import base64
import json
import random
import re
import string
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tools import redaction
from tools.redaction import redact

PLACEHOLDER = re.compile("‹secret:[a-z0-9-]+:[0-9a-f]{4}›")
LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


def draw(rng: random.Random, alphabet: str, length: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(length))


def pem(rng: random.Random, kind: str) -> str:
    body = "\n".join(draw(rng, LETTERS + "+/", 64) for _ in range(12))
    return f"-----BEGIN {kind}-----\n{body}\n{draw(rng, LETTERS + '+/', 40)}\n-----END {kind}-----"


def jwt(rng: random.Random) -> str:
    head = base64.urlsafe_b64encode(b'{"alg":"RS256","typ":"at"}').decode().rstrip("=")
    return f"{head}.{draw(rng, LETTERS + '-_', 60)}.{draw(rng, LETTERS + '-_', 43)}"


def database_url(rng: random.Random) -> tuple[str, str]:
    password = draw(rng, LETTERS + "!$*@", 18) + draw(rng, LETTERS, 4)
    return f"postgresql://app:{password}@db.internal:5432/shop?sslmode=require", password


def presigned(rng: random.Random) -> tuple[str, str]:
    signature = draw(rng, HEX, 64)
    return f"https://bucket.example.com/dump.gz?X-Amz-Expires=600&X-Amz-Signature={signature}", signature


def whole(text: str) -> tuple[str, str]:
    return text, text


Sample = Callable[[random.Random], tuple[str, str]]
"""Makes a text holding a credential, and the credential itself."""

CLASSES: dict[str, tuple[str, Sample]] = {
    "aws key id": ("aws_access_key_id", lambda r: whole("AK" + "IA" + draw(r, string.ascii_uppercase + "234567", 16))),
    "aws secret": ("aws_secret_access_key", lambda r: whole(draw(r, LETTERS + "+/", 40))),
    "slack token": ("slack_bot", lambda r: whole("xo" + f"xb-{draw(r, '123456789', 12)}-{draw(r, LETTERS, 24)}")),
    "slack app token": ("slack_app", lambda r: whole("xa" + f"pp-1-A{draw(r, LETTERS, 10)}-{draw(r, HEX, 64)}")),
    "jwt": ("id", lambda r: whole(jwt(r))),
    "github token": ("github", lambda r: whole("gh" + "p_" + draw(r, LETTERS, 36))),
    "gitlab token": ("gitlab", lambda r: whole("gl" + "pat-" + draw(r, LETTERS, 20))),
    "private key": ("tls_private_key", lambda r: whole(pem(r, "RSA " + "PRIVATE" + " KEY"))),
    "database url": ("DATABASE_URL", database_url),
    "presigned url": ("download", presigned),
    "password": ("db-password", lambda r: whole(draw(r, LETTERS + "_!", 20) + draw(r, LETTERS, 4))),
    "base64 under a name": (
        "client_secret",
        lambda r: whole(base64.b64encode(r.randbytes(24)).decode()),
    ),
}
NEEDS_A_NAME = {"password", "base64 under a name"}
"""Without one beside them these cannot be told from words."""


def split(text: str, secret: str) -> str:
    middle = len(secret) // 2
    return text.replace(secret, f"{secret[:middle]}\n  {secret[middle:]}")


SHAPES: dict[str, Callable[[str, str, str], str]] = {
    "bare": lambda name, text, secret: text,
    "quoted": lambda name, text, secret: f"cannot use '{text}' here",
    "k=v": lambda name, text, secret: f"level=error {name}={text} retry=3",
    "json": lambda name, text, secret: json.dumps({"host": "db", name: text, "port": 1}),
    "json in json": lambda name, text, secret: json.dumps(json.dumps({"host": "db", name: text, "port": 1})),
    "python": lambda name, text, secret: repr({"host": "db", name: text.encode()}),
    "yaml": lambda name, text, secret: f"host: db\n{name}: {text}\nport: 1\n",
    "yaml block": lambda name, text, secret: f"{name}: |\n  " + text.replace("\n", "\n  ") + "\nport: 1\n",
    "environment": lambda name, text, secret: f"env:\n- name: {name}\n  value: {text}\n- name: B\n  value: c\n",
    "header": lambda name, text, secret: f"> GET / HTTP/1.1\nX-{name.title()}: {text}\nAccept: */*\n",
    "url": lambda name, text, secret: f"GET https://api.example.com/v1?{name}={quote(text, safe='')}&page=2 200",
    "stack trace": lambda name, text, secret: (
        f'  File "/app/main.py", line 3, in connect\nValueError: bad {name}={text}\n  at com.shop.Db.open(Db.java:12)'
    ),
    "split": lambda name, text, secret: f"start\n{name}={split(text, secret)}\nend of it",
    "base64": lambda name, text, secret: "data " + base64.b64encode(f"{name}={text}".encode()).decode(),
    "base64 lines": lambda name, text, secret: base64.encodebytes(f"{name}={text}".encode()).decode() + "the end",
    "coloured": lambda name, text, secret: f"\x1b[31m{name}=\x1b[1m{text[:9]}\u200b\x1b[0m{text[9:]}",
}


CASES = [
    (kind, shape) for kind in CLASSES for shape in SHAPES if not (kind in NEEDS_A_NAME and shape in {"bare", "quoted"})
]


@pytest.mark.parametrize(("kind", "shape"), CASES)
def test_no_credential_passes_in_any_wrapping(kind: str, shape: str) -> None:
    name, sample = CLASSES[kind]
    for seed in range(20):
        text, secret = sample(random.Random(seed))

        written = redact(SHAPES[shape](name, text, secret))

        lines = [line for line in secret.splitlines() if "PRIVATE" not in line]
        pieces = [piece for line in lines for piece in (line[:10], line[-10:])]
        assert [piece for piece in pieces if piece in written] == [], (seed, written)
        assert PLACEHOLDER.search(written)


@pytest.mark.parametrize("kind", CLASSES)
def test_the_same_credential_has_the_same_placeholder_wherever_it_stands(kind: str) -> None:
    name, sample = CLASSES[kind]
    text, secret = sample(random.Random(7))
    shapes = ("k=v", "json", "yaml", "environment", "stack trace", "split")

    written = {shape: set(PLACEHOLDER.findall(redact(SHAPES[shape](name, text, secret)))) for shape in shapes}

    assert len(set.union(*written.values())) == 1, written


def test_two_credentials_have_two_placeholders() -> None:
    placeholders = {redact(f"password={draw(random.Random(seed), LETTERS, 12)}") for seed in range(20)}

    assert len(placeholders) == 20


def test_a_configured_key_makes_placeholders_last_beyond_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_key", b"")
    redaction.use_key(b"one")
    first = redact("password=swordfish")
    redaction.use_key(b"two")
    second = redact("password=swordfish")
    redaction.use_key(b"one")

    assert redact("password=swordfish") == first != second


def clean_line(rng: random.Random) -> str:
    """A line that holds nothing secret, of the kinds an investigation reads all day."""
    pod = f"checkout-{draw(rng, HEX, 9)}-{draw(rng, string.ascii_lowercase + '2456789', 5)}"
    return rng.choice(
        (
            f'10.1.2.3 - - [21/Nov/2026:10:00:01 +0000] "GET /cart/{rng.randrange(10**6)} HTTP/1.1" 200 512 {pod}',
            f"Successfully pulled image registry.example.com/shop/web@sha256:{draw(rng, HEX, 64)} in 2.1s",
            f"deployed revision {draw(rng, HEX, 40)} of main by dana@example.com",
            f"request_id={uuid.UUID(int=rng.getrandbits(128))} status=500 duration=1.2s",
            f"trace_id={draw(rng, HEX, 32)} span_id={draw(rng, HEX, 16)} prompt_tokens: 33 max_tokens=512",
            f"Root=1-{draw(rng, HEX, 8)}-{draw(rng, HEX, 24)}",
            f"arn:aws:ecs:eu-west-1:{draw(rng, '123456789', 12)}:service/shop/{pod}",
            f"arn:aws:secretsmanager:eu-west-1:{draw(rng, '123456789', 12)}:secret:db-{draw(rng, LETTERS, 6)}",
            f'FATAL: password authentication failed for user "app{rng.randrange(99)}"',
            f'MountVolume.SetUp failed for volume "db-credentials" : secret "db-{rng.randrange(9)}" not found',
            f"couldn't find key password in Secret shop/db-{rng.randrange(99)}",
            "app env DB_PASSWORD: from Secret db/password -> absent",
            f"app env API_TOKEN: absent -> value set ({rng.randrange(99)} characters)",
            "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: db\n      key: password",
            f"serviceAccountToken:\n  expirationSeconds: {rng.randrange(9999)}\n  path: token",
            f"secretName: db-creds-{rng.randrange(9)}\nimagePullSecrets:\n- name: regcred",
            f"automountServiceAccountToken: false password=${{DB_PASSWORD_{rng.randrange(9)}}} token: null",
            f"see http://{pod}:8080\nor mail oncall@example.com",
            f"/usr/local/lib/python3/site/packages/Shop/checkout/Controllers{rng.randrange(10)}",
            f"com.example.shop.checkout.Controllers.PaymentFailed{rng.randrange(999)}: order {rng.randrange(10**9)}",
            pem(rng, "CERTIFICATE"),
        )
    )


def test_what_is_not_secret_is_left_as_it_was() -> None:
    rng = random.Random(11)
    lines = [clean_line(rng) for _ in range(2000)]

    changed = [line for line in lines if redact(line) != line]

    assert len(changed) <= len(lines) // 100, changed[:5]


def test_a_public_certificate_of_a_recorded_payload_is_left_alone() -> None:
    rng = random.Random(3)
    certificate = pem(rng, "CERTIFICATE")
    encoded = base64.b64encode(certificate.encode()).decode()

    assert redact(certificate) == certificate
    assert redact(f"certificate-authority-data: {encoded}") == f"certificate-authority-data: {encoded}"


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://evil.example\x07click\x1b]8;;\x07", "click"),
        ("deny\rallow", "deny\nallow"),
        ("abc\u202etxt.exe", "abctxt.exe"),
        ("ze\u200bro\ufeff wi\u00addth", "zero width"),
        ("tags\U000e0041\U000e0042", "tags"),
        ("half \ud800 a character", "half \ufffd a character"),
        ("a\x00b\x07c\td\ne", "abc\td\ne"),
        ("‹not ours›", "<not ours>"),
        ("naïve 日本語 🚀", "naïve 日本語 🚀"),
    ],
)
def test_characters_that_do_not_show_are_dropped(hostile: str, shown: str) -> None:
    assert redact(hostile) == shown


FRAGMENTS = st.sampled_from(
    [
        *(
            "password",
            "token:",
            "secret=",
            "api_key",
            " Bearer ",
            "Authorization: Basic ",
            "://",
            "@",
            ":",
            "=",
            '"',
            "'",
        ),
        *(
            "\\",
            "\n",
            "  ",
            "‹",
            "›",
            "‹secret:jwt:00ff›",
            "eyJhbGciOiJI",
            ".",
            "-----BEGIN ",
            "PRIVATE KEY-----",
            "-----END ",
        ),
        *(
            "AK" + "IA",
            "ABCDEFGH23456789",
            "xo" + "xb-",
            "gh" + "p_",
            "name: DB_PASSWORD",
            "value: ",
            "|\n  ",
            "cGFzc3dvcmQ9aHVudGVyMg==",
        ),
        *(
            "\x1b[",
            "m",
            "\u200b",
            "postgres://u:p",
            "hunter2",
            "%3D",
            "&",
            "Signature=",
            "--token ",
            "<password>",
            "</",
        ),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(FRAGMENTS, st.text(max_size=12)), max_size=25).map("".join))
@example("password=password=password=hunter2")
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)

    assert redact(once) == once


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.integers(0, 10**6))
def test_no_surroundings_let_a_token_through(before: str, after: str, seed: int) -> None:
    token = "gh" + "p_" + draw(random.Random(seed), LETTERS, 36)

    assert token not in redact(f"{before} {token} {after}")


HOSTILE_LINES = {
    "one letter": "a",
    "names": "password",
    "names and equals": "password=",
    "open quotes": 'token="',
    "mixed quotes": "token='secret=\"",
    "backslashes": "\\",
    "escaped quotes": 'token=\\"',
    "dashes": "-",
    "begins": "-----BEGIN " + "PRIVATE KEY-----",
    "urls": "://a:",
    "colons": ":",
    "tokens": "eyJ.",
    "encoded": "QUFB",
    "encoded lines": "AAAABBBBCCCCDDDD\n",
    "named lines": "password:\n  aaaaaaaa\n",
    "escapes": "\x1b]",
    "spaces": "password: ",
    "placeholders": "‹secret:jwt:00ff›",
}


@pytest.mark.parametrize("unit", HOSTILE_LINES.values(), ids=HOSTILE_LINES.keys())
def test_a_hostile_line_costs_time_in_proportion_to_its_length(unit: str) -> None:
    short, long = (unit * (size // len(unit)) for size in (25_000, 100_000))

    once, four_times = min(seconds(short) for _ in range(2)), seconds(long)

    assert four_times < 10 * once + 0.2, (once, four_times)


def seconds(text: str) -> float:
    started = time.process_time()
    redact(text)
    return time.process_time() - started


def test_no_line_of_this_file_looks_like_a_credential() -> None:
    source = Path(__file__).read_text(encoding="utf-8")

    shapes = {placeholder.split(":")[1] for placeholder in PLACEHOLDER.findall(redact(source))}

    assert shapes <= {"password", "signature", "base64", "jwt"}
