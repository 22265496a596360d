"""The record as a file: read without the database, and proven by a program that shares no code with sayso."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from storage import audit
from storage.audit import checkpoints, keys, proof
from storage.audit.export import Unreadable, read, written
from storage.database import Database
from tests.storage.samples import AT
from tests.storage.test_audit_attacks import BELIEVED, KEY, fill

ANOTHER_PROGRAM = """
import hashlib, json, sys
from cryptography.hazmat.primitives.serialization import load_pem_public_key
key = load_pem_public_key(open(sys.argv[2], "rb").read())
seq, head, before = 0, "0" * 64, "0" * 64
for line in open(sys.argv[1], encoding="utf-8"):
    row = json.loads(line)
    if row["kind"] == "entry":
        seq += 1
        assert (row["seq"], row["previous_hash"]) == (seq, head), seq
        body = {name: row[name] for name in ("seq", "actor", "event", "subject", "previous_hash")}
        body |= {"at": str(row["at"]), "payload": json.loads(row["payload"])}
        text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        head = hashlib.sha256(b"sayso.audit.v1\\n" + text.encode()).hexdigest()
        assert head == row["hash"], seq
    else:
        signed = "\\n".join(("sayso.audit.v1", str(row["size"]), row["head"], row["previous"], str(row["at"]))).encode()
        assert (row["size"], row["head"], row["previous"]) == (seq, head, before), seq
        key.verify(bytes.fromhex(row["signature"]), signed)
        before = hashlib.sha256(signed).hexdigest()
print(seq, head)
"""
"""What anybody can write from the documentation. Nothing of ours is imported."""


def lines(database: Database, first: int = 1) -> list[str]:
    with database.reading() as session:
        signed = [one for one in checkpoints.all_checkpoints(session) if one.size >= first]
        return list(written(proof.interleaved(proof.stored(session, first), signed)))


@pytest.fixture
def filled(database: Database) -> Database:
    with database.writing() as session:
        fill(session)
    return database


def test_an_export_read_back_is_proven_like_the_record(filled: Database) -> None:
    exported = lines(filled)

    report = audit.verify(read(exported, "it"), believed=BELIEVED, part=True)

    with filled.reading() as session:
        assert report == audit.verify_all(session, believed=BELIEVED)


def test_a_program_without_our_code_proves_an_export(filled: Database, tmp_path: Path) -> None:
    export, public = tmp_path / "export.jsonl", tmp_path / "audit.pub"
    export.write_text("".join(lines(filled)), encoding="utf-8")
    keys.publish(KEY, public)
    another = [sys.executable, "-I", "-c", ANOTHER_PROGRAM, str(export), str(public)]

    said = subprocess.run(another, cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True)
    spoiled = export.read_text(encoding="utf-8").replace('"actor":"U7"', '"actor":"U8"')
    export.write_text(spoiled, encoding="utf-8")
    found = subprocess.run(another, cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True)

    with filled.reading() as session:
        assert said.stdout.split() == [str(part) for part in audit.size(session)], said.stderr
    assert "AssertionError: 7" in found.stderr


def test_a_part_of_the_record_is_proven_from_where_it_begins(filled: Database) -> None:
    report = audit.verify(read(lines(filled, first=15), "it"), believed=BELIEVED, part=True)

    assert report.fault is None
    assert (report.first, report.entries, report.signed_to) == (15, 43, 40)


def without(number: int) -> Callable[[list[str]], list[str]]:
    return lambda exported: exported[:number] + exported[number + 1 :]


@pytest.mark.parametrize(
    ("spoil", "seq"),
    [
        (without(4), 5),  # the fifth entry
        (without(10), 20),  # the checkpoint at 10: the next one names another before it
        (lambda exported: [*exported[:4], exported[5], exported[4], *exported[6:]], 5),
        (lambda exported: [*exported[:4], exported[4].replace("vote.approve", "vote.reject"), *exported[5:]], 5),
        (lambda exported: [*exported[:5], exported[4], *exported[5:]], 6),
        (lambda exported: [exported[10], *exported[:10], *exported[11:]], 1),  # a checkpoint before what it covers
    ],
)
def test_what_was_done_to_an_export_is_found(
    filled: Database, spoil: Callable[[list[str]], list[str]], seq: int
) -> None:
    report = audit.verify(read(spoil(lines(filled)), "it"), believed=BELIEVED, part=True)

    assert report.fault is not None
    assert report.fault.seq == seq


@pytest.mark.parametrize(
    "line",
    [
        "nothing",
        "[]",
        "{}",
        '{"kind":"entry"}',
        '{"kind":"checkpoint","size":1,"head":"","previous":"","at":1,"key_id":"","signature":"","more":1}',
        '{"kind":"entry","seq":1,"at":"1\\",\\"event\\":\\"x","actor":"a","event":"e","subject":"s","payload":"{}",'
        '"previous_hash":"","hash":""}',
        '{"kind":"entry","seq":true,"at":1,"actor":"a","event":"e","subject":"s","payload":"{}","previous_hash":"",'
        '"hash":""}',
        "[" * 100_000,
    ],
)
def test_a_line_that_is_none_of_ours_is_named(filled: Database, line: str) -> None:
    exported = [*lines(filled)[:2], line]

    with pytest.raises(Unreadable, match="line 3 of it"):
        list(read(exported, "it"))


def test_what_is_appended_while_somebody_verifies_is_no_fault(database: Database) -> None:
    def append(number: int) -> None:
        with database.writing() as session:
            entry = audit.append(session, actor="t", event="e", subject="s", payload={"n": number}, at=AT)
            if number % 5 == 0:
                last = checkpoints.latest_checkpoint(session)
                signed = checkpoints.sign(KEY, size=entry.seq, head=entry.hash, after=last, at=AT)
                checkpoints.keep(session, signed, checkpoints.last_id(session))

    def prove(_: int) -> audit.ChainFault | None:
        with database.reading() as session:
            return audit.verify_all(session, believed=BELIEVED).fault

    with ThreadPoolExecutor(3) as pool:
        appending = pool.map(append, range(150))
        found = set(pool.map(prove, range(60)))
        list(appending)

    assert found == {None}


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "sayso.audit.pem"

    made, again = keys.make_private(path), keys.make_private(path)

    assert made.private_bytes_raw() == again.private_bytes_raw()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_keys_of_before_stay_believed(tmp_path: Path) -> None:
    path, newer = tmp_path / "sayso.audit.pub", Ed25519PrivateKey.generate()

    for key in (KEY, newer, KEY, newer):
        keys.publish(key, path)

    assert set(keys.read_public(path)) == {keys.key_id(KEY.public_key()), keys.key_id(newer.public_key())}
    assert path.read_bytes().count(b"BEGIN PUBLIC KEY") == 2


def test_a_file_that_holds_no_key_of_the_right_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    rsa = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(keys.KeyFault, match="cannot be read"):
        keys.read_private(path)
    path.write_bytes(rsa)
    with pytest.raises(keys.KeyFault, match="not an Ed25519 key"):
        keys.read_private(path)
    path.write_text("no key at all")
    with pytest.raises(keys.KeyFault, match="no Ed25519 public key"):
        keys.read_public(path)


def test_a_checkpoint_signs_the_five_lines_that_are_documented() -> None:
    first = checkpoints.sign(KEY, size=2, head="a" * 64, after=None, at=AT)
    second = checkpoints.sign(KEY, size=2, head="a" * 64, after=first, at=AT)

    assert first.body == b"\n".join([b"sayso.audit.v1", b"2", b"a" * 64, b"0" * 64, b"1795003200000000"])
    assert second.previous == first.sha256
    KEY.public_key().verify(bytes.fromhex(first.signature), first.body)
    assert json.loads(next(written([first]))) == {"kind": "checkpoint", **first._asdict()}


def test_of_two_signers_at_once_one_writes_its_checkpoint(filled: Database) -> None:
    with filled.reading() as session:
        size, head = audit.size(session)
        last, behind = checkpoints.latest_checkpoint(session), checkpoints.last_id(session)
    signed = checkpoints.sign(KEY, size=size, head=head, after=last, at=AT)

    def keep(_: int) -> int | None:
        with filled.writing() as session:
            return checkpoints.keep(session, signed, behind)

    with ThreadPoolExecutor(4) as pool:
        written_as = [number for number in pool.map(keep, range(4)) if number is not None]

    assert len(written_as) == 1
    with filled.reading() as session:
        assert audit.verify_all(session, believed=BELIEVED).checkpoints == 5
