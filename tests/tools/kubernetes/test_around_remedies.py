"""What helps around workloads: back to the last revision where a rollout did it, else advice that says what to do."""

from __future__ import annotations

import pytest

from tests.tools.kubernetes.around import CONFIG, creating, healthy, mounting, said, well
from tests.tools.kubernetes.pictures import ago, container, deployment, revision, template
from tools.actions import UndoRollout
from tools.criteria import EndpointsReady, FindingGone, RolloutDone
from tools.diagnosis.kubernetes import around
from tools.diagnosis.kubernetes.catalogue.around import AROUND
from tools.evidence import Finding, Severity
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import ContainerPort, Revision
from tools.remedies import Remedy
from tools.remedies.kubernetes import remedy
from tools.remedies.kubernetes_around import ADVICE
from tools.resources import kubernetes

MISSING = said("Pod", "web-1-aaaaa", "FailedMount", 'configmap "web-config" not found')
BACK = UndoRollout(namespace="shop", deployment="web", to_revision=1)


def fix_of(seen: Picture) -> Remedy:
    """The remedy of the first finding."""
    return remedy(next(iter(around.findings(seen, ()))).finding, seen)


def renamed(*, age: float) -> Picture:
    """A rollout of so many hours ago called the port otherwise; none of its old pods is left."""
    now = template(container(ports=(ContainerPort(name="web", number=8080),)))
    current = Revision(
        number=2, replica_set="web-2", wanted=2, ready=2, available=2, created=ago(hours=age), template=now
    )
    workload = deployment(now, revision(1, template()), revisions=(current, revision(1, template())))
    return healthy(workloads=(workload,), pods=(well(asked=now, replica_set="web-2"),))


def mount_missing(*, before: bool) -> Picture:
    """A new revision waits for a ConfigMap that the revision before did, or did not, mount as well."""
    now = mounting(CONFIG)
    old = now if before else mounting()
    return healthy(
        workloads=(deployment(now, revision(1, old, available=2)),),
        pods=(creating(asked=now, replica_set="web-2"),),
        endpoints=(),
        events=(MISSING,),
    )


def test_a_rollout_that_renamed_a_port_is_undone_and_the_service_checked() -> None:
    fix = fix_of(renamed(age=1))

    assert fix.actions == (BACK,)
    assert fix.success_criteria == (
        RolloutDone(namespace="shop", deployment="web"),
        EndpointsReady(namespace="shop", service="web"),
        FindingGone(code="k8s.target_port_unnamed", resource=kubernetes("shop", "Service", "web")),
    )


def test_a_rollout_of_long_ago_is_not_undone_for_a_port() -> None:
    fix = fix_of(renamed(age=30))

    assert fix.actions == ()
    assert "kubectl -n shop edit service web" in fix.advice


def test_a_rollout_that_began_to_mount_what_is_missing_is_undone() -> None:
    assert fix_of(mount_missing(before=False)).actions == (BACK,)


def test_what_the_revision_before_mounted_too_is_not_found_by_going_back() -> None:
    fix = fix_of(mount_missing(before=True))

    assert fix.actions == ()
    assert "create what is missing" in fix.advice


def test_a_finalizer_is_left_to_the_controller_that_set_it() -> None:
    held = well("web-1-old", deleting=True, deleting_since=ago(minutes=20), finalizers=("example.com/drain",))

    fix = fix_of(healthy(pods=(*healthy().pods, held)))

    assert fix.actions == ()
    assert fix.advice.startswith("The controller that set finalizer example.com/drain has to remove it")


@pytest.mark.parametrize("code", sorted({rule.code for rule in AROUND} - {"k8s.selector_matches_nothing"}))
def test_every_fault_around_workloads_has_advice_that_names_it(code: str) -> None:
    finding = Finding(
        code=code,
        title="x",
        statement="x",
        severity=Severity.SEV2,
        confidence=5,
        resource=kubernetes("shop", "Thing", "named"),
        evidence_ids=(),
    )

    fix = remedy(finding, healthy())

    assert fix.actions == ()
    assert "{" not in fix.advice
    assert len(fix.advice) > 60
    assert code in ADVICE
