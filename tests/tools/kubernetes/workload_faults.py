"""For each rule about workloads as wholes, pictures that make it speak first."""

from __future__ import annotations

from tests.tools.kubernetes.pictures import (
    ago,
    deployment,
    ended,
    event,
    picture,
    pod,
    service,
    state,
    template,
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
from tools.reads.kubernetes.views import (
    Backend,
    ClaimTemplate,
    Event,
    Ingress,
    IngressRule,
    LimitRange,
    Quota,
    StorageClass,
    Webhook,
)
from tools.subjects import KubernetesSubject

STUCK = said("Progressing", "False", "ProgressDeadlineExceeded", 'ReplicaSet "web-2" has timed out progressing.')
AT_MAX = said("ScalingLimited", "True", "TooManyReplicas", "the desired replica count is more than the maximum")
BLIND = said(
    "ScalingActive",
    "False",
    "FailedGetResourceMetric",
    "the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in "
    "container app of Pod web-1-aaaaa",
)
OFF = said("ScalingActive", "False", "ScalingDisabled", "scaling is disabled since the replica count is zero")
ASLEEP = deployment(template(), wanted=0, replicas=0, updated=0, ready=0, available=0)
LOST = said("AbleToScale", "False", "FailedGetScale", 'deployments/scale.apps "wbe" not found')
ROUTED = Ingress(
    name="shop", class_name="nginx", rules=(IngressRule(host="s", path="/", backend=Backend(service="web")),)
)
REFUSED_PULL, SAID_PULL = pulling("401 Unauthorized", "regcred")
RETRIEVED = event(
    "FailedToRetrieveImagePullSecret",
    "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed.",
)
GATED = said("PodScheduled", "False", "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates")

CASES: dict[str, tuple[str, Picture]] = {
    "a rollout past its deadline": ("k8s.progress_deadline", picture(workloads=(short(STUCK),))),
    "a quota that is used up, with some replicas there": (
        "k8s.pods_rejected_quota",
        picture(
            workloads=(refused(QUOTA),),
            quotas=(Quota(name="compute", hard={"requests.cpu": "2"}, used={"requests.cpu": "2"}),),
        ),
    ),
    "a quota that wants limits declared": (
        "k8s.pods_rejected_quota",
        picture(workloads=(refused("forbidden: failed quota: compute: must specify limits.memory for: app"),)),
    ),
    "a quota the ReplicaSet's event tells of": (
        "k8s.pods_rejected_quota",
        picture(workloads=(short(replicas=1),), events=(create_failed("ReplicaSet", "web-2", QUOTA, minutes=2),)),
    ),
    "a quota that holds up a StatefulSet": (
        "k8s.pods_rejected_quota",
        picture(
            workloads=(stateful(ready=3, replicas=3, wanted=4),),
            events=(create_failed("StatefulSet", "db", QUOTA, minutes=2),),
        ),
    ),
    "Pod Security": ("k8s.pods_rejected_security", picture(workloads=(refused(SECURITY),))),
    "a LimitRange": (
        "k8s.pods_rejected_limits",
        picture(
            workloads=(refused(RANGE),),
            limit_ranges=(LimitRange(name="limits", type="Container", maximum={"memory": "1Gi"}),),
        ),
    ),
    "a webhook without endpoints": (
        "k8s.webhook_down",
        picture(
            workloads=(refused(HOOK),),
            webhooks=(
                Webhook(
                    configuration="mesh",
                    name="inject.mesh.io",
                    mutating=True,
                    service="mesh/injector",
                    exists=True,
                    ready=0,
                ),
            ),
        ),
    ),
    "a service account that is not there": (
        "k8s.pods_not_created",
        picture(workloads=(refused('error looking up service account shop/web: serviceaccount "web" not found'),)),
    ),
    "an autoscaler at its maximum and above its target": (
        "k8s.hpa_at_max",
        picture(
            workloads=(deployment(template()),),
            autoscalers=(scaler(AT_MAX, current=6, desired=6, metrics=(cpu("170%"),)),),
        ),
    ),
    "an autoscaler without a request to measure against": (
        "k8s.hpa_blind",
        picture(workloads=(deployment(template()),), autoscalers=(scaler(BLIND),)),
    ),
    "an autoscaler of something that is not there": (
        "k8s.hpa_target_missing",
        picture(workloads=(deployment(template()),), autoscalers=(scaler(LOST, target="wbe"),)),
    ),
    "an autoscaler switched off although the Ingress leads there": (
        "k8s.hpa_switched_off",
        picture(
            workloads=(ASLEEP,),
            autoscalers=(scaler(OFF, current=0),),
            services=(service({"app": "web"}),),
            ingresses=(ROUTED.model_copy(update={"addresses": ("192.0.2.1",)}),),
        ),
    ),
    "an autoscaler switched off under an alert": (
        "k8s.hpa_switched_off",
        picture(
            subject=KubernetesSubject(namespace="shop", deployment="web"),
            workloads=(ASLEEP,),
            autoscalers=(scaler(OFF, current=0),),
        ),
    ),
    "a Job that has given up": ("k8s.job_failed", picture(jobs=(job(failed()),), pods=(run(),))),
    "a schedule nobody can read": ("k8s.cronjob_broken", picture(cron_jobs=(cron("61 3 * * *"),))),
    "a deadline that has passed before it begins": (
        "k8s.cronjob_broken",
        picture(cron_jobs=(cron(starting_deadline=-5),)),
    ),
    "a CronJob the controller has given up on": (
        "k8s.cronjob_broken",
        picture(
            cron_jobs=(cron(),),
            events=(
                Event(
                    kind="CronJob",
                    name="nightly",
                    type="Warning",
                    reason="TooManyMissedTimes",
                    message="too many missed start times: 120",
                    count=1,
                    last_seen=ago(minutes=5),
                ),
            ),
        ),
    ),
    "a StatefulSet whose second pod holds up the third": (
        "k8s.statefulset_stuck",
        picture(
            workloads=(stateful(),),
            pods=(member("db", "StatefulSet", "db-0"), member("db", "StatefulSet", "db-1", ready=False)),
        ),
    ),
    "a StatefulSet without its Service": (
        "k8s.statefulset_stuck",
        picture(workloads=(stateful(service_name="db-headless"),)),
    ),
    "a StatefulSet that asks for a class there is not": (
        "k8s.statefulset_stuck",
        picture(
            workloads=(stateful(claim_templates=(ClaimTemplate(name="data", storage_class="fast"),)),),
            pods=(member("db", "StatefulSet", "db-0", ready=False, phase="Pending"),),
            storage_classes=(StorageClass(name="standard", provisioner="x"),),
        ),
    ),
    "a DaemonSet that is not ready on a node": (
        "k8s.daemonset_short",
        picture(
            workloads=(daemon(),),
            pods=(
                member("agent", "DaemonSet", "agent-a"),
                member("agent", "DaemonSet", "agent-b", ready=False, node="node-1"),
            ),
        ),
    ),
    "a DaemonSet that lacks a pod": (
        "k8s.daemonset_short",
        picture(workloads=(daemon(replicas=1),), pods=(member("agent", "DaemonSet", "agent-a"),)),
    ),
    "a pull secret that is not in the list": (
        "k8s.pull_secret_missing",
        picture(pods=(REFUSED_PULL,), events=(SAID_PULL,), secrets=("other",)),
    ),
    "a pull secret the kubelet cannot find": (
        "k8s.pull_secret_missing",
        picture(pods=(REFUSED_PULL,), events=(SAID_PULL, RETRIEVED)),
    ),
    "replicas that are missing for no known reason": (
        "k8s.replicas_short",
        picture(workloads=(short(said("Available", "False", "MinimumReplicasUnavailable"), available=0),)),
    ),
    "a pod that was evicted from a node that is gone, and not replaced": (
        "k8s.pod_evicted",
        picture(workloads=(short(),), pods=(evicted(node="node-9"), pod(state(), ready=True, replica_set="web-2"))),
    ),
    "a pod somebody holds back": (
        "k8s.scheduling_gated",
        picture(pods=(pod(phase="Pending", conditions=(GATED,), gates=("example.com/quota",)),)),
    ),
    "a container that crashed a minute ago and is ready": (
        "k8s.recent_restart",
        picture(pods=(pod(state(restarts=1, last=ended(1), running_since=ago(seconds=50)), ready=True),)),
    ),
    "a container that has crashed more than once of late and is ready": (
        "k8s.recent_restart",
        picture(
            pods=(pod(state(restarts=3, last=ended(1, minutes=20), running_since=ago(minutes=20)), ready=True),),
        ),
    ),
}
