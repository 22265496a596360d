"""Names and numbers of a sentence are looked for in what it rests on; what is not there is named, and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.investigation.claims import Grounds, missing, sentences

SEEN = """pod checkout-6d4f9c7b8-x2x4z Running, not ready: app waiting CrashLoopBackOff (7 restarts), exit=137
limit memory 512Mi, request cpu 250m, image registry.local/web:3.1.0, since 2026-11-21T12:05:33Z
12:05:33 load 93.7, took 503ms, 0 of 2 available, 1,204 errors, 40 % used, timeout 5m, KeyError: 'DATABASE_URL'
10.0.3.7 - - "GET /basket" 200"""
GROUNDS = Grounds(numbers=SEEN, names=f"shop/deployments/checkout shop/services/payment-api\n{SEEN}")


@pytest.mark.parametrize(
    "sentence",
    [
        "checkout-6d4f9c7b8-x2x4z restarted 7 times.",
        "It was killed with exit code 137 at 12:05.",
        "It began on 2026-11-21.",
        "The limit of 512 MiB, which is 0.5Gi, is too low.",
        "It has 250m.",
        "94 % load, or 93.7 exactly",
        "The call took 0.503 s.",
        "0/2 are available; two are wanted.",
        "1204 errors, 1,204 of them new",
        "40% of it is used; the timeout is 300 seconds.",
        "The 7th restart",
        "It crash-loops: out-of-memory, read-only, and/or so.",
        "payment-api needs `DATABASE_URL` and raises KeyError.",
        "shop/checkout runs registry.local/web:3.1.0",
        'It says "0 of 2 available".',
        "Its pods don't start, and checkout's Service has none.",
        "The ConfigMap, the StatefulSet and S3 are well; 5xx is not sev1.",
        "password=‹secret:password:3f2a› stood in the log",
    ],
)
def test_what_stands_there_is_accepted_in_whatever_unit_or_spelling(sentence: str) -> None:
    assert missing(sentence, GROUNDS) == ()


@pytest.mark.parametrize(
    ("sentence", "absent"),
    [
        ("It restarted 8 times.", "8 times"),
        ("It restarted eight times.", "eight"),
        ("exit code 1 of 138", "138"),
        ("The limit is 512.", "512"),
        ("The limit is 512 GB.", "512 GB"),
        ("The limit is 250Mi.", "250Mi"),
        ("It took 503 s.", "503 s"),
        ("93 % load", "93 %"),
        ("41 % used", "41 %"),
        ("1204.5 errors", "1204.5 errors"),
        ("At 12:06 it began.", "12:06"),
        ("On 2026-11-22 it began.", "2026-11-22"),
        ("payment-db is down.", "payment-db"),
        ("checkout-6d4f9c7b8-aaaaa crashed", "checkout-6d4f9c7b8-aaaaa"),
        ("It runs registry.local/web:3.0.0.", "registry.local/web:3.0.0"),
        ("It lacks `REDIS_URL`.", "REDIS_URL"),
        ("It lacks REDIS_URL.", "REDIS_URL"),
        ("It was OOMKilled.", "OOMKilled"),
        ("kube-system/coredns is ill", "kube-system/coredns"),
        ('It says "all is well".', "all is well"),
        ("It is `DATA` that it lacks", "DATA"),
        ("12 restarts", "12 restarts"),
        ("10 requests from 3.7", "10 requests"),
        ("9 pods with hash 6", "9 pods"),
    ],
)
def test_what_does_not_stand_there_is_named(sentence: str, absent: str) -> None:
    assert absent in missing(sentence, GROUNDS)


def test_a_plain_word_that_names_something_of_the_incident_must_stand_there_too() -> None:
    assert missing("cart is to blame", GROUNDS, ["cart", "checkout"]) == ("cart",)
    assert missing("checkout is to blame", GROUNDS, ["cart", "checkout"]) == ()
    assert missing("cart is to blame", GROUNDS) == ()


def test_a_number_must_stand_in_the_lines_quoted_and_a_name_anywhere_in_the_evidence() -> None:
    grounds = Grounds(numbers="0 of 2 available", names="0 of 2 available\nweb-7 has 9 restarts")

    assert missing("web-7 has 2 pods", grounds) == ()
    assert missing("web-7 has 9 restarts", grounds) == ("9 restarts",)


def test_sentences_end_where_a_new_one_begins_and_not_at_a_version() -> None:
    assert sentences("It runs 2.4.1. That is new! Is it? e.g. this one") == (
        "It runs 2.4.1.",
        "That is new!",
        "Is it? e.g. this one",
    )


NUMBERS = st.integers(0, 10**7)
UNITS = st.sampled_from(["", " restarts", " %", "Mi", " MiB", "m", "ms", " s", " minutes", " errors", "."])


@settings(max_examples=120, deadline=None)
@given(st.lists(NUMBERS, max_size=6), NUMBERS, UNITS, UNITS)
def test_no_whole_number_is_accepted_that_is_not_in_the_evidence(
    known: list[int], said: int, unit: str, other: str
) -> None:
    grounds = Grounds(numbers=" ".join(f"x {number}{other}" for number in known), names="")

    accepted = missing(f"There are {said}{unit} of it", grounds) == ()

    # Other units may tell of the same amount (60 s and 1 min); in the same unit only the same number will do.
    assert accepted <= (said in known or unit.strip() != other.strip())
    assert accepted or said not in known or unit.strip() != other.strip()


@settings(max_examples=120, deadline=None)
@given(st.from_regex(re.compile(r"[a-z]{2,8}-[a-z0-9]{3,6}[0-9]", re.ASCII), fullmatch=True), st.text(max_size=60))
def test_no_name_is_accepted_that_is_not_in_the_evidence(name: str, seen: str) -> None:
    accepted = name not in missing(f"{name} is ill", Grounds(numbers="", names=seen))

    assert not accepted or name in seen.lower()


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_can_be_compared_with_any(sentence: str, seen: str) -> None:
    for part in sentences(sentence):
        missing(part, Grounds(numbers=seen, names=seen), ["web"])


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="abc 0123456789.,:%-/MmGkis'\"\n", max_size=80))
def test_a_sentence_stands_in_itself(text: str) -> None:
    for sentence in sentences(text):
        assert missing(sentence, Grounds(numbers=text, names=text)) == ()


@pytest.mark.parametrize("unit", ["1", "a-", "1,", "12:", "`", "x.", "9 "])
def test_a_hostile_text_costs_little(unit: str) -> None:
    long = unit * (60_000 // len(unit))

    missing(long[:600], Grounds(numbers=long, names=long))
