"""The shipped IAM policies grant what the code asks for: no less, and nothing that changes more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.reads.aws.table import READS
from tools.writes.aws import WRITES

FOLDER = Path(__file__).parents[3] / "deploy" / "aws" / "iam"
CHANGES = {"autoscaling:SetDesiredCapacity", "ecs:UpdateService", "ssm:SendCommand"}


def statements(name: str) -> list[dict[str, Any]]:
    policy = json.loads((FOLDER / f"{name}.json").read_text())
    return [one for one in policy["Statement"] if one["Effect"] == "Allow"]


def granted(name: str) -> set[str]:
    found: set[str] = set()
    for one in statements(name):
        found |= {one["Action"]} if isinstance(one["Action"], str) else set(one["Action"])
    return found


def test_the_reader_may_do_every_read() -> None:
    needed = {permission for read in READS for permission in read.permissions} | {"ecs:DescribeTaskDefinition"}

    assert needed <= granted("reader")


def test_the_writer_may_do_every_write_and_nothing_else() -> None:
    needed = {permission for write in WRITES.values() for permission in write.permissions}

    assert granted("writer") == needed


def test_the_reader_may_change_nothing() -> None:
    looks = ("Describe", "Get", "GET", "List", "Filter", "Lookup")

    assert {one for one in granted("reader") if not one.split(":")[1].startswith(looks)} == {"sns:ConfirmSubscription"}


@pytest.mark.parametrize("name", ["reader", "writer"])
def test_no_policy_grants_by_wildcard(name: str) -> None:
    assert not [one for one in granted(name) if "*" in one]


def test_commands_can_be_sent_by_the_listed_document_only() -> None:
    (sending,) = [one for one in statements("writer") if one["Action"] == "ssm:SendCommand"]

    documents = [one for one in sending["Resource"] if ":document/" in one]
    assert documents == ["arn:aws:ssm:*:*:document/sayso-CleanUpLogs"]
    assert {one for one in granted("writer") if not one.split(":")[1].startswith(("Describe", "List"))} == CHANGES
