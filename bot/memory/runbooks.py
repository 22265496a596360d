"""A folder of Markdown runbooks, read into memory: title, text, and what its front matter says of it.

Front matter is `url:` (where people read it) and `services:` (what it is about), both optional. A file that cannot be
read is named in the log and left out; it never stops the rest.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import structlog
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlmodel import Session

from storage import memory
from storage.memory import Remembered
from tools.redaction import redact

log = structlog.get_logger(__name__)
LARGEST = 256 * 1024
"""Bytes; a longer file is no runbook."""
MOST_FILES = 2000
MOST = 20_000
"""Characters of a runbook that are indexed."""
FRONT = re.compile(r"\A---\r?\n(.*?)\r?\n---\r?\n", re.DOTALL)
TITLE = re.compile(r"^#{1,3}[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)


class Unreadable(Exception):
    """A file that is not a runbook as one can be read; the message says why."""


class _Front(BaseModel):
    """What stands between the two lines of dashes; other keys are the writer's own."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    title: str | None = None
    url: str | None = None
    services: tuple[str, ...] = Field(default=(), max_length=20)

    @field_validator("url")
    @classmethod
    def _leads_somewhere(cls, url: str | None) -> str | None:
        if url is not None and urlsplit(url).scheme not in ("http", "https"):
            raise ValueError("must begin with http:// or https://")
        return url


def index(session: Session, found: Mapping[str, Remembered]) -> int:
    """Bring memory up to date with these runbooks; how many changed anything. What is not among them is forgotten."""
    changed = sum(memory.keep(session, one) for one in found.values())
    return changed + memory.forget_others(session, "runbook", found.keys())


def found(folder: Path) -> dict[str, Remembered]:
    """The runbooks of a folder, by their paths in it."""
    return {one.ref: one for one in _runbooks(folder)}


def read(path: Path, ref: str) -> Remembered:
    """One runbook. Raises Unreadable."""
    try:
        if path.stat().st_size > LARGEST:
            raise Unreadable(f"it is larger than {LARGEST // 1024} KB")
        text, written = path.read_text(encoding="utf-8"), datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(str(error)) from error
    front = _front(text)
    body = FRONT.sub("", text, count=1)
    heading = TITLE.search(body)
    title = front.title or (heading[1] if heading else path.stem.replace("-", " ").replace("_", " "))
    return Remembered(
        kind="runbook",
        ref=ref,
        title=redact(title)[:300],
        service=" ".join(front.services)[:300],
        body=redact(body)[:MOST],
        fix=None,
        url=front.url,
        at=written,
        verified=False,
    )


def _front(text: str) -> _Front:
    match = FRONT.match(text)
    if match is None:
        return _Front()
    try:
        said = yaml.safe_load(match[1])
        return _Front.model_validate({} if said is None else said)
    except yaml.YAMLError as error:
        raise Unreadable("its front matter is not YAML") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise Unreadable(f"its front matter: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _runbooks(folder: Path) -> Iterator[Remembered]:
    for path in _files(folder):
        ref = path.relative_to(folder).as_posix()
        try:
            yield read(path, ref)
        except Unreadable as error:
            log.warning("runbook.unreadable", runbook=ref, why=str(error))


def _files(folder: Path) -> list[Path]:
    """The Markdown files of the folder and those below it; links out of it are not followed."""
    found: list[Path] = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(root, name) for name in sorted(names) if name.lower().endswith((".md", ".markdown"))]
    return [path for path in found if not path.is_symlink()][:MOST_FILES]
