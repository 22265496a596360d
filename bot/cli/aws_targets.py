"""What `sayso investigate` takes of AWS: how its resources are typed, what they are called back, and whether they are
there. The Kubernetes half, and the command itself, is in `investigating`.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

import click

from bot.cli.printing import Unusable, environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.clients.aws import AwsReader
    from tools.reads.aws.views import Picture
    from tools.subjects import AwsSubject

FORMS = {
    "alarm": "alarm/NAME",
    "ecs": "ecs/CLUSTER/SERVICE",
    "lambda": "lambda/NAME",
    "rds": "rds/ID",
    "rds-cluster": "rds-cluster/ID",
    "sqs": "sqs/QUEUE",
    "dynamodb": "dynamodb/TABLE",
    "asg": "asg/NAME",
    "ec2": "ec2/i-...",
    "alb": "alb/NAME",
    "target-group": "target-group/NAME",
    "api": "api/NAME",
    "s3": "s3/BUCKET",
    "nat": "nat/nat-...",
}
"""What can be typed, and how it is completed."""
KINDS = {
    "ecs": "ecs",
    "lambda": "lambda",
    "rds": "rds",
    "rds-cluster": "rds_cluster",
    "aurora": "rds_cluster",
    "sqs": "sqs",
    "queue": "sqs",
    "dynamodb": "dynamodb",
    "asg": "asg",
    "ec2": "ec2",
    "alb": "load_balancer",
    "nlb": "load_balancer",
    "elb": "load_balancer",
    "target-group": "target_group",
    "tg": "target_group",
    "api": "rest_api",
    "s3": "s3",
    "nat": "nat",
}
"""What people call the kinds, as `tools.reads.aws.kinds` spells them."""
INSTANCE = re.compile(r"i-[0-9a-f]{8,17}")
SHORT = {kind: word for word, kind in reversed(KINDS.items())}
"""The first word for each kind, in which it is told back."""


def subject(target: str, region: str | None) -> AwsSubject | None:
    """What was typed as an AWS subject; None where it is no word of AWS. A form that cannot be is an error."""
    from tools.reads.aws.kinds import Kind
    from tools.reads.aws.kinds import subject as of
    from tools.subjects import AwsSubject

    word, slash, name = (f"ec2/{target}" if INSTANCE.fullmatch(target) else target).partition("/")
    word = word.lower()
    # A bare name is a workload's, whatever it is called.
    if not slash or (word != "alarm" and word not in KINDS):
        return None
    if not name:
        raise click.UsageError(f"{word} needs a name: {FORMS[SHORT[KINDS[word]] if word in KINDS else word]}.")
    home = region or environment().aws_region
    if home is None:
        raise click.UsageError("Say in which region: --region eu-west-1 (or set AWS_REGION).")
    if word == "alarm":
        return AwsSubject(region=home, alarm=name, namespace="", metric="", dimensions={})
    kind = Kind(KINDS[word])
    _must_fit(kind, name)
    return of(kind, name, home)


def known() -> str:
    """Every form, for whoever typed another."""
    return ", ".join(FORMS.values())


def about(subject: AwsSubject) -> str:
    """What is looked at, as it is typed, and where."""
    from tools.reads.aws.kinds import asked

    found = asked(subject)
    named = f"alarm {subject.alarm}" if found is None else f"{SHORT[found[0]]}/{found[1]}"
    return f"{named} in {subject.region}"


def must_exist(subject: AwsSubject, picture: Picture, gaps: Sequence[str], reader: AwsReader | None) -> None:
    """Nothing of that name, or nothing of it readable, ends the command: silence would read as health."""
    from tools.diagnosis.aws.scene import subjects
    from tools.reads.aws.kinds import asked

    if picture.alarm is not None if asked(subject) is None else subjects(picture):
        return
    missing = any(gap.endswith("was not found") for gap in gaps)
    if not missing:
        raise Unusable("\n".join(gaps) or f"Nothing could be seen of {about(subject)}.")
    raise Unusable(f"There is no {about(subject)}.{_near(subject, reader)}")


def _must_fit(kind: str, name: str) -> None:
    if kind == "ecs" and not re.fullmatch(r"[^/]+/[^/]+", name):
        raise click.UsageError(f"An ECS service is named with its cluster: ecs/CLUSTER/SERVICE, not ecs/{name}.")
    if kind == "ec2" and not INSTANCE.fullmatch(name):
        raise click.UsageError(f"An instance is named by its id: ec2/i-0123456789abcdef0, not ec2/{name}.")


def _near(subject: AwsSubject, reader: AwsReader | None) -> str:
    """What it may have meant, where one call tells what there is. The error stands without it."""
    from tools.errors import PermanentError, TemporaryError
    from tools.reads.aws.kinds import asked
    from tools.reads.aws.listing import alarm_names, names

    if reader is None:
        return ""
    kind, wanted = asked(subject) or (None, subject.alarm)
    try:
        there = names(kind, subject.region, reader) if kind else alarm_names(subject.region, reader)
    except (PermanentError, TemporaryError):
        return ""
    word = SHORT[kind] if kind else "alarm"
    near = difflib.get_close_matches(wanted, there, n=3, cutoff=0.5)
    if near:
        return f" Near: {', '.join(f'{word}/{one}' for one in near)}."
    shown = ", ".join(f"{word}/{one}" for one in sorted(there)[:10])
    return f" There are: {shown}." if there else f" There is nothing of that kind in {subject.region}."
