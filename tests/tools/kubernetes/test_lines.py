"""When the API server is away, refuses, or its answer is lost: typed errors, gaps, and never a second effect."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.sandbox.cluster import Identity
from tests.tools.kubernetes.line import Line, kubeconfig
from tests.tools.kubernetes.shop import AT, Shop
from tools.actions import Action, ScaleDeployment
from tools.clients import Writers
from tools.clients.kubernetes import KubernetesReader, KubernetesWriter, NotFound, path_to
from tools.criteria import FindingGone
from tools.diagnosis.kubernetes.diagnosing import diagnose
from tools.errors import Forbidden, PermanentError, TemporaryError, Uncertain, Unreachable
from tools.reads.kubernetes.criteria import measure
from tools.reads.kubernetes.looking import look
from tools.resources import kubernetes
from tools.writes.write import Applied, Landing, Observed, Stale

STORY = "1-missing-env"
KEY = "attempt-1"


@pytest.fixture
def line(shop: Shop) -> Iterator[Line]:
    """A line to the shop's cluster that can be made bad."""
    with Line(shop.cluster.url) as opened:
        yield opened


@pytest.fixture
def quiet_line(untouched: Shop) -> Iterator[Line]:
    """The same to a cluster nobody changes."""
    with Line(untouched.cluster.url) as opened:
        yield opened


@pytest.fixture
def onlooker(quiet_line: Line, tmp_path: Path) -> Iterator[KubernetesReader]:
    """The reader at the end of that quiet line."""
    opened = KubernetesReader.from_kubeconfig(quiet_line.kubeconfig(tmp_path / "onlooker", Identity.READER))
    yield opened
    opened.close()


@pytest.fixture
def reader(line: Line, tmp_path: Path) -> Iterator[KubernetesReader]:
    """The reader at the end of that line."""
    opened = KubernetesReader.from_kubeconfig(line.kubeconfig(tmp_path / "line-reader", Identity.READER))
    yield opened
    opened.close()


@pytest.fixture
def writers(line: Line, tmp_path: Path) -> Iterator[Writers]:
    """The writer at the end of that line."""
    writer = KubernetesWriter.from_kubeconfig(line.kubeconfig(tmp_path / "line-writer", Identity.WRITER))
    yield Writers(kubernetes=writer, aws=None)
    writer.close()


def broken(shop: Shop) -> tuple[Action, Observed]:
    """A shop with a fault, its fix, and the target as people saw it."""
    shop.break_down(STORY)
    (action,) = shop.remedy().actions
    return action, shop.observe(action)


def test_a_lost_answer_is_uncertain_and_looking_again_says_it_landed(shop: Shop, line: Line, writers: Writers) -> None:
    action, observed = broken(shop)
    line.troubles.loses_answers = True

    with pytest.raises(Uncertain):
        shop.write(action).apply(action, observed, KEY, writers)

    assert shop.write(action).landed(action, observed, KEY, writers) is Landing.LANDED
    assert len(shop.effects()) == 1


def test_a_lost_request_is_uncertain_and_looking_again_says_it_did_not_land(
    shop: Shop, line: Line, writers: Writers
) -> None:
    action, observed = broken(shop)
    line.troubles.loses_requests = True

    with pytest.raises(Uncertain):
        shop.write(action).apply(action, observed, KEY, writers)

    line.troubles.loses_requests = False
    assert shop.write(action).landed(action, observed, KEY, writers) is Landing.NOT_LANDED
    assert isinstance(shop.write(action).apply(action, observed, KEY, writers), Applied)
    assert len(shop.effects()) == 1


def test_sending_again_after_a_lost_answer_changes_nothing_more(shop: Shop, line: Line, writers: Writers) -> None:
    action, observed = broken(shop)
    line.troubles.loses_answers = True
    with pytest.raises(Uncertain):
        shop.write(action).apply(action, observed, KEY, writers)
    line.troubles.loses_answers = False

    again = shop.write(action).apply(action, observed, KEY, writers)

    assert isinstance(again, Stale)
    assert len(shop.effects()) == 1


def test_a_lost_answer_to_an_undo_is_found_out_too(shop: Shop, line: Line, writers: Writers) -> None:
    action, observed = broken(shop)
    write = shop.write(action)
    write.apply(action, observed, KEY, writers)
    shop.settle()
    line.troubles.loses_answers = True

    with pytest.raises(Uncertain):
        write.undo(action, observed, KEY, writers)

    assert write.undone(action, observed, KEY, writers) is Landing.LANDED


MEANWHILE: dict[str, tuple[str, dict[str, Any]]] = {
    "1-missing-env": ("deployments/checkout", {"spec": {"minReadySeconds": 5}}),
    "3-missing-image": ("deployments/storefront", {"metadata": {"annotations": {"team": "shop"}}}),
    "7-selector-typo": ("services/payments", {"spec": {"selector": {"app": "web"}}}),
}


@pytest.mark.parametrize("story", MEANWHILE)
def test_a_change_between_the_rehearsal_and_the_write_is_never_overwritten(
    shop: Shop, line: Line, writers: Writers, story: str
) -> None:
    shop.break_down(story)
    (action,) = shop.remedy().actions
    observed = shop.observe(action)
    where, change = MEANWHILE[story]
    group = "/api/v1" if where.startswith("services") else "/apis/apps/v1"
    line.troubles.meanwhile = lambda: shop.patch(f"{group}/namespaces/shop/{where}", change)

    applied = shop.write(action).apply(action, observed, KEY, writers)

    assert isinstance(applied, Stale)
    assert "at the very moment" in applied.reason
    assert shop.effects() == []


def test_a_count_moved_between_the_rehearsal_and_the_write_is_never_overwritten(
    shop: Shop, line: Line, writers: Writers
) -> None:
    action = ScaleDeployment(namespace="shop", deployment="web", replicas=4)
    observed = shop.observe(action)
    path = "/apis/apps/v1/namespaces/shop/deployments/web"
    line.troubles.meanwhile = lambda: shop.patch(path, {"spec": {"replicas": 5}})

    applied = shop.write(action).apply(action, observed, KEY, writers)

    assert isinstance(applied, Stale)
    assert shop.deployment("web")["spec"]["replicas"] == 5


def test_nothing_is_ever_sent_twice_by_itself(shop: Shop, line: Line, writers: Writers) -> None:
    action, observed = broken(shop)
    line.troubles.loses_requests = True

    with pytest.raises(Uncertain):
        shop.write(action).apply(action, observed, KEY, writers)

    sent = [asked for asked in line.troubles.asked if asked.startswith("PATCH") and "dryRun" not in asked]
    assert len(sent) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_to_a_real_change_proves_nothing(shop: Shop, line: Line, writers: Writers, status: int) -> None:
    action, observed = broken(shop)
    writer = writers.kubernetes
    assert writer is not None
    line.troubles.refused = {"/deployments/checkout?": status}

    with pytest.raises(Uncertain):
        writer.patch(path_to("apps/v1", "deployments", "shop", "checkout"), [], dry_run=False)
    with pytest.raises(Unreachable):
        writer.patch(path_to("apps/v1", "deployments", "shop", "checkout"), [], dry_run=True)

    assert shop.write(action).landed(action, observed, KEY, shop.writers) is Landing.NOT_LANDED


def test_a_server_that_is_away_before_anything_was_sent_is_only_unreachable(tmp_path: Path) -> None:
    writer = KubernetesWriter.from_kubeconfig(kubeconfig(tmp_path / "away", nobody_listens(), "none"))

    with pytest.raises(Unreachable) as raised:
        writer.patch(path_to("apps/v1", "deployments", "shop", "web"), [], dry_run=False)

    assert not isinstance(raised.value, Uncertain)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, Forbidden),
        (403, Forbidden),
        (404, NotFound),
        (410, PermanentError),
        (429, TemporaryError),
        (500, Unreachable),
    ],
)
def test_each_refusal_says_whether_to_try_again(
    quiet_line: Line, onlooker: KubernetesReader, status: int, error: type[Exception]
) -> None:
    quiet_line.troubles.refused = {"/pods": status}

    with pytest.raises(error, match="refused on the line"):
        onlooker.get(path_to("v1", "pods", "shop"))


def test_a_forbidden_kind_is_a_gap_and_the_rest_is_seen(shop: Shop, line: Line, reader: KubernetesReader) -> None:
    shop.break_down(STORY)
    line.troubles.refused = {"/persistentvolumeclaims": 403, "/metrics.k8s.io/": 404, "/nodes": 500}

    diagnosis = diagnose(look("shop", AT, reader))

    assert [finding.code for finding in diagnosis.findings] == ["k8s.missing_env"]
    assert [gap.partition(" could")[0] for gap in diagnosis.gaps] == ["nodes", "persistentvolumeclaims", "pod metrics"]


@pytest.mark.parametrize("kind", ["pods", "endpointslices", "deployments"])
def test_what_cannot_be_read_is_never_taken_for_absent(quiet_line: Line, onlooker: KubernetesReader, kind: str) -> None:
    quiet_line.troubles.refused = {f"/{kind}": 403}

    diagnosis = diagnose(look("shop", AT, onlooker))

    assert diagnosis.findings == ()
    assert any(gap.startswith(kind) for gap in diagnosis.gaps)


def test_a_finding_is_not_gone_because_nobody_could_look(quiet_line: Line, onlooker: KubernetesReader) -> None:
    quiet_line.troubles.refused = {"/pods": 403}

    measured = measure(
        FindingGone(code="k8s.missing_env", resource=kubernetes("shop", "Deployment", "web")), AT, onlooker
    )

    assert not measured.met
    assert measured.detail == "cannot tell: pods could not be read"


def test_a_cluster_that_answers_nothing_is_unreachable(tmp_path: Path) -> None:
    reader = KubernetesReader.from_kubeconfig(kubeconfig(tmp_path / "away", nobody_listens(), "none"))

    with pytest.raises(Unreachable):
        look("shop", AT, reader)


def test_a_kubeconfig_that_is_not_there_is_a_permanent_error(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="No usable Kubernetes configuration"):
        KubernetesReader.from_kubeconfig(tmp_path / "absent")


def test_a_proxy_of_the_environment_does_not_get_between_us_and_loopback(
    untouched: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, nobody_listens())
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    reader = KubernetesReader.from_kubeconfig(untouched.cluster.kubeconfig(tmp_path / "proxied", Identity.READER))

    seen = look("shop", AT, reader)

    reader.close()
    assert [found.name for found in seen.workloads] == ["web"]


def test_looking_never_asks_for_secrets_nor_for_the_content_of_config_maps(
    shop: Shop, line: Line, reader: KubernetesReader
) -> None:
    shop.break_down(STORY)
    shop.put(_referring_to_nothing())
    shop.settle()

    seen = look("shop", AT, reader)

    assert "k8s.missing_config_object" in [finding.code for finding in diagnose(seen).findings]
    assert not [asked for asked in line.troubles.asked if "secrets" in asked]
    assert [asked for asked in line.troubles.asked if "configmaps" in asked] != []


def test_each_identity_knows_what_it_may_do(untouched: Shop) -> None:
    writer = untouched.writers.kubernetes
    assert writer is not None

    assert untouched.reader.permitted("list", "deployments", namespace="shop", group="apps")
    assert not untouched.reader.permitted("patch", "deployments", namespace="shop", group="apps")
    assert writer.permitted("patch", "deployments", namespace="shop", group="apps", subresource="scale")
    assert not writer.permitted("get", "secrets", namespace="shop")


def nobody_listens() -> str:
    """An address on loopback where no one is."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{held.getsockname()[1]}"


def _referring_to_nothing() -> dict[str, object]:
    env = [{"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "mode", "key": "mode"}}}]
    container = {"name": "app", "image": "registry.local/web:3.1.0", "env": env}
    labels = {"app": "lost"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "lost", "namespace": "shop"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
