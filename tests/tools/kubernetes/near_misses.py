"""Pictures that look like a fault and are not: for each rule about pods and workloads, what it must not speak on."""

from __future__ import annotations

from tests.tools.kubernetes.pictures import (
    ago,
    container,
    deployment,
    ended,
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
    variable,
    waiting,
)
from tests.tools.kubernetes.workloads import (
    HOOK,
    QUOTA,
    RANGE,
    SECURITY,
    cpu,
    create_failed,
    cron,
    daemon,
    evicted,
    failed,
    job,
    member,
    pulling,
    refused,
    run,
    said,
    scaler,
    short,
    stateful,
)
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import ClaimTemplate, Probe, Quota
from tools.subjects import KubernetesSubject

LIMITED = template(container(limits={"memory": "128Mi"}))
LIVE = template(container(liveness=Probe(handler="httpGet", path="/healthz", port="http")))
SLOW = template(container(readiness=Probe(handler="httpGet", path="/", port="http", initial_delay=60)))
HUGE = template(container(requests={"memory": "64Gi"}))
CREATING = waiting("ContainerCreating")
CRASHING = waiting("CrashLoopBackOff", last=ended(1), restarts=4)
SERVES = deployment(template())
PULL, SAID = pulling("no such host")
HIDDEN, DENIED = pulling("not found: pull access denied, repository does not exist or may require authorization")
AWAY = "0/1 nodes are available: "
FULL = {"replicas": 2, "updated": 2, "ready": 2, "available": 2}


def placed(message: str) -> Picture:
    """A pod that no node would take a while ago, and one has since."""
    return picture(pods=(unplaced(AWAY + message).model_copy(update={"phase": "Running", "states": (state(),)}),))


def leaving(message: str) -> Picture:
    """A pod no node takes, and that is on its way out."""
    return picture(pods=(unplaced(AWAY + message, deleting=True),))


def crash(*lines: str, **changes: object) -> Picture:
    """A container in a crash loop with these last words."""
    return picture(pods=(pod(CRASHING, **changes),), logs=(log(*lines),))  # type: ignore[arg-type]


NEAR: dict[str, dict[str, Picture]] = {
    "k8s.request_exceeds_any_node": {
        "a large node could hold it": picture(
            pods=(unplaced(AWAY + "1 Insufficient memory.", HUGE),), nodes=(node(memory=128),)
        ),
        "placed since": placed("1 Insufficient memory."),
    },
    "k8s.image_invalid": {"being created": picture(pods=(pod(CREATING, phase="Pending"),))},
    "k8s.image_never_pull": {"being created": picture(pods=(pod(CREATING, phase="Pending"),))},
    "k8s.image_not_found": {
        "a registry that refuses and says not found": picture(pods=(HIDDEN,), events=(DENIED,)),
        "an old event of a pod that runs": picture(pods=(pod(state(), ready=True),), events=(DENIED,)),
    },
    "k8s.image_auth": {"a registry that is away": picture(pods=(PULL,), events=(SAID,))},
    "k8s.image_rate_limited": {"a registry that is away": picture(pods=(PULL,), events=(SAID,))},
    "k8s.image_unreachable": {"a registry that refuses": picture(pods=(HIDDEN,), events=(DENIED,))},
    "k8s.pull_secret_missing": {
        "Secrets that nobody may list": picture(pods=(pulling("401", "regcred")[0],), events=(SAID,)),
        "a Secret that is there": picture(pods=(pulling("401", "regcred")[0],), events=(SAID,), secrets=("regcred",)),
        "an image that came all the same": picture(
            pods=(pod(state(), asked=template().model_copy(update={"pull_secrets": ("regcred",)}), ready=True),),
            secrets=(),
        ),
    },
    "k8s.missing_config_object": {"a crash": crash('secret "db" not found in the vault')},
    "k8s.missing_config_key": {"a crash": crash("couldn't find key url in Secret shop/db")},
    "k8s.missing_env": {
        "a variable it has": crash(
            "DATABASE_URL is not set", asked=template(container(env=(variable("DATABASE_URL"),)))
        ),
        "a variable it went on without": crash("WARN SENTRY_DSN is not set, errors are not reported", "panic"),
        "an optional one": crash("TRACING_URL not set, using default", "Segmentation fault"),
        "a container that was killed for memory": picture(
            pods=(pod(waiting("CrashLoopBackOff", last=ended(137, "OOMKilled"), restarts=3), asked=LIMITED),),
            logs=(log("DATABASE_URL is not set"),),
        ),
    },
    "k8s.oom_killed": {
        "137 after the kubelet stopped it": picture(
            pods=(pod(state(last=ended(137), restarts=2), asked=LIMITED, ready=True),),
            events=(event("Killing", "Stopping container app"),),
        ),
        "hours ago": picture(
            pods=(pod(state(restarts=1, last=ended(137, "OOMKilled", hours=2)), asked=LIMITED, ready=True),)
        ),
        "137 without any limit": picture(pods=(pod(state(last=ended(137), restarts=2)),)),
    },
    "k8s.container_start_failed": {"being created": picture(pods=(pod(CREATING, phase="Pending"),))},
    "k8s.liveness_kills": {
        "a failed probe without a kill": picture(
            pods=(pod(state(restarts=1, last=ended(137)), asked=LIVE, ready=True),),
            events=(event("Unhealthy", "Liveness probe failed: timeout"),),
        ),
        "the kill of another container": picture(
            pods=(pod(state(restarts=1, last=ended(1)), asked=LIVE, ready=True),),
            events=(
                event("Unhealthy", "Liveness probe failed: timeout"),
                event("Killing", "Container sidecar failed liveness probe, will be restarted"),
            ),
        ),
    },
    "k8s.readiness_failing": {
        "only just asked": picture(
            pods=(pod(state(ready=False, running_since=ago(seconds=50)), asked=SLOW),),
            events=(event("Unhealthy", "Readiness probe failed: connection refused", count=1),),
        ),
        "ready again": picture(
            pods=(pod(state(), ready=True),), events=(event("Unhealthy", "Readiness probe failed: timeout"),)
        ),
    },
    "k8s.claim_unbound": {"placed since": placed("pod has unbound immediate PersistentVolumeClaims.")},
    "k8s.affinity_unsatisfied": {
        "placed since": placed("1 node(s) didn't match Pod's node affinity/selector."),
        "the nodes that match are full": picture(
            pods=(unplaced("0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match Pod's node affinity."),)
        ),
    },
    "k8s.nodes_cordoned": {
        "a cordoned node and every pod placed": picture(
            pods=(pod(state(), ready=True, node="node-0"),), nodes=(node(cordoned=True),)
        ),
    },
    "k8s.unschedulable_resources": {
        "placed since": placed("1 Insufficient memory."),
        "on its way out": leaving("1 Insufficient memory."),
    },
    "k8s.untolerated_taint": {
        "a control plane's taint beside full nodes": picture(
            pods=(unplaced("0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s)."),)
        ),
    },
    "k8s.scheduling_gated": {
        "for a moment": picture(
            pods=(
                pod(
                    phase="Pending",
                    conditions=(said("PodScheduled", "False", "SchedulingGated"),),
                    gates=("example.com/quota",),
                    created=ago(minutes=2),
                ),
            )
        ),
    },
    "k8s.pod_evicted": {
        "replaced at full count": picture(workloads=(SERVES,), pods=(evicted(node="node-9"),)),
        "the day before": picture(
            workloads=(short(),),
            pods=(evicted(node="node-9", conditions=(said("DisruptionTarget", "True", hours=20),)),),
        ),
        "of a workload that is gone": picture(pods=(evicted(node="node-9", owner_name="old"),)),
    },
    "k8s.crash_loop": {
        "a clean end": picture(
            pods=(
                pod(
                    state(restarts=2, last=ended(0, "Completed")),
                ),
            )
        ),
        "a superseded revision": picture(
            workloads=(deployment(template(), revision(1, template())),),
            pods=(pod(CRASHING, replica_set="web-1"), pod(state(), ready=True, replica_set="web-2", name="web-2-x")),
        ),
        "a try of a Job that goes on": picture(jobs=(job(active=1),), pods=(run(),)),
        "a try of a Job that is complete": picture(
            jobs=(job(said("Complete", "True"), succeeded=1),), pods=(run(), run("migrate-y", code=0))
        ),
    },
    "k8s.recent_restart": {
        "one, a quarter of an hour ago": picture(pods=(pod(state(restarts=1, last=ended(1, minutes=15)), ready=True),)),
        "many, the day before": picture(pods=(pod(state(restarts=9, last=ended(1, hours=20)), ready=True),)),
        "a clean end": picture(pods=(pod(state(restarts=1, last=ended(0, "Completed")), ready=True),)),
        "stopped on purpose": picture(
            pods=(pod(state(restarts=1, last=ended(143)), ready=True),),
            events=(event("Killing", "Stopping container app"),),
        ),
    },
    "k8s.pods_rejected_security": {
        "all pods there": picture(workloads=(refused(SECURITY, **FULL),)),
        "a warning about pods that were admitted": picture(
            workloads=(SERVES,), events=(event("PolicyViolation", SECURITY, kind="ReplicaSet", name="web-1"),)
        ),
    },
    "k8s.pods_rejected_limits": {"all pods there": picture(workloads=(refused(RANGE, **FULL),))},
    "k8s.pods_rejected_quota": {
        "all pods there": picture(workloads=(refused(QUOTA, **FULL),)),
        "a quota that is full while nobody wants more": picture(
            workloads=(SERVES,), quotas=(Quota(name="compute", hard={"pods": "2"}, used={"pods": "2"}),)
        ),
        "an event of two hours ago": picture(
            workloads=(short(replicas=1),), events=(create_failed("ReplicaSet", "web-2", QUOTA, hours=2),)
        ),
    },
    "k8s.webhook_down": {
        "a webhook that says no": picture(
            workloads=(refused('admission webhook "policy.corp.io" denied the request: image not signed'),)
        ),
        "all pods there": picture(workloads=(refused(HOOK, **FULL),)),
    },
    "k8s.pods_not_created": {"all pods there": picture(workloads=(refused("serviceaccount not found", **FULL),))},
    "k8s.hpa_switched_off": {
        "scaled to nothing, and nobody is led there": picture(
            workloads=(deployment(template(), wanted=0, replicas=0, updated=0, ready=0, available=0),),
            autoscalers=(scaler(said("ScalingActive", "False", "ScalingDisabled"), current=0),),
            services=(service({"app": "web"}),),
        ),
        "KEDA keeps it asleep, and an alert names it": picture(
            subject=KubernetesSubject(namespace="shop", deployment="web"),
            workloads=(deployment(template(), wanted=0, replicas=0, updated=0, ready=0, available=0),),
            autoscalers=(
                scaler(said("ScalingActive", "False", "ScalingDisabled"), current=0, minimum=1, kept_by="ScaledObject"),
            ),
        ),
    },
    "k8s.hpa_target_missing": {
        "stabilising": picture(
            workloads=(SERVES,), autoscalers=(scaler(said("AbleToScale", "True", "ScaleDownStabilized")),)
        ),
        "a target that is there": picture(
            workloads=(SERVES,), autoscalers=(scaler(said("AbleToScale", "False", "FailedGetScale", "not found")),)
        ),
    },
    "k8s.hpa_blind": {
        "in its first minutes": picture(
            workloads=(SERVES,),
            autoscalers=(
                scaler(said("ScalingActive", "False", "FailedGetResourceMetric", minutes=2), created=ago(minutes=3)),
            ),
        ),
        "nothing to measure": picture(
            workloads=(deployment(template(), ready=0, available=0),),
            autoscalers=(scaler(said("ScalingActive", "False", "FailedGetResourceMetric")),),
        ),
    },
    "k8s.hpa_at_max": {
        "with its target met": picture(
            workloads=(SERVES,),
            autoscalers=(scaler(said("ScalingLimited", "True", "TooManyReplicas"), current=6, metrics=(cpu("80%"),)),),
        ),
        "at its minimum": picture(
            workloads=(SERVES,), autoscalers=(scaler(said("ScalingLimited", "True", "TooFewReplicas")),)
        ),
    },
    "k8s.cronjob_broken": {
        "suspended": picture(cron_jobs=(cron("nonsense", suspended=True),)),
        "one failed run among good ones": picture(
            cron_jobs=(cron(),),
            jobs=(
                job(failed(hours=1), name="nightly-3", cron_job="nightly", created=ago(hours=1)),
                job(said("Complete", "True"), name="nightly-2", cron_job="nightly", created=ago(hours=25)),
                job(failed(hours=49), name="nightly-1", cron_job="nightly", created=ago(hours=49)),
            ),
        ),
        "a name for a time": picture(cron_jobs=(cron("@daily"),)),
    },
    "k8s.job_failed": {
        "complete": picture(jobs=(job(said("Complete", "True"), succeeded=1),)),
        "suspended": picture(jobs=(job(failed(), suspended=True),)),
        "still trying": picture(jobs=(job(active=1, failed=2),), pods=(run(),)),
        "made good by a later run": picture(
            jobs=(
                job(failed(hours=2), name="nightly-1", cron_job="nightly", created=ago(hours=2)),
                job(said("Complete", "True"), name="nightly-2", cron_job="nightly", created=ago(hours=1), succeeded=1),
            ),
            cron_jobs=(cron(),),
        ),
        "left over from last week": picture(jobs=(job(failed(hours=24 * 7), created=ago(days=7)),)),
    },
    "k8s.statefulset_stuck": {
        "all ready": picture(workloads=(stateful(ready=3, service_name="db"),)),
        "a pod that has only just begun": picture(
            workloads=(stateful(service_name=""),),
            pods=(
                member("db", "StatefulSet", "db-0"),
                member("db", "StatefulSet", "db-1", ready=False, conditions=(said("Ready", "False", minutes=1),)),
            ),
        ),
        "asleep": picture(workloads=(stateful(ready=0, wanted=0, replicas=0),)),
        "classes that could not be read": picture(
            workloads=(stateful(ready=3, claim_templates=(ClaimTemplate(name="data", storage_class="fast"),)),),
        ),
    },
    "k8s.daemonset_short": {
        "a pod that has only just begun": picture(
            workloads=(daemon(),),
            pods=(
                member("agent", "DaemonSet", "agent-a"),
                member("agent", "DaemonSet", "agent-b", ready=False, conditions=(said("Ready", "False", minutes=1),)),
            ),
        ),
        "all nodes it tolerates": picture(workloads=(daemon(ready=2),)),
    },
    "k8s.progress_deadline": {
        "within its deadline": picture(workloads=(short(said("Progressing", "True", "ReplicaSetUpdated")),)),
        "paused": picture(workloads=(short(said("Progressing", "False", "ProgressDeadlineExceeded"), paused=True),)),
        "done since": picture(
            workloads=(deployment(template(), conditions=(said("Progressing", "False", "ProgressDeadlineExceeded"),)),)
        ),
    },
    "k8s.replicas_short": {
        "for three minutes": picture(workloads=(short(said("Available", "False", minutes=3), available=0),)),
        "asleep": picture(workloads=(deployment(template(), wanted=0, available=0),)),
        "paused": picture(workloads=(short(said("Available", "False"), available=0, paused=True),)),
        "explained by another rule": picture(
            workloads=(short(said("Available", "False"), available=0),), pods=(pod(CRASHING, replica_set="web-2"),)
        ),
    },
}
