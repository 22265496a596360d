"""`sayso investigate`: look at one thing, now, and say what is wrong with it. Reads only; the record is not touched."""

from __future__ import annotations

import difflib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli import aws_targets
from bot.cli.printing import Unusable, as_json, environment

if TYPE_CHECKING:
    from datetime import datetime

    from bot.investigation.rules import Conclusion
    from bot.investigation.values import Stage
    from bot.reports.inquiry import Inquiry
    from tools.clients import Readers
    from tools.reads.kubernetes.picture import Picture
    from tools.subjects import KubernetesSubject, Subject

KINDS = {
    "deployment": "Deployment",
    "deploy": "Deployment",
    "service": "Service",
    "svc": "Service",
    "pod": "Pod",
    "po": "Pod",
    "statefulset": "StatefulSet",
    "sts": "StatefulSet",
    "daemonset": "DaemonSet",
    "ds": "DaemonSet",
    "job": "Job",
    "cronjob": "CronJob",
    "cj": "CronJob",
    "node": "Node",
    "no": "Node",
    "ingress": "Ingress",
    "ing": "Ingress",
    "persistentvolumeclaim": "PersistentVolumeClaim",
    "pvc": "PersistentVolumeClaim",
    "horizontalpodautoscaler": "HorizontalPodAutoscaler",
    "hpa": "HorizontalPodAutoscaler",
}
"""What kubectl calls things, and how the API spells them."""


@click.command()
@click.argument("target", required=False, metavar="[TARGET]")
@click.option("--namespace", "-n", help="Kubernetes namespace to look at; without a TARGET, all of it.")
@click.option("--region", help="AWS region to look in; AWS_REGION where left out.")
@click.option(
    "--from-dump",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Read a folder made by `kubectl cluster-info dump --output-directory` instead of a cluster.",
)
@click.option("--no-model", is_flag=True, help="Leave the model out, where one is set.")
@as_json
def investigate(
    target: str | None,
    namespace: str | None,
    region: str | None,
    from_dump: Path | None,
    no_model: bool,
    as_json: bool,
) -> None:
    """Look at TARGET now and say what is wrong, why, and what would fix it. Changes nothing, asks nobody.

    TARGET is what kubectl takes (`deployment/web`, `svc/web`, `pod/web-7d9c5bf7c9-x2x4z`, `node/a`) or a bare name. Of
    AWS: `alarm/NAME`, `ecs/CLUSTER/SERVICE`, `lambda/NAME`, `rds/ID`, `rds-cluster/ID`, `sqs/QUEUE`, `dynamodb/TABLE`,
    `asg/NAME`, `ec2/i-...`, `alb/NAME`, `target-group/NAME`, `api/NAME`, `s3/BUCKET`, `nat/nat-...`. Exit code 2 when
    nothing could be looked at.
    """
    from bot.reports.rendering import render
    from tools.errors import PermanentError, TemporaryError

    subject = _subject(target, namespace, region, from_dump)
    if sys.stderr.isatty():
        click.echo(f"Looking at {_about(subject)} …", err=True)
    try:
        inquiry = _inquire(subject, from_dump, no_model)
    except (PermanentError, TemporaryError) as error:
        raise Unusable(f"Nothing could be looked at: {error}") from error
    if as_json:
        click.echo(inquiry.model_dump_json(indent=2, exclude={"conclusion": {"picture"}}))
    else:
        click.echo(render("inquiry.txt.j2", inquiry), nl=False)


def _inquire(subject: Subject, from_dump: Path | None, no_model: bool) -> Inquiry:
    """Look, once. Raises PermanentError or TemporaryError when nothing could be seen."""
    from datetime import UTC, datetime

    from bot.reports.inquiry import Inquiry

    eyes, place, at = _eyes(subject, from_dump)
    started, began = at or datetime.now(UTC), time.monotonic()
    mind, conclusion = _think(subject, eyes, started, no_model)
    _must_exist(subject, conclusion, eyes)
    seconds = time.monotonic() - began
    return Inquiry(about=_about(subject), place=place, at=started, seconds=seconds, mind=mind, conclusion=conclusion)


def _eyes(subject: Subject, from_dump: Path | None) -> tuple[Readers, str, datetime | None]:
    """What to look with, where that is, and the moment it shows when that is not now."""
    from bot.app import readers
    from tools.clients import Readers
    from tools.subjects import AwsSubject

    if from_dump is not None:
        from tools.clients.dump import Dump

        dump = Dump.open(from_dump)
        return Readers(kubernetes=dump, aws=None), f"the dump in {from_dump}", dump.at
    eyes = readers(environment())
    if isinstance(subject, AwsSubject):
        return eyes, f"AWS {subject.region}", None
    return eyes, eyes.kubernetes.server if eyes.kubernetes is not None else "no cluster", None


def _think(subject: Subject, eyes: Readers, at: datetime, no_model: bool) -> tuple[str, Conclusion]:
    """Who thought, in words, and the conclusion: as on a card, but with no record behind it."""
    from bot.app import minds_of
    from bot.investigation.budget import Budget
    from bot.investigation.minds import Minds, think
    from bot.views.incident import Mind, mind_words

    minds = Minds(model=None, budget=Budget()) if no_model else minds_of(environment())
    mind, conclusion = think(subject, (), minds, eyes, lambda: at, tell=_told)
    return mind_words(Mind(**mind.model_dump())) if mind.model else "rules alone, no model", conclusion


def _told(stage: Stage) -> None:
    """Say on a terminal what is being done, for as long as it takes."""
    from bot.investigation.values import Reading, RulesSpoke, Thinking

    if not sys.stderr.isatty():
        return
    match stage:
        case RulesSpoke(found=found):
            click.echo(f"The rules say: {found or 'nothing known'}", err=True)
        case Reading(what=what):
            click.echo(f"Reading {what} …", err=True)
        case Thinking(model=model):
            click.echo(f"Asking {model} …", err=True)


def _subject(target: str | None, namespace: str | None, region: str | None, from_dump: Path | None) -> Subject:
    """What was typed as where to look."""
    from tools.subjects import KubernetesSubject

    if target is not None and (namespace is None or "/" in target):
        found = aws_targets.subject(target, region)
        if found is not None and from_dump is not None:
            raise click.UsageError("A dump holds a cluster: leave --from-dump out to look at AWS.")
        if found is not None:
            return found
    word, _, name = (target or "").partition("/")
    kind = (KINDS.get(word.lower().removesuffix("s")) or KINDS.get(word.lower())) if name else None
    if name and kind is None:
        raise click.UsageError(_unknown(word, name))
    place = namespace or _only_namespace(from_dump)
    if place is None:
        raise click.UsageError("Say in which namespace: `sayso investigate deployment/web -n shop`.")
    if target is None:
        return KubernetesSubject(namespace=place)
    if not name:
        return KubernetesSubject(namespace=place, deployment=word, service=word)
    match kind:
        case "Deployment":
            return KubernetesSubject(namespace=place, deployment=name)
        case "Service":
            return KubernetesSubject(namespace=place, service=name)
        case "Pod":
            return KubernetesSubject(namespace=place, pod=name)
        case _:
            return KubernetesSubject(namespace=place, kind=kind, name=name)


def _unknown(word: str, name: str) -> str:
    """What to type instead of a kind nobody knows."""
    near = difflib.get_close_matches(word.lower(), (*KINDS, *aws_targets.KINDS), n=1)
    hint = f" Did you mean {near[0]}/{name}?" if near else ""
    known = f"{', '.join(sorted(KINDS))}; of AWS {aws_targets.known()}"
    return f"{word} is no kind of object I look at.{hint} Known: {known}."


def _only_namespace(from_dump: Path | None) -> str | None:
    """The namespace of a dump that holds one alone."""
    if from_dump is None:
        return None
    from tools.clients.dump import Dump

    found = Dump.open(from_dump).namespaces
    return found[0] if len(found) == 1 else None


def _about(subject: Subject) -> str:
    """What is looked at, in words."""
    from tools.subjects import AwsSubject

    match subject:
        case AwsSubject():
            return aws_targets.about(subject)
        case _ if subject.kind:
            return f"{subject.kind.lower()}/{subject.name} in {subject.namespace}"
        case _ if subject.deployment and subject.deployment == subject.service:
            return f"{subject.deployment} in {subject.namespace}"
        case _:
            named = {"deployment": subject.deployment, "service": subject.service, "pod": subject.pod}
            told = [f"{kind}/{name}" for kind, name in named.items() if name]
            return f"{told[0]} in {subject.namespace}" if told else f"namespace {subject.namespace}"


def _must_exist(subject: Subject, conclusion: Conclusion, eyes: Readers) -> None:
    """A name nobody knows ends the command with what it may have meant: silence would read as health."""
    from tools.reads.aws.views import Picture as AwsPicture
    from tools.reads.kubernetes.picture import Picture
    from tools.subjects import AwsSubject, KubernetesSubject

    picture = conclusion.picture
    if conclusion.picture is None:
        raise Unusable("\n".join(conclusion.gaps) or "Nothing could be looked at.")
    if isinstance(subject, AwsSubject) and isinstance(picture, AwsPicture):
        aws_targets.must_exist(subject, picture, conclusion.gaps, eyes.aws)
    if not (isinstance(subject, KubernetesSubject) and isinstance(picture, Picture)):
        return
    seen = picture.workloads or picture.pods or picture.services
    if not seen and picture.has_read("deployments", "pods", "services"):
        raise Unusable(f"Namespace {subject.namespace} is empty, or there is no such namespace.")
    wanted = subject.name or subject.deployment or subject.service or subject.pod
    known = _names(subject, picture)
    if wanted is None or known is None or wanted in known:
        return
    near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.5)
    hint = f" Near: {', '.join(near)}." if near else f" There are: {', '.join(sorted(known)[:10])}." if known else ""
    raise Unusable(f"There is no {_about(subject)}.{hint}")


def _names(subject: KubernetesSubject, picture: Picture) -> set[str] | None:
    """Every name the subject could have; None where its kind could not be read, or is not kept by name."""
    workloads = {found.name for found in picture.workloads}
    services = {found.name for found in picture.services}
    if not picture.has_read("deployments", "pods", "services"):
        return None
    match subject:
        case _ if subject.deployment and subject.service:
            return workloads | services
        case _ if subject.deployment:
            return {found.name for found in picture.workloads if found.kind == "Deployment"}
        case _ if subject.service:
            return services
        case _ if subject.pod:
            return {found.name for found in picture.pods}
    kept = {
        "StatefulSet": {found.name for found in picture.workloads if found.kind == "StatefulSet"},
        "DaemonSet": {found.name for found in picture.workloads if found.kind == "DaemonSet"},
        "Node": {found.name for found in picture.nodes},
        "Job": {found.name for found in picture.jobs},
        "CronJob": {found.name for found in picture.cron_jobs},
        "Ingress": {found.name for found in picture.ingresses},
        "PersistentVolumeClaim": {found.name for found in picture.claims},
        "HorizontalPodAutoscaler": {found.name for found in picture.autoscalers},
    }
    return kept.get(subject.kind or "")
