"""What must stay silent: pictures that look alarming and are not."""

from __future__ import annotations

import pytest

from tests.tools.kubernetes.near_misses import NEAR
from tests.tools.kubernetes.pictures import (
    ago,
    container,
    deployment,
    ended,
    endpoints,
    event,
    picture,
    pod,
    revision,
    service,
    state,
    template,
    unplaced,
    waiting,
)
from tools.diagnosis.kubernetes.diagnosing import diagnose
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Autoscaler, Claim, Condition, Probe

CRASHING = waiting("CrashLoopBackOff", last=ended(1), restarts=4)
LIMITED = template(container(limits={"memory": "128Mi"}))
SLOW = template(container(readiness=Probe(handler="httpGet", path="/", port="http", initial_delay=60, period=10)))

SILENT: dict[str, Picture] = {
    "nothing at all": picture(),
    "a pod on its way out": picture(pods=(pod(CRASHING, deleting=True),)),
    "a pod of a superseded revision": picture(
        workloads=(deployment(template(), revision(1, template())),),
        pods=(
            pod(CRASHING, replica_set="web-1", name="web-1-old"),
            pod(state(), ready=True, replica_set="web-2", name="web-2-new"),
        ),
    ),
    "a rollout in progress": picture(
        workloads=(deployment(template(), updated=1, available=1, ready=1),),
        pods=(pod(waiting("ContainerCreating"), phase="Pending", created=ago(seconds=20)),),
    ),
    "a pod that has only just begun to be asked": picture(
        pods=(pod(state(ready=False, running_since=ago(seconds=50)), asked=SLOW),),
        events=(event("Unhealthy", "Readiness probe failed: connection refused", count=1),),
    ),
    "one failed probe of a ready pod": picture(
        pods=(pod(state(), ready=True),),
        events=(event("Unhealthy", "Readiness probe failed: timeout", count=9),),
    ),
    "a finished Job": picture(
        pods=(
            pod(
                state(ready=False, running_since=None, terminated=ended(0, "Completed")),
                phase="Succeeded",
                owner_kind="Job",
                owner_name="migrate",
            ),
        )
    ),
    "an init container that is done": picture(
        pods=(
            pod(
                state(name="migrate", init=True, running_since=None, terminated=ended(0, "Completed")),
                state(),
                asked=template().model_copy(update={"init_containers": (container(name="migrate"),)}),
                ready=True,
            ),
        )
    ),
    "an evicted pod": picture(pods=(pod(CRASHING, phase="Failed", reason="Evicted"),)),
    "a pod its node shut down, and that has been replaced": picture(
        pods=(
            pod(state(ready=False, running_since=None, terminated=ended(1)), phase="Failed", reason="Terminated"),
            pod(state(), ready=True, name="web-1-new"),
        )
    ),
    "a restart of the day before": picture(
        pods=(pod(state(restarts=1, last=ended(137, "OOMKilled", hours=20)), asked=LIMITED, ready=True),)
    ),
    "a Deployment scaled to nothing, and its Service": picture(
        workloads=(deployment(template(), wanted=0, replicas=0, updated=0, available=0, ready=0),),
        services=(service({"app": "web"}),),
        endpoints=(endpoints(0),),
    ),
    "a Service without a selector": picture(services=(service({}),), endpoints=(endpoints(0),)),
    "a Service that only gives a name": picture(services=(service({"app": "x"}, kind="ExternalName"),)),
    "a Service whose pods are merely not ready": picture(
        workloads=(deployment(template()),),
        pods=(pod(state(ready=False, running_since=ago(seconds=3))),),
        services=(service({"app": "web"}),),
        endpoints=(endpoints(0, not_ready=1),),
    ),
    "a Service whose pods could not be read": picture(
        services=(service({"app": "web"}),), endpoints=(endpoints(0),), unread=("pods",)
    ),
    "a pod the scheduler holds back on purpose": picture(
        pods=(
            pod(
                phase="Pending",
                conditions=(Condition(type="PodScheduled", status="False", reason="SchedulingGated"),),
            ),
        )
    ),
    "an autoscaler at its minimum": picture(
        autoscalers=(
            Autoscaler(
                name="web",
                target_kind="Deployment",
                target="web",
                minimum=2,
                maximum=6,
                current=2,
                desired=2,
                conditions=(Condition(type="ScalingLimited", status="True", reason="TooFewReplicas"),),
            ),
        )
    ),
    "a claim nobody consumes yet": picture(claims=(Claim(name="data", phase="Pending", storage_class="local"),)),
    "a pod stopped on purpose that ended cleanly": picture(
        pods=(pod(state(last=ended(0, "Completed"), restarts=1), ready=True),)
    ),
    "a pod once unschedulable and now placed": picture(
        pods=(
            unplaced("0/1 nodes are available: 1 Insufficient memory.").model_copy(
                update={"phase": "Running", "states": (state(),)}
            ),
        )
    ),
}


@pytest.mark.parametrize("case", SILENT, ids=list(SILENT))
def test_nothing_is_found_where_nothing_is_wrong(case: str) -> None:
    diagnosis = diagnose(SILENT[case])

    assert diagnosis.findings == ()


@pytest.mark.parametrize(("code", "case"), [(code, case) for code, cases in NEAR.items() for case in cases])
def test_a_rule_stays_silent_on_what_only_looks_like_its_fault(code: str, case: str) -> None:
    diagnosis = diagnose(NEAR[code][case])

    assert code not in {finding.code for finding in diagnosis.findings}


def test_a_paused_deployment_is_said_to_be_paused_and_nothing_else() -> None:
    seen = picture(workloads=(deployment(template(), paused=True),), pods=(pod(CRASHING),))

    diagnosis = diagnose(seen)

    assert diagnosis.findings == ()
    assert diagnosis.gaps == ("Deployment web is paused; it is not judged",)


def test_an_old_revision_is_judged_while_the_new_one_has_no_pod_yet() -> None:
    seen = picture(
        workloads=(deployment(template(), revision(1, template())),),
        pods=(pod(CRASHING, replica_set="web-1"),),
    )

    diagnosis = diagnose(seen)

    assert [finding.code for finding in diagnosis.findings] == ["k8s.crash_loop"]


def test_what_could_not_be_read_is_passed_on() -> None:
    diagnosis = diagnose(picture(gaps=("events could not be read: forbidden",)))

    assert diagnosis.gaps == ("events could not be read: forbidden",)
