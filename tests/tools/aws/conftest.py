"""One sandbox account a module, and both identities in it. Tests make what else they need through the API."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from deploy.sandbox.aws import Aws
from tools.clients import Readers, Writers
from tools.clients.aws import AwsReader, AwsWriter


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """A fresh account, with the environment pointing at it and at nothing else."""
    with Aws() as sandbox, pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            environment.delenv(name)
        for name, value in sandbox.environment().items():
            environment.setenv(name, value)
        yield sandbox


@pytest.fixture(scope="module")
def reader(aws: Aws) -> AwsReader:
    """The identity that looks."""
    return AwsReader.from_profile("sayso-reader")


@pytest.fixture(scope="module")
def writer(aws: Aws) -> AwsWriter:
    """The identity that may change things."""
    return AwsWriter.from_profile("sayso-writer")


@pytest.fixture(scope="module")
def readers(reader: AwsReader) -> Readers:
    """As the flows hold it."""
    return Readers(kubernetes=None, aws=reader)


@pytest.fixture(scope="module")
def writers(writer: AwsWriter) -> Writers:
    """As the flows hold it."""
    return Writers(kubernetes=None, aws=writer)


@pytest.fixture
def now() -> datetime:
    """moto runs on the real clock, so the tests do."""
    return datetime.now(UTC)
