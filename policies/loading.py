"""From the text of a policy file to a policy in force, or a refusal that lists everything wrong. Never half of one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from policies import checks, documents, rules, selftest
from policies.catalogue import Catalogue
from policies.documents import Document, PolicyError, Problem
from policies.rules import Policy, RuleFile

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["SHIPPED", "Policy", "PolicyError", "load", "untested"]

SHIPPED = Path(__file__).with_name("rules.yaml")
"""The defaults that come with sayso; reading them is up to the caller."""
HIGHEST_VERSION = 2_000_000_000
"""What a database column surely holds."""


def load(text: str, catalogue: Catalogue, *, name: str = "rules.yaml", active: Policy | None = None) -> Policy:
    """The policy of a file, which has passed every check and its own tests; PolicyError otherwise.

    `active` is the policy it would replace: the version must rise, unless the file is the same. A refused file leaves
    the active policy as it is.
    """
    document, policy = _untested(text, catalogue, name, active)
    failed = selftest.problems(policy)
    if failed:
        raise document.error(failed)
    return policy


def untested(text: str, catalogue: Catalogue, *, name: str = "rules.yaml") -> Policy:
    """The policy of a file that is sound but for its own tests, which were not run. Only for running them: it may not
    decide anything.
    """
    return _untested(text, catalogue, name, None)[1]


def _untested(text: str, catalogue: Catalogue, name: str, active: Policy | None) -> tuple[Document, Policy]:
    document = documents.parse(text, name)
    file = _shaped(document)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    found = checks.problems(file, catalogue)
    if file.version > HIGHEST_VERSION:
        found.append(Problem(("version",), f"must be at most {HIGHEST_VERSION}"))
    if active is not None and active.sha256 != sha256 and file.version <= active.version:
        found.append(Problem(("version",), f"must be higher than the active version {active.version}"))
    if found:
        raise document.error(found)
    return document, rules.compiled(file, sha256, catalogue)


def _shaped(document: Document) -> RuleFile:
    try:
        return RuleFile.model_validate(document.value)
    except ValidationError as error:
        raise document.error(_problem(each) for each in error.errors()) from error


def _problem(error: ErrorDetails) -> Problem:
    """A schema error in the words of someone who writes policies."""
    path = error["loc"]
    message = error["msg"].removeprefix("Value error, ")
    match error["type"]:
        case "extra_forbidden" if path[-1] == "require":
            message = f"a rule with effect `{path[-2]}` asks nobody, so it takes no `require`"
        case "extra_forbidden":
            message = "unknown key"
        case "missing":
            message = f"{path[-1]} is missing"
    return Problem(path, message)
