"""Worlds that look like a fault around workloads and are well, by the rule they must not set off. A table, no tests."""

from __future__ import annotations

from typing import Any

from tests.tools.kubernetes.around import (
    CONFIG,
    LATE,
    away,
    budget,
    claim,
    closing,
    creating,
    felt,
    healthy,
    ingress,
    mounting,
    policy,
    resolver,
    said,
    two_lines,
    unready,
    volume,
    well,
)
from tests.tools.kubernetes.pictures import (
    ago,
    container,
    deployment,
    endpoints,
    node,
    pod,
    revision,
    service,
    state,
    template,
    unplaced,
    waiting,
)
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import (
    Backend,
    ContainerPort,
    Gateway,
    NetworkPolicy,
    Probe,
    Route,
    Service,
    ServicePort,
)

PULL = 'Failed to pull image "registry.local/web:3.1.0": dial tcp: lookup registry.local: no such host'
ABSENT = 'Failed to pull image "registry.local/web:9.9.9": registry.local/web:9.9.9: not found'
MISSING = 'MountVolume.SetUp failed: configmap "web-config" not found'
SLOW = template(container(readiness=Probe(handler="httpGet", path="/", port="http", initial_delay=600)))
CORDONED = node("node-1", cordoned=True, cordoned_by="kubectl", cordoned_at=ago(minutes=20))


def leads(*targets: str) -> Service:
    """The Service web, leading to these container ports."""
    ports = tuple(ServicePort(port=80 + at, target=target) for at, target in enumerate(targets))
    return service({"app": "web"}).model_copy(update={"ports": ports})


def pulling(name: str, owner: str, image: str) -> Picture:
    """Two workloads that cannot pull, the second one this image."""
    asked = {name: template(container(image=image)), "web-x": template()}
    pods = tuple(
        pod(waiting("ImagePullBackOff"), name=one, owner_name=whose, replica_set="", phase="Pending", asked=asked[one])
        for one, whose in (("web-x", "web"), (name, owner))
    )
    return healthy(pods=pods, endpoints=(), events=(said("Pod", "web-x", "Failed", PULL),))


def stuck(**changes: Any) -> Picture:
    """A pod in ContainerCreating whose ConfigMap was not there when it was last tried."""
    tried = (said("Pod", "web-1-aaaaa", "FailedMount", MISSING),)
    return healthy(pods=(creating(asked=mounting(CONFIG), **changes),), endpoints=(), events=tried)


EVICTED = pod(phase="Failed", reason="Evicted", node="node-0", conditions=(felt("DisruptionTarget", "True"),))
PENDING_LATE = claim(storage_class="late")
BALANCED = service({"app": "web"}, kind="LoadBalancer")

SILENT: dict[str, dict[str, Picture]] = {
    "k8s.node_not_ready": {
        "a node away, and a pod that waits for something else": healthy(
            nodes=(node(), away("node-2")), pods=(unplaced("0/2 nodes are available: 1 Insufficient cpu."),)
        ),
        "a node away that none of our pods needs": healthy(nodes=(node(), node("node-1"), away("node-2"))),
        "a node that has just joined": healthy(
            nodes=(node(), away(conditions=(felt("Ready", "False", "KubeletNotReady", seconds=20),)))
        ),
        "a node whose finished pods are still listed": healthy(
            nodes=(node(), node("node-1"), away("node-2")),
            pods=(well(), well("web-1-bbbbb", node="node-1"), pod(name="job-x", phase="Succeeded", node="node-2")),
        ),
        "kubelets of two versions": healthy(nodes=(node(version="v1.36.2"), node("node-1", version="v1.34.0"))),
    },
    "k8s.node_pressure": {
        "a node whose network is being set up": healthy(
            nodes=(
                node(pressures=("NetworkUnavailable",), conditions=(felt("NetworkUnavailable", "True", seconds=20),)),
                node("node-1"),
            )
        ),
        "pressure conditions that are False": healthy(
            nodes=(node(conditions=(felt("MemoryPressure", "False"), felt("EtcdIsVoter", "True"))), node("node-1"))
        ),
        "evicted pods replaced at full count": healthy(pods=(*healthy().pods, EVICTED)),
        "an eviction of the day before": healthy(
            workloads=(deployment(template(), available=1),),
            pods=(well(), EVICTED.model_copy(update={"conditions": (felt("DisruptionTarget", "True", hours=20),)})),
        ),
        "a pod evicted for its own limit": healthy(
            workloads=(deployment(template(), available=1),),
            pods=(
                well(),
                EVICTED.model_copy(
                    update={"message": "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi."}
                ),
            ),
        ),
        "pressure on a node of others": healthy(nodes=(*healthy().nodes, node("node-2", pressures=("DiskPressure",)))),
    },
    "k8s.node_cordoned": {
        "a waiting pod on its way out": healthy(
            nodes=(node(), CORDONED),
            pods=(
                unplaced(
                    "0/2 nodes are available: 1 node(s) were unschedulable.", deleting=True, created=ago(minutes=5)
                ),
            ),
        ),
        "a cordoned node nobody waits for": healthy(nodes=(node(), CORDONED), budgets=()),
        "a node we cordoned ourselves": healthy(
            nodes=(node(), CORDONED.model_copy(update={"cordoned_by": "sayso"})),
            pods=(
                unplaced(
                    "0/2 nodes are available: 1 node(s) were unschedulable, 1 Insufficient cpu.",
                    created=ago(minutes=5),
                ),
            ),
        ),
        "a pod that waited long before the node was cordoned": healthy(
            nodes=(node(), CORDONED),
            pods=(unplaced("0/2 nodes are available: 1 node(s) were unschedulable, 1 Insufficient cpu."),),
        ),
        "a pod that has only just begun to wait": healthy(
            nodes=(node(), CORDONED),
            pods=(unplaced("0/2 nodes are available: 1 node(s) were unschedulable.", created=ago(seconds=20)),),
        ),
    },
    "k8s.claim_lost": {
        "a bound claim": healthy(),
        "a claim that is bound again": healthy(
            events=(said("PersistentVolumeClaim", "data", "ClaimLost", "Bound claim has lost its volume"),)
        ),
    },
    "k8s.volume_failed": {
        "a claim of this minute": healthy(
            claims=(claim(storage_class="", created=ago(seconds=20)),), volumes=(volume("Released"),)
        ),
        "a Released volume nobody waits for": healthy(volumes=(volume("Released"),)),
        "a claim for which another volume is being made": healthy(claims=(claim(),), volumes=(volume("Released"),)),
        "a Failed volume of another namespace": healthy(volumes=(volume("Failed", name="pv-9", claim="api/data"),)),
    },
    "k8s.claim_pending": {
        "no class asked for, and a default one": healthy(claims=(claim(storage_class=""),)),
        "no class and no default, and nobody mounts it": healthy(
            pods=(well(),), claims=(claim(storage_class=""),), storage_classes=(LATE,)
        ),
        "late binding without a consumer": healthy(
            pods=(well(),),
            claims=(PENDING_LATE,),
            events=(said("PersistentVolumeClaim", "data", "ProvisioningFailed", "no node"),),
        ),
        "late binding, waiting for its pod": healthy(
            claims=(PENDING_LATE,),
            events=(said("PersistentVolumeClaim", "data", "WaitForFirstConsumer", "waiting", normal=True),),
        ),
        "a claim of this minute": healthy(
            claims=(claim(created=ago(seconds=30)),),
            events=(said("PersistentVolumeClaim", "data", "ProvisioningFailed", "try again"),),
        ),
        "a provisioner that has had a minute": healthy(
            claims=(claim(created=ago(minutes=2)),),
            events=(said("PersistentVolumeClaim", "data", "ExternalProvisioning", "waiting", normal=True),),
        ),
        "a refusal before it was bound": healthy(
            events=(said("PersistentVolumeClaim", "data", "ProvisioningFailed", "try again"),)
        ),
        "a class, where classes could not be read": healthy(
            claims=(claim(storage_class="gold"),), storage_classes=(), unread=("storageclasses",)
        ),
    },
    "k8s.volume_mount_failed": {
        "a pod that is not placed": healthy(
            pods=(unplaced("0/1 nodes are available: 1 Insufficient cpu."),), endpoints=(),
            events=(said("Pod", "web-1-aaaaa", "FailedMount", MISSING),),
        ),
        "a pod of this minute": stuck(created=ago(seconds=30)),
        "a pod on its way out": stuck(deleting=True),
        "a mount that worked in the end": healthy(events=(said("Pod", "web-1-aaaaa", "FailedMount", MISSING),)),
        "a pod that waits for its image": healthy(
            pods=(pod(waiting("ImagePullBackOff"), phase="Pending"),), endpoints=(),
            events=(said("Pod", "web-1-aaaaa", "FailedMount", MISSING),),
        ),
    },
    "k8s.sandbox_failed": {
        "a sandbox made at the second try": healthy(
            events=(said("Pod", "web-1-aaaaa", "FailedCreatePodSandBox", "context deadline exceeded"),)
        ),
        "a pod of this minute": healthy(
            pods=(creating(created=ago(seconds=30)),), endpoints=(),
            events=(said("Pod", "web-1-aaaaa", "FailedCreatePodSandBox", "not ready"),),
        ),
    },
    "k8s.dns_failing": {
        "one workload alone, and CoreDNS well": two_lines("getaddrinfo EAI_AGAIN db", "connected").model_copy(
            update={"elsewhere": (resolver(ready=True),)}
        ),
        "one workload alone": two_lines("getaddrinfo EAI_AGAIN db", "connected"),
        "a name that does not exist": two_lines("lookup db on 10.96.0.10:53: no such host", "ENOTFOUND db"),
        "errors of pods that are ready again": two_lines("EAI_AGAIN db", "EAI_AGAIN db", ready=True),
        "CoreDNS not ready and nobody hurt": healthy(elsewhere=(unready("coredns-x", labels={"k8s-app": "kube-dns"}),)),
    },
    "k8s.registry_failing": {
        "one workload alone": pulling("api-x", "api", "registry.local/api:1"),
        "images that do not exist": healthy(
            pods=tuple(
                pod(waiting("ImagePullBackOff"), name=f"{name}-x", owner_name=name, replica_set="", phase="Pending")
                for name in ("web", "api")
            ),
            endpoints=(),
            events=tuple(said("Pod", f"{name}-x", "Failed", ABSENT) for name in ("web", "api")),
        ),
        "two registries, one workload each": pulling("api-x", "api", "other.example/api:1").model_copy(
            update={"events": (said("Pod", "web-x", "Failed", PULL), said("Pod", "api-x", "Failed", PULL))}
        ),
    },
    "k8s.network_policy_blocks": {
        "a way out that is closed, and a probe that is late": healthy(
            pods=(unready(),), endpoints=(),
            events=(said("Pod", "web-1-aaaaa", "Unhealthy", "Readiness probe failed: i/o timeout"),),
            network_policies=(policy("Egress"),),
        ),
        "a way in that is closed, and a probe that is refused": healthy(
            pods=(unready(),), endpoints=(),
            events=(said("Pod", "web-1-aaaaa", "Unhealthy", "Readiness probe failed: connection refused"),),
            network_policies=(policy("Ingress"),),
        ),
        "a default-deny older than the trouble": closing((unready(),), policy("Egress", created=ago(days=30))),
        "trouble older than the policy": closing((unready(),), policy("Egress", created=ago(minutes=2))),
        "a policy another one opens again": closing(
            (unready(),),
            policy("Egress"),
            NetworkPolicy(name="allow", selector={"app": "web"}, directions=("Egress",)),
        ),
        "a policy on other pods": closing((unready(),), policy("Egress", selects_all=False, selector={"app": "api"})),
        "pods that are ready": closing((well(),), policy("Egress")),
        "no time-out anywhere": closing((unready(),), policy("Egress"), line="panic: nil pointer"),
    },
    "k8s.selector_matches_nothing": {
        "endpoints somebody else filled": healthy(services=(service({"app": "x"}),), endpoints=(endpoints(2),)),
        "a Service without a selector": healthy(services=(service({}),), endpoints=(endpoints(0),)),
        "an ExternalName Service": healthy(services=(service({"app": "x"}, kind="ExternalName"),), endpoints=()),
        "a headless Service": healthy(
            services=(service({"app": "x"}).model_copy(update={"headless": True}),), endpoints=()
        ),
        "a Service of this minute": healthy(
            services=(service({"app": "x"}).model_copy(update={"created": ago(seconds=20)}),), endpoints=()
        ),
        "a workload scaled to nothing": healthy(
            workloads=(deployment(template(), wanted=0, replicas=0, updated=0, available=0, ready=0),),
            pods=(),
            endpoints=(endpoints(0),),
        ),
        "pods that could not be read": healthy(pods=(), workloads=(), endpoints=(), unread=("pods",)),
        "Argo Rollouts between two revisions": healthy(
            services=(service({"app": "web", "rollouts-pod-template-hash": "abc"}),), endpoints=(endpoints(0),)
        ),
    },
    "k8s.target_port_unnamed": {
        "a headless Service": healthy(services=(leads("web").model_copy(update={"headless": True}),)),
        "a name that only the new pods have": healthy(
            services=(leads("web"),),
            pods=(well(), well("web-2-x", asked=template(container(ports=(ContainerPort(name="web", number=1),))))),
        ),
        "pods that are not ready": healthy(services=(leads("web"),), pods=(unready(),), endpoints=()),
        "a name of a sidecar that starts first": healthy(
            services=(leads("proxy"),),
            pods=(
                well(
                    asked=template().model_copy(
                        update={"init_containers": (container(ports=(ContainerPort(name="proxy", number=1),)),)}
                    )
                ),
            ),
        ),
        "pods that could not be read": healthy(services=(leads("web"),), unread=("pods",)),
    },
    "k8s.target_port_closed": {
        "a number a container declares": healthy(services=(leads("8080"),)),
        "a container that declares no port": healthy(
            services=(leads("9090"),), pods=(well(asked=template(container(), container(name="proxy", ports=()))),)
        ),
        "a Service that has stood like that for long": healthy(
            services=(leads("9090").model_copy(update={"changed_at": ago(days=3)}),), pods=(well(owner_name=""),),
        ),
        "a second port nobody declares": healthy(services=(leads("http", "9090"),)),
    },
    "k8s.ingress_broken": {
        "an Ingress some controller took, whatever its class": healthy(
            ingresses=(ingress(class_name=None, addresses=("192.0.2.1",)),), ingress_classes=()
        ),
        "no class, and a default one": healthy(ingresses=(ingress(class_name=None),)),
        "Secrets that may not be listed": healthy(ingresses=(ingress(tls_secrets=("shop-tls",)),), secrets=None),
        "services that could not be read": healthy(
            ingresses=(ingress("gone"),), services=(), endpoints=(), unread=("services",)
        ),
        "classes that could not be read": healthy(
            ingress_classes=(), unread=("ingressclasses",), ingresses=(ingress(),)
        ),
        "an action of the AWS controller": healthy(ingresses=(ingress("ssl-redirect", "use-annotation"),)),
    },
    "k8s.gateway_broken": {
        "a Gateway that is programmed": healthy(
            gateways=(Gateway(name="edge", class_name="istio", conditions=(felt("Programmed", "True"),)),)
        ),
        "a Gateway of this minute": healthy(
            gateways=(
                Gateway(name="edge", class_name="istio", conditions=(felt("Accepted", "Unknown", seconds=10),)),
            )
        ),
        "a backend in a namespace nobody looked at": healthy(
            routes=(Route(name="web", backends=(Backend(service="api", port="80", namespace="api"),)),)
        ),
    },
    "k8s.load_balancer_failed": {
        "an address that nobody looked at": healthy(services=(BALANCED.model_copy(update={"created": ago(hours=1)}),)),
        "a load balancer made at the second try": healthy(
            services=(BALANCED,),
            events=(
                said("Service", "web", "SyncLoadBalancerFailed", "try again", minutes=5),
                said("Service", "web", "EnsuredLoadBalancer", "Ensured load balancer", normal=True),
            ),
        ),
        "a load balancer that has an address": healthy(
            services=(BALANCED.model_copy(update={"addresses": ("192.0.2.9",), "created": ago(hours=1)}),),
            events=(said("Service", "web", "SyncLoadBalancerFailed", "no subnet"),),
        ),
        "a load balancer of this minute": healthy(
            services=(BALANCED.model_copy(update={"addresses": (), "created": ago(minutes=1)}),)
        ),
        "an old event of a Service that is of another type now": healthy(
            events=(said("Service", "web", "SyncLoadBalancerFailed", "no subnet"),)
        ),
    },
    "k8s.budget_blocks_drain": {
        "a budget of other pods": healthy(
            nodes=(node(cordoned=True), node("node-1")), budgets=(budget(selector={"app": "api"}),)
        ),
        "an eviction another budget refused": healthy(
            events=(said("Pod", "api-x", "FailedEviction", "Cannot evict pod: disruption budget api needs 2"),)
        ),
        "a restart that mentions a budget": healthy(
            events=(said("Pod", "web-1-aaaaa", "BackOff", "restarting; disruption budget not consulted"),)
        ),
        "every pod well and nobody draining": healthy(budgets=(budget(allowed=0),)),
        "a node we cordoned ourselves": healthy(nodes=(node(cordoned=True, cordoned_by="sayso"), node("node-1"))),
        "a node cordoned a month ago": healthy(nodes=(node(cordoned=True, cordoned_at=ago(days=30)), node("node-1"))),
        "a drain the budget allows": healthy(nodes=(node(cordoned=True), node("node-1")), budgets=(budget(allowed=1),)),
        "a DaemonSet on the cordoned node": healthy(
            nodes=(node(cordoned=True),),
            pods=(well(owner_kind="DaemonSet", replica_set=""),),
        ),
    },
    "k8s.stuck_terminating": {
        "a pod within its grace period": healthy(
            pods=(*healthy().pods, well("web-1-old", deleting=True, deleting_since=ago(seconds=10)))
        ),
        "a pod with an hour of grace": healthy(
            pods=(
                *healthy().pods,
                well(
                    "web-1-old",
                    deleting=True,
                    deleting_since=ago(minutes=20),
                    asked=template().model_copy(update={"grace": 3600}),
                ),
            )
        ),
    },
    "k8s.endpoints_not_ready": {
        "a headless Service": healthy(
            services=(service({"app": "web"}).model_copy(update={"headless": True}),),
            pods=(unready(),), endpoints=(endpoints(0, 1),),
        ),
        "a pod that is being created": healthy(pods=(creating(created=ago(seconds=30)),), endpoints=(endpoints(0, 1),)),
        "a pod within the time its probe allows": healthy(
            pods=(unready(asked=SLOW),), endpoints=(endpoints(0, 1),)
        ),
        "a pod that has run for a moment": healthy(
            pods=(unready().model_copy(update={"states": (state(ready=False, running_since=ago(seconds=5)),)}),),
            endpoints=(endpoints(0, 1),),
        ),
        "a rollout with one pod ready": healthy(
            workloads=(deployment(template(), revision(1, template()), updated=1, available=1),),
            pods=(well(), unready("web-2-x", replica_set="web-2")), endpoints=(endpoints(1, 1),),
        ),
        "a paused Deployment": healthy(
            workloads=(deployment(template(), paused=True),), pods=(unready(),), endpoints=(endpoints(0, 1),)
        ),
        "slices that could not be read": healthy(pods=(unready(),), endpoints=(), unread=("endpointslices",)),
    },
}  # fmt: skip
