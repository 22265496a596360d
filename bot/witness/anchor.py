"""Copies of the record outside its database: S3 objects nobody can change or delete for a year, not even their owner.

An object holds the entries since the copy before, and the checkpoints that cover them, as `sayso audit export` writes
them. Its name ends in the SHA-256 of its content, so that a copy whose answer was lost is recognised when it is made
again.
"""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import IO, TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from storage.audit import Checkpoint, Link, Mark, digest
from storage.audit.export import Unreadable, read, written
from tools.clients.aws import reading, writing

if TYPE_CHECKING:
    from tools.clients.aws import AwsReader, AwsWriter

RETAINED = timedelta(days=365)
"""How long a copy cannot be deleted."""
NAME = re.compile(r"\d{12}-\d{12}-([0-9a-f]{64})\.jsonl")


class Place(NamedTuple):
    """Where copies are kept."""

    bucket: str
    prefix: str

    @classmethod
    def of(cls, url: str) -> Place:
        """The place that `s3://bucket/prefix` names."""
        parts = urlsplit(url)
        return cls(parts.netloc, f"{parts.path.strip('/')}/".lstrip("/"))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


class Copy(NamedTuple):
    """A part of the record, packed and ready to leave."""

    name: str
    file: IO[bytes]


class Anchor:
    """Puts copies in one place."""

    def __init__(self, place: Place, identity: AwsWriter) -> None:
        self.place, self._identity = place, identity

    @contextmanager
    def packed(self, record: Iterable[Link | Checkpoint], first: int, last: int) -> Iterator[Copy]:
        """This part of the record as one object. On disk meanwhile: the first one may be the whole record."""
        with tempfile.TemporaryFile() as file:
            sha256 = _spool(record, file)
            yield Copy(f"{self.place.prefix}{first:012d}-{last:012d}-{sha256}.jsonl", file)

    def put(self, copy: Copy, at: datetime) -> None:
        """Put it there, for a year. Raises Temporary- and PermanentError."""
        from botocore.exceptions import ClientError

        with writing("s3:PutObject and s3:PutObjectRetention"):
            try:
                self._identity.s3().put_object(
                    Bucket=self.place.bucket,
                    Key=copy.name,
                    Body=copy.file,
                    ContentType="application/jsonl",
                    IfNoneMatch="*",
                    ObjectLockMode="COMPLIANCE",
                    ObjectLockRetainUntilDate=at + RETAINED,
                )
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != "PreconditionFailed":
                    raise
                # It is there: we put it, and never heard. A name of another content cannot be the same.


def _spool(record: Iterable[Link | Checkpoint], file: IO[bytes]) -> str:
    sha256 = hashlib.sha256()
    for text in written(record):
        letters = text.encode()
        sha256.update(letters)
        file.write(letters)
    file.seek(0)
    return sha256.hexdigest()


def marks(place: Place, identity: AwsReader) -> Iterator[Mark]:
    """What the copies say, entry by entry. Unreadable when there are none, or one is not what its name says."""
    client, reached, count = identity.s3(), 0, 0
    for name, versions in _oldest_first(client, place):
        count += 1
        for one in _content(client, place, name, versions):
            # The copy that was there first counts: nobody can put another in its place, only behind it.
            if isinstance(one, Link) and one.seq > reached:
                if digest(one) != one.hash:
                    raise Unreadable(f"entry {one.seq} in {place}: {name} was not what it says when it was copied")
                reached = one.seq
                yield Mark(one.seq, one.hash, f"the copy in {place}")
    if not count:
        raise Unreadable(f"there is no copy of the record in {place}")


def _oldest_first(client: Any, place: Place) -> Iterator[tuple[str, list[str]]]:
    """Name and versions of every object of ours; one that was hidden, or put over, still has its first version."""
    versions: dict[str, list[tuple[datetime, str]]] = {}
    with reading("s3:ListBucketVersions"):
        pages = client.get_paginator("list_object_versions").paginate(Bucket=place.bucket, Prefix=place.prefix)
        for page in pages:
            for each in page.get("Versions", ()):
                if NAME.fullmatch(each["Key"].removeprefix(place.prefix)):
                    versions.setdefault(each["Key"], []).append((each["LastModified"], each["VersionId"]))
    for name in sorted(versions, key=lambda name: (min(versions[name])[0], name)):
        yield name, [version for _, version in sorted(versions[name])]


def _content(client: Any, place: Place, name: str, versions: list[str]) -> Iterator[Link | Checkpoint]:
    """What was put there under this name: the version whose content the name itself is of."""
    found = NAME.fullmatch(name.removeprefix(place.prefix))
    for version in versions:
        with reading("s3:GetObjectVersion"):
            body = client.get_object(Bucket=place.bucket, Key=name, VersionId=version)["Body"].read()
        if found is not None and hashlib.sha256(body).hexdigest() == found[1]:
            yield from read(io.TextIOWrapper(io.BytesIO(body), encoding="utf-8", errors="replace"), name)
            return
    raise Unreadable(f"{place}: {name} is not what its name says")
