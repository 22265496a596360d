"""A small world to investigate: the real reads over a picture of evidence, and a model on a real port to ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.investigation.agent import investigate
from bot.investigation.budget import Budget
from bot.investigation.values import Answer, ModelAccess, Question
from deploy.sandbox.model import KEY, NAME, ScriptedModel
from deploy.sandbox.model.engineer import engineer
from deploy.sandbox.model.wire import Script
from tools import resources
from tools.clients import Readers
from tools.errors import TemporaryError
from tools.evidence import Evidence, Finding, Severity, Trust, evidence
from tools.reads.aws.table import READS as AWS_READS
from tools.reads.kubernetes.table import READS as KUBERNETES_READS
from tools.reads.read import Read
from tools.subjects import KubernetesSubject
from tools.values import Value

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TEXT = {"k8s_pod_logs", "k8s_list_events", "aws_logs"}


def piece(tool: str, excerpt: str, query: str = "shop/deployments/checkout") -> Evidence:
    """Evidence as the read of that name gives it."""
    trust = Trust.TEXT if tool in TEXT else Trust.STATUS
    return evidence(tool=tool, query=query, summary=f"what {tool} saw", excerpt=excerpt, at=AT, trust=trust)


WORKLOAD = piece(
    "k8s_describe_workload",
    "Deployment checkout: 0 of 2 available, 2 updated, revision 2\n"
    "container app image shop/checkout:2.4.1 requests nothing limits nothing ports none env none\n"
    "pod checkout-6d4f9c7b8-x2x4z Running, not ready: app waiting CrashLoopBackOff (7 restarts)",
)
CHANGES = piece(
    "k8s_what_changed",
    "revision 2 (current): 2 pods wanted, 0 available\n"
    "  app env DATABASE_URL: from Secret db/url -> absent\n"
    "revision 1: 0 pods wanted, 0 available",
    "shop/deployments/checkout revisions",
)
LOG = piece(
    "k8s_pod_logs",
    "starting checkout 2.4.1\nKeyError: 'DATABASE_URL'\nexit status 1",
    "shop/pods/checkout-6d4f9c7b8-x2x4z log of app, previous run",
)


@dataclass
class World:
    """What can be read: the real table of reads over a picture. A read that is not in it does not answer."""

    picture: list[Evidence] = field(default_factory=lambda: [WORKLOAD, CHANGES, LOG])
    looks: list[tuple[str, Value]] = field(default_factory=list)

    def reads(self) -> tuple[Read[Any], ...]:
        """Every read sayso has, over this picture."""
        return tuple(self._painted(read) for read in (*KUBERNETES_READS, *AWS_READS))

    def _painted(self, read: Read[Any]) -> Read[Any]:
        def run(asked: Value, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
            self.looks.append((read.name, asked))
            found = tuple(piece for piece in self.picture if piece.tool == read.name)
            if not found:
                raise TemporaryError(f"{read.name} did not answer")
            return found

        return replace(read, run=run)


FINDING = Finding(
    code="k8s.crash_loop",
    title="checkout crashes on start",
    statement="The container app of checkout ends with exit code 1 again and again.",
    severity=Severity.SEV1,
    confidence=8,
    resource=resources.kubernetes("shop", "Deployment", "checkout"),
    evidence_ids=(WORKLOAD.id,),
)
QUESTION = Question(
    alert="KubePodCrashLooping: pod checkout-6d4f9c7b8-x2x4z is crash looping (severity critical, env prod)",
    subject=KubernetesSubject(namespace="shop", deployment="checkout"),
    findings=(FINDING,),
    evidence=(WORKLOAD,),
    gaps=("metrics did not answer",),
)

Investigate = Callable[..., Answer]


@pytest.fixture
def question() -> Question:
    """A crash loop, as the rules left it."""
    return QUESTION


@pytest.fixture
def world() -> World:
    """The crash loop's cluster."""
    return World()


@pytest.fixture
def paint() -> Callable[[str, str, str], Evidence]:
    """Makes evidence as a read of that name gives it."""
    return piece


@dataclass
class Asking:
    """Investigates a world with the model of one mode; `model` is the last one asked."""

    world: World
    model: ScriptedModel | None = None

    def __call__(self, mode: Script = engineer, question: Question = QUESTION, **limits: Any) -> Answer:
        with ScriptedModel(mode) as self.model:
            access = ModelAccess(base_url=self.model.url, api_key=KEY, model=NAME)
            readers = Readers(kubernetes=None, aws=None)
            return investigate(question, self.world.reads(), readers, access, Budget(**limits), lambda: AT)

    @property
    def heard(self) -> str:
        """Everything the model was told."""
        assert self.model is not None
        return "\n".join(message.text for message in self.model.requests[-1].messages)


@pytest.fixture
def asking(world: World) -> Asking:
    """Asks a model on a real port about the world."""
    return Asking(world)
