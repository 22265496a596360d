"""Whole namespaces: the cause is told before its symptoms, noise does not lead, and two faults are both named."""

from __future__ import annotations

import time

import pytest

from bot.investigation.rules import NOTHING_KNOWN, Conclusion, judge
from tests.tools.kubernetes.pictures import (
    ago,
    container,
    crowd,
    deployment,
    ended,
    endpoints,
    event,
    log,
    node,
    picture,
    pod,
    revision,
    service,
    state,
    template,
    unplaced,
    waiting,
)
from tests.tools.kubernetes.workloads import QUOTA, failed, job, member, refused, run, said, scaler, short, stateful
from tools.actions import ScaleDeployment, SetImage, SetResources, SetServiceSelector, UndoRollout
from tools.criteria import RolloutDone
from tools.diagnosis import Diagnosis
from tools.diagnosis.kubernetes.diagnosing import diagnose
from tools.evidence import Severity
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import GitOpsApp, Usage
from tools.subjects import KubernetesSubject

WEB = KubernetesSubject(namespace="shop", deployment="web")
CRASHING = waiting("CrashLoopBackOff", last=ended(1), restarts=4)
STUCK = said("Progressing", "False", "ProgressDeadlineExceeded", minutes=5)
BAD = template(container(image="registry.local/web:9.9.9"))
GONE = event("Failed", 'Failed to pull image "registry.local/web:9.9.9": not found')
LIMITED = template(container(limits={"memory": "128Mi"}), labels={"app": "api"})


def bad_image(**changes: object) -> Picture:
    """A rollout of web to an image that is not there; revision 1 still serves."""
    workload = deployment(
        BAD, revision(1, template(), available=2), available=1, ready=1, updated=1, conditions=(STUCK,)
    )
    known: dict[str, object] = {
        "subject": WEB,
        "workloads": (workload,),
        "pods": (pod(waiting("ImagePullBackOff"), asked=BAD, phase="Pending", replica_set="web-2"),),
        "events": (GONE,),
    }
    return picture(**{**known, **changes})  # type: ignore[arg-type]


def starving_api() -> dict[str, object]:
    """A second workload, api, that runs out of memory."""
    ill = pod(
        waiting("CrashLoopBackOff", last=ended(137, "OOMKilled"), restarts=3),
        asked=LIMITED,
        name="api-1-x",
        labels={"app": "api"},
        owner_name="api",
        replica_set="api-1",
    )
    return {"workload": deployment(LIMITED, name="api", available=0), "pod": ill}


def groups(diagnosis: Diagnosis) -> list[tuple[str, ...]]:
    """Each cause's code, then those it explains."""
    return [(one.finding.code, *sorted(other.code for other in one.explains)) for one in diagnosis.causes]


def test_a_missing_image_explains_the_stuck_rollout() -> None:
    assert groups(diagnose(bad_image())) == [("k8s.image_not_found", "k8s.progress_deadline")]


def test_an_explained_finding_is_told_and_not_treated() -> None:
    concluded = judge(bad_image())

    assert concluded.proposal.actions == (
        SetImage(namespace="shop", deployment="web", container="app", image="registry.local/web:3.1.0"),
    )
    assert [one.code for one in concluded.proposal.findings] == ["k8s.image_not_found", "k8s.progress_deadline"]
    assert any("Explained by web cannot pull" in remark for remark in concluded.remarks)


def test_a_lost_node_explains_the_pods_that_were_on_it() -> None:
    away = said("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
    lost = node("node-1", ready=False, conditions=(away,))
    seen = picture(
        subject=WEB,
        workloads=(short(said("Available", "False"), available=0),),
        pods=(pod(state(), name="web-2-x", replica_set="web-2", node="node-1", conditions=(said("Ready", "False"),)),),
        nodes=(node(), lost),
    )

    (cause,) = judge(seen).proposal.findings[:1]

    assert (cause.code, cause.resource.name) == ("k8s.node_not_ready", "node-1")


@pytest.mark.parametrize(
    "refusing",
    [
        'connection to server at "db", port 5432 failed: Connection refused',
        "Error: connect ECONNREFUSED 10.96.7.7:5432",
    ],
    ids=["by name", "by cluster IP"],
)
def test_a_database_that_is_down_explains_the_service_whose_log_says_so(refusing: str) -> None:
    full = template(container(requests={"memory": "64Gi"}))
    seen = picture(
        subject=WEB,
        workloads=(deployment(template(), available=0), stateful(ready=0, wanted=1, replicas=1)),
        pods=(
            pod(CRASHING),
            unplaced(
                "0/1 nodes are available: 1 Insufficient memory.",
                full,
                name="db-0",
                owner_kind="StatefulSet",
                owner_name="db",
                replica_set="",
                labels={"app": "db"},
            ),
        ),
        services=(service({"app": "web"}, name="db"),),
        logs=(log(refusing),),
    )
    database = seen.workloads[1].model_copy(update={"template": template(labels={"app": "db"})})
    seen = seen.model_copy(
        update={
            "workloads": (seen.workloads[0], database),
            "services": (service({"app": "db"}, name="db").model_copy(update={"cluster_ip": "10.96.7.7"}),),
        }
    )

    diagnosis = diagnose(seen)

    lead = diagnosis.causes[0]
    assert (lead.finding.code, lead.finding.resource.name) == ("k8s.request_exceeds_any_node", "db")
    assert "k8s.crash_loop" in {one.code for one in lead.explains}
    assert lead.concerns


def test_a_resolver_that_fails_since_today_explains_crashes_of_an_old_revision() -> None:
    current = revision(1, template(), available=0).model_copy(update={"created": ago(days=20)})
    web = deployment(template(), available=0, ready=0).model_copy(update={"revisions": (current,), "revision": 1})
    down = pod(
        state(ready=False),
        name="coredns-x",
        labels={"k8s-app": "kube-dns"},
        owner_name="coredns",
        conditions=(said("Ready", "False", "ContainersNotReady", minutes=19),),
    )
    seen = picture(
        subject=WEB,
        workloads=(web,),
        pods=(pod(CRASHING, created=ago(days=20)),),
        elsewhere=(down,),
        logs=(log("lookup db on 10.96.0.10:53: read udp: i/o timeout"),),
    )

    assert groups(diagnose(seen)) == [("k8s.dns_failing", "k8s.crash_loop")]


def test_a_long_line_keeps_its_beginning_and_what_went_wrong() -> None:
    why = "FATAL: sorry, too many clients already"
    line = f"2026-09-17T21:00:00Z ERROR pool {'of many connections ' * 20}to db:5432: {why}"
    seen = picture(subject=WEB, workloads=(deployment(template()),), pods=(pod(CRASHING),), logs=(log(line),))

    (told,) = diagnose(seen).findings

    assert "pool of many " in told.statement
    assert told.statement.endswith(f"{why}).")


def test_a_structured_line_is_told_by_its_message_and_its_error() -> None:
    line = '{"level":"fatal","caller":"main.go:52","msg":"connect database","error":"connection refused"}'
    seen = picture(subject=WEB, workloads=(deployment(template()),), pods=(pod(CRASHING),), logs=(log(line),))

    (told,) = diagnose(seen).findings

    assert told.statement.endswith("(connect database: connection refused).")


def test_loud_noise_in_the_namespace_stays_elsewhere() -> None:
    api = starving_api()
    loud = tuple(event("BackOff", "Back-off restarting", name="api-1-x", count=900 + at) for at in range(50))
    seen = bad_image(events=(GONE, *loud))
    seen = seen.model_copy(update={"workloads": (*seen.workloads, api["workload"]), "pods": (*seen.pods, api["pod"])})

    concluded = judge(seen)

    assert concluded.proposal.hypothesis.startswith("Image registry.local/web:9.9.9")
    assert {one.resource.name for one in concluded.proposal.findings} == {"web"}
    assert any(remark == "Elsewhere in shop: api runs out of memory" for remark in concluded.remarks)


def both() -> Picture:
    """Two independent faults under an alert that names only the namespace."""
    api = starving_api()
    seen = bad_image(subject=KubernetesSubject(namespace="shop"))
    return seen.model_copy(update={"workloads": (*seen.workloads, api["workload"]), "pods": (*seen.pods, api["pod"])})


def test_two_independent_faults_are_both_named_and_both_treated() -> None:
    concluded = judge(both())

    proposal = concluded.proposal
    assert proposal.hypothesis.startswith("Two faults, independent of each other: ")
    assert "registry.local/web:9.9.9" in proposal.hypothesis
    assert "api: Container app was killed for lack of memory" in proposal.hypothesis
    assert [(type(one), one.target.name) for one in proposal.actions] == [(SetImage, "web"), (SetResources, "api")]
    assert {one.deployment for one in proposal.success_criteria if isinstance(one, RolloutDone)} == {"web", "api"}
    assert proposal.confidence == min(one.confidence for one in (proposal.findings[0], proposal.findings[1]))


def test_a_fault_without_a_fix_is_a_persons_beside_the_one_that_has_one() -> None:
    seen = bad_image(subject=KubernetesSubject(namespace="shop"), jobs=(job(failed()),))

    concluded = judge(seen.model_copy(update={"pods": (*seen.pods, run())}))

    assert [type(one) for one in concluded.proposal.actions] == [SetImage]
    (left,) = [remark for remark in concluded.remarks if remark.startswith("For a person to do: ")]
    assert "migrate" in left  # which of the two faults it is about
    assert "Read the log of its last pod" in left
    assert "Job migrate failed" in concluded.proposal.hypothesis


def test_one_target_gets_one_action_and_the_other_waits() -> None:
    limited = template(container(image="registry.local/web:9.9.9"), container(name="side", limits={"memory": "64Mi"}))
    ill = pod(
        waiting("ImagePullBackOff"),
        state(name="side", ready=False, restarts=3, last=ended(137, "OOMKilled")),
        asked=limited,
        replica_set="web-2",
    )
    seen = bad_image(workloads=(deployment(limited, revision(1, template(), available=2)),), pods=(ill,))

    concluded = judge(seen)

    assert [type(one) for one in concluded.proposal.actions] == [SetImage]
    assert any(remark.startswith("Afterwards, if it is still needed: Set memory") for remark in concluded.remarks)


def test_a_selector_and_a_crash_behind_one_service_are_two_faults() -> None:
    seen = picture(
        subject=KubernetesSubject(namespace="shop", service="web"),
        workloads=(deployment(template(), available=1),),
        pods=(pod(CRASHING), pod(state(), ready=True, name="web-1-b")),
        services=(service({"app": "wbe"}),),
        endpoints=(endpoints(0),),
    )

    concluded = judge(seen)

    assert {one.code for one in concluded.proposal.findings} == {"k8s.selector_matches_nothing", "k8s.crash_loop"}
    assert [type(one) for one in concluded.proposal.actions] == [SetServiceSelector]


def calm(**changes: object) -> Picture:
    """A namespace in which all is well."""
    known: dict[str, object] = {
        "subject": WEB,
        "workloads": (deployment(template()),),
        "pods": (pod(state(), ready=True), pod(state(), ready=True, name="web-1-b")),
        "services": (service({"app": "web"}),),
        "endpoints": (endpoints(2),),
    }
    return picture(**{**known, **changes})  # type: ignore[arg-type]


def test_when_nothing_explains_the_alert_it_says_what_is_well_and_where_to_look() -> None:
    concluded = judge(calm())

    assert concluded.proposal.findings == ()
    assert concluded.proposal.confidence == 1
    assert concluded.proposal.hypothesis.startswith(NOTHING_KNOWN)
    assert "Deployment web has 2 of 2 replicas available" in concluded.proposal.hypothesis
    assert "Service web has 2 ready endpoints" in concluded.proposal.hypothesis
    assert "look at the metric that fired" in (concluded.advice or "")


RECENT = revision(1, template(container(image="registry.local/web:3.0.0"))), {"minutes": 20}


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(calm(unread=("events",), gaps=("events: forbidden",)), "could not (events)", id="what was unread"),
        pytest.param(
            calm(workloads=(deployment(template(), RECENT[0]),)), "Revision 2 of web was rolled out", id="a rollout"
        ),
        pytest.param(
            calm(logs=(log("ERROR no space left on device"),)), "The log of web-1-aaaaa says", id="its own log"
        ),
    ],
)
def test_the_next_look_follows_from_what_is_known(seen: Picture, expected: str) -> None:
    assert expected in (judge(seen).advice or "")


def test_a_guess_says_where_to_look_next_beside_what_it_saw() -> None:
    restarted = pod(state(restarts=1, last=ended(1), running_since=ago(seconds=50)), ready=True)

    concluded = judge(calm(pods=(restarted,)))

    assert concluded.proposal.confidence <= 4
    assert concluded.proposal.findings[0].severity is Severity.SEV4
    assert concluded.proposal.actions == ()
    assert "watch whether it restarts again" in (concluded.advice or "")


def test_what_a_gitops_tool_keeps_is_said_to_come_back() -> None:
    seen = bad_image()
    managed = seen.workloads[0].model_copy(update={"managed_by": ("argocd-controller",)})
    app = GitOpsApp(kind="Application", name="shop", namespace="argocd")

    concluded = judge(seen.model_copy(update={"workloads": (managed,), "apps": (app,)}))

    assert any("argocd-controller (Application shop)" in remark and "Git" in remark for remark in concluded.remarks)
    assert not any("Git" in remark for remark in judge(seen).remarks)


def fix(seen: Picture) -> Conclusion:
    """What is concluded."""
    return judge(seen)


def test_a_count_beyond_the_quota_settles_for_what_runs() -> None:
    grown = refused(QUOTA, wanted=5, replicas=3, updated=3, ready=3, available=3)

    assert fix(picture(workloads=(grown,))).proposal.actions == (
        ScaleDeployment(namespace="shop", deployment="web", replicas=3),
    )


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(picture(workloads=(refused(QUOTA, replicas=2),)), id="a rollout under way"),
        pytest.param(
            picture(
                workloads=(refused(QUOTA, wanted=5, replicas=3, updated=3, ready=3, available=3),),
                autoscalers=(scaler(),),
            ),
            id="an autoscaler that owns the count",
        ),
        pytest.param(picture(workloads=(refused(QUOTA, replicas=0, updated=0, available=0),)), id="nothing runs"),
    ],
)
def test_a_quota_is_otherwise_its_owners_to_raise(seen: Picture) -> None:
    concluded = fix(seen)

    assert concluded.proposal.actions == ()
    assert "raise the quota" in (concluded.advice or "")


def test_a_rollout_with_no_other_cause_goes_back_while_the_old_revision_serves() -> None:
    serves = picture(workloads=(short(STUCK),))
    gone = picture(workloads=(deployment(template(), revision(1, template()), available=0, conditions=(STUCK,)),))

    assert fix(serves).proposal.actions == (UndoRollout(namespace="shop", deployment="web", to_revision=1),)
    assert fix(gone).proposal.actions == ()


def test_a_missing_request_is_taken_from_measured_use() -> None:
    blind = said("ScalingActive", "False", "FailedGetResourceMetric", "missing request for cpu in container app")
    seen = calm(autoscalers=(scaler(blind),))
    used = Usage(pod="web-1-aaaaa", container="app", memory=node().memory, cpu=node().cpu / 8)

    assert fix(seen).proposal.actions == ()
    assert fix(seen.model_copy(update={"usage": (used,)})).proposal.actions == (
        SetResources(namespace="shop", deployment="web", container="app", cpu_request="750m"),
    )


def test_an_autoscaler_switched_off_gets_its_minimum_back() -> None:
    off = said("ScalingActive", "False", "ScalingDisabled")
    asleep = deployment(template(), wanted=0, replicas=0, updated=0, ready=0, available=0)

    concluded = fix(picture(subject=WEB, workloads=(asleep,), autoscalers=(scaler(off, current=0),)))

    assert concluded.proposal.actions == (ScaleDeployment(namespace="shop", deployment="web", replicas=2),)


def test_a_stuck_set_is_explained_by_its_first_pods_own_finding() -> None:
    ill = member("db", "StatefulSet", "db-1", ready=False, conditions=(said("Ready", "False"),))
    crashing = ill.model_copy(update={"states": (CRASHING,)})
    seen = picture(workloads=(stateful(),), pods=(member("db", "StatefulSet", "db-0"), crashing))

    assert groups(diagnose(seen)) == [("k8s.crash_loop", "k8s.statefulset_stuck")]


def test_a_thousand_pods_are_judged_within_a_second_of_processor_time() -> None:
    seen = crowd(1000, ill=25)

    started = time.process_time()
    diagnosis = diagnose(seen)
    spent = time.process_time() - started

    assert len(diagnosis.causes) == 25
    assert spent < 1.0
