"""What a model's investigation costs stays within its limits, counted on the wire with every tool schema in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bot.investigation import schemas
from bot.investigation.offering import MOST_CHARACTERS, Offer, size
from storage.tables import Alert
from tests.bot.investigation.economy import FIRST_REQUEST, WHOLE, of_account, of_cluster
from tests.tools.aws.pictures import busy_group, starved_service
from tests.tools.kubernetes.conftest import opened
from tests.tools.kubernetes.shop import SCENARIOS, Shop
from tools.clients import Readers
from tools.reads.aws.table import READS as AWS_READS
from tools.reads.aws.views import Picture
from tools.reads.kubernetes.resolve import subject_of
from tools.reads.kubernetes.table import READS as KUBERNETES_READS
from tools.resources import Provider
from tools.subjects import AwsSubject, KubernetesSubject, Subject

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
STORY = "1-missing-env"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A crash loop in a cluster."""
    with opened(tmp_path_factory.mktemp("shop")) as shop:
        shop.break_down(STORY)
        yield shop


def told(labels: dict[str, str], annotations: dict[str, str]) -> Alert:
    return Alert(
        fingerprint="one",
        source="alertmanager",
        name=labels["alertname"],
        severity="sev2",
        status="firing",
        labels=labels,
        annotations=annotations,
        starts_at=AT,
        received_at=AT,
        last_seen_at=AT,
    )


def test_a_cluster_story_stays_within_the_limits(shop: Shop) -> None:
    alert = json.loads((SCENARIOS / STORY / "alert.json").read_text())
    subject = subject_of(alert["commonLabels"])
    assert subject is not None
    alerts = [told(alert["commonLabels"], alert["commonAnnotations"])]

    taken = of_cluster(subject, alerts, Readers(kubernetes=shop.reader, aws=None), datetime.now(UTC))

    assert taken.first <= FIRST_REQUEST, taken
    assert taken.whole <= WHOLE, taken
    assert taken.calls >= 2


@pytest.mark.parametrize("picture", [busy_group(), starved_service()], ids=["group", "service"])
def test_an_account_story_stays_within_the_limits(picture: Picture) -> None:
    alerts = [told({"alertname": picture.subject.alarm, "region": picture.subject.region}, {"summary": "it rings"})]

    taken = of_account(picture, alerts)

    assert taken.first <= FIRST_REQUEST, taken
    assert taken.whole <= WHOLE, taken


@pytest.mark.parametrize(
    ("subject", "prefix"),
    [
        (KubernetesSubject(namespace="shop"), "k8s_"),
        (AwsSubject(region="r", alarm="a", namespace="n", metric="m", dimensions={}), "aws_"),
    ],
    ids=["cluster", "account"],
)
def test_the_reads_of_the_alerts_own_provider_all_fit_into_the_first_request(subject: Subject, prefix: str) -> None:
    offer = Offer((*KUBERNETES_READS, *AWS_READS), subject)

    assert {name for name in (*offer.shown, *offer.waiting) if name.startswith(prefix)} <= offer.shown
    assert sum(size(read) for read in (*KUBERNETES_READS, *AWS_READS) if read.name in offer.shown) <= MOST_CHARACTERS


def test_the_shape_of_the_answer_takes_a_fourth_of_what_its_full_schema_would() -> None:
    from bot.investigation.compiling import ModelProposal

    whole = json.dumps(ModelProposal.model_json_schema())

    assert len(json.dumps(schemas.of_answer(tuple(Provider)))) * 4 < len(whole)


def test_every_action_is_described_with_the_members_it_takes() -> None:
    told = schemas.of_answer(tuple(Provider))["properties"]["actions"]["description"]

    assert "k8s.scale_deployment(namespace, deployment, replicas: integer)" in told
    assert "aws.force_new_deployment(region, cluster, service)" in told
    assert told.count("(") == len(
        schemas.of_answer(tuple(Provider))["properties"]["actions"]["items"]["properties"]["action"]["properties"][
            "kind"
        ]["enum"]
    )
