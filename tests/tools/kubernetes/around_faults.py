"""Faults around workloads, one picture each: the code and the resource that should be named. A table, no tests."""

from __future__ import annotations

from tests.tools.kubernetes.around import (
    CONFIG,
    DATA,
    LATE,
    away,
    claim,
    creating,
    felt,
    healthy,
    ingress,
    leads,
    mounting,
    policy,
    pulling,
    resolver,
    said,
    told,
    unready,
    volume,
    well,
)
from tests.tools.kubernetes.pictures import (
    ago,
    deployment,
    endpoints,
    log,
    node,
    pod,
    service,
    unplaced,
)
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Backend, Gateway, Ingress, NetworkPolicy, Route

CUT = "dial tcp 10.0.0.9:5432: i/o timeout"
CNI = "failed to setup network for sandbox: plugin type=aws-cni failed to assign an IP address to container"
PULL = 'Failed to pull image "registry.local/web:3.1.0": dial tcp: lookup registry.local: no such host'


CASES: dict[str, tuple[str, str, Picture]] = {
    "a node that went away": (
        "k8s.node_not_ready", "Node/node-1",
        healthy(nodes=(node(), away()), pods=(well(), unready("web-1-bbbbb", node="node-1"))),
    ),
    "a node that went away, and the pod that finds no other": (
        "k8s.node_not_ready", "Node/node-1",
        healthy(
            nodes=(node(), away()),
            pods=(
                unplaced(
                    "0/2 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint "
                    "{node.kubernetes.io/unreachable: }.",
                    created=ago(minutes=9),
                ),
            ),
        ),
    ),
    "a node without memory": (
        "k8s.node_pressure", "Node/node-0",
        healthy(
            nodes=(node(pressures=("MemoryPressure",), conditions=(felt("MemoryPressure", "True"),)), node("node-1")),
        ),
    ),
    "a node that has just evicted pods": (
        "k8s.node_pressure", "Node/node-0",
        healthy(
            workloads=(deployment(mounting(DATA), available=1),),
            pods=(
                well("web-1-bbbbb", node="node-1"),
                pod(
                    phase="Failed",
                    reason="Evicted",
                    node="node-0",
                    message="The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi",
                    conditions=(felt("DisruptionTarget", "True", minutes=4),),
                ),
            ),
        ),
    ),
    "a cordoned node somebody waits for": (
        "k8s.node_cordoned", "Node/node-1",
        healthy(
            nodes=(node(), node("node-1", cordoned=True, cordoned_by="kubectl", cordoned_at=ago(minutes=20))),
            pods=(
                unplaced(
                    "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.",
                    created=ago(minutes=15),
                ),
            ),
        ),
    ),
    "a claim whose volume is gone": (
        "k8s.claim_lost", "shop/PersistentVolumeClaim/data",
        healthy(claims=(claim("Lost"),)),
    ),
    "a volume that failed": (
        "k8s.volume_failed", "shop/PersistentVolumeClaim/data",
        healthy(claims=(claim(volume="pv-1"),), volumes=(volume("Failed", message="rpc error"),)),
    ),
    "a volume a former claim still holds": (
        "k8s.volume_failed", "shop/PersistentVolumeClaim/data",
        healthy(claims=(claim(storage_class=""),), volumes=(volume("Released"),)),
    ),
    "a provisioner that refuses": (
        "k8s.claim_pending", "shop/PersistentVolumeClaim/data",
        healthy(
            claims=(claim(),),
            events=(said("PersistentVolumeClaim", "data", "ProvisioningFailed", "VolumeQuotaExceeded"),),
        ),
    ),
    "no class and no default, said by a Normal event": (
        "k8s.claim_pending", "shop/PersistentVolumeClaim/data",
        healthy(
            claims=(claim(storage_class=""),),
            events=(
                said(
                    "PersistentVolumeClaim",
                    "data",
                    "FailedBinding",
                    "no persistent volumes available for this claim and no storage class is set",
                    normal=True,
                ),
            ),
        ),
    ),
    "a class that does not exist": (
        "k8s.claim_pending", "shop/PersistentVolumeClaim/data",
        healthy(claims=(claim(storage_class="standrad"),)),
    ),
    "no class and no default, for a pod that waits": (
        "k8s.claim_pending", "shop/PersistentVolumeClaim/data",
        healthy(claims=(claim(storage_class=""),), storage_classes=(LATE,)),
    ),
    "a provisioner that does not answer": (
        "k8s.claim_pending", "shop/PersistentVolumeClaim/data",
        healthy(
            claims=(claim(),),
            events=(said("PersistentVolumeClaim", "data", "ExternalProvisioning", "waiting", normal=True),),
        ),
    ),
    "a ConfigMap that is not there to be mounted": (
        "k8s.volume_mount_failed", "shop/Deployment/web",
        healthy(
            pods=(creating(asked=mounting(CONFIG)),),
            endpoints=(),
            events=(
                said("Pod", "web-1-aaaaa", "FailedMount", 'MountVolume.SetUp failed: configmap "web-config" not found'),
                said("Pod", "web-1-aaaaa", "FailedMount", "Unable to attach: timed out waiting for the condition"),
            ),
        ),
    ),
    "a volume another node still holds": (
        "k8s.volume_mount_failed", "shop/Deployment/web",
        healthy(
            pods=(creating(asked=mounting(DATA)),),
            endpoints=(),
            events=(said("Pod", "web-1-aaaaa", "FailedAttachVolume", "Multi-Attach error for volume pvc-1"),),
        ),
    ),
    "no pod addresses left": (
        "k8s.sandbox_failed", "shop/Deployment/web",
        healthy(pods=(creating(),), endpoints=(), events=(said("Pod", "web-1-aaaaa", "FailedCreatePodSandBox", CNI),)),
    ),
    "no pod addresses left on one node, for two workloads": (
        "k8s.sandbox_failed", "Node/node-0",
        healthy(
            pods=(creating(), creating("api-x", owner_name="api", replica_set="api")),
            endpoints=(),
            events=(
                said("Pod", "web-1-aaaaa", "FailedCreatePodSandBox", CNI),
                said("Pod", "api-x", "FailedCreatePodSandBox", CNI),
            ),
        ),
    ),
    "a registry nobody reaches": (
        "k8s.registry_failing", "Registry/registry.local",
        healthy(
            pods=(pulling("web-x", "web"), pulling("api-x", "api", host="node-1")),
            endpoints=(),
            events=(said("Pod", "web-x", "Failed", PULL), said("Pod", "api-x", "Failed", PULL)),
        ),
    ),
    "a registry one node does not reach": (
        "k8s.registry_failing", "Node/node-0",
        healthy(
            pods=(
                pulling("web-x", "web"),
                pulling("api-x", "api"),
                well("cart-x", owner_name="cart", replica_set="cart", node="node-1"),
            ),
            events=(said("Pod", "web-x", "Failed", PULL), said("Pod", "api-x", "Failed", PULL)),
        ),
    ),
    "a resolver that answers nobody": (
        "k8s.dns_failing", "kube-system/Deployment/coredns",
        healthy(
            pods=(unready("web-x"), unready("api-x", owner_name="api", replica_set="", labels={"app": "api"})),
            endpoints=(),
            logs=(
                told("web-x", "getaddrinfo EAI_AGAIN db"),
                told("api-x", "lookup db on 10.96.0.10:53: read udp: i/o timeout"),
            ),
        ),
    ),
    "a resolver that is down, as one workload says": (
        "k8s.dns_failing", "kube-system/Deployment/coredns",
        healthy(
            pods=(unready("web-x"),),
            endpoints=(),
            elsewhere=(resolver(ready=False),),
            logs=(told("web-x", "Temporary failure in name resolution"),),
        ),
    ),
    "a policy that lets nothing out": (
        "k8s.network_policy_blocks", "shop/NetworkPolicy/deny",
        healthy(pods=(unready(),), endpoints=(), logs=(log(CUT),), network_policies=(policy("Egress"),)),
    ),
    "a policy that lets nothing in": (
        "k8s.network_policy_blocks", "shop/NetworkPolicy/deny",
        healthy(
            pods=(unready(),),
            endpoints=(),
            events=(said("Pod", "web-1-aaaaa", "Unhealthy", "Readiness probe failed: i/o timeout"),),
            network_policies=(policy("Ingress", selects_all=False, selector={"app": "web"}),),
        ),
    ),
    "a policy that lets nothing out, beside one that opens for others": (
        "k8s.network_policy_blocks", "shop/NetworkPolicy/deny",
        healthy(
            pods=(unready(),),
            endpoints=(),
            logs=(log(CUT),),
            network_policies=(
                policy("Egress"),
                NetworkPolicy(name="allow", selector={"app": "api"}, directions=("Egress",)),
            ),
        ),
    ),
    "a registry nobody reaches, in a cluster of one node": (
        "k8s.registry_failing", "Registry/registry.local",
        healthy(
            pods=(pulling("web-x", "web"), pulling("api-x", "api")),
            endpoints=(),
            events=(said("Pod", "web-x", "Failed", PULL), said("Pod", "api-x", "Failed", PULL)),
        ),
    ),
    "a selector with a slip of the pen": (
        "k8s.selector_matches_nothing", "shop/Service/web",
        healthy(services=(service({"app": "wbe"}),), endpoints=(endpoints(0),)),
    ),
    "a selector with a label too many": (
        "k8s.selector_matches_nothing", "shop/Service/web",
        healthy(services=(service({"app": "web", "tier": "front"}),), endpoints=(endpoints(0),)),
    ),
    "a port name no container has": (
        "k8s.target_port_unnamed", "shop/Service/web",
        healthy(services=(leads("web"),)),
    ),
    "a port number no container declares": (
        "k8s.target_port_closed", "shop/Service/web",
        healthy(services=(leads("9090"),)),
    ),
    "an Ingress to a Service that is not there": (
        "k8s.ingress_broken", "shop/Ingress/shop",
        healthy(ingresses=(ingress("wbe"),)),
    ),
    "an Ingress to a port the Service lacks": (
        "k8s.ingress_broken", "shop/Ingress/shop",
        healthy(ingresses=(ingress(port="8080"),)),
    ),
    "an Ingress of a class that is not there": (
        "k8s.ingress_broken", "shop/Ingress/shop",
        healthy(ingresses=(ingress(class_name="traefik"),)),
    ),
    "an Ingress of no class": (
        "k8s.ingress_broken", "shop/Ingress/shop",
        healthy(ingresses=(ingress(class_name=None),), ingress_classes=()),
    ),
    "an Ingress whose certificate is not there": (
        "k8s.ingress_broken", "shop/Ingress/shop",
        healthy(ingresses=(ingress(tls_secrets=("shop-tls",)),), secrets=("other",)),
    ),
    "a default backend that is not there": (
        "k8s.ingress_broken", "shop/Ingress/shop",
        healthy(ingresses=(Ingress(name="shop", class_name="nginx", default=Backend(service="webb")),)),
    ),
    "a Gateway no controller programs": (
        "k8s.gateway_broken", "shop/Gateway/edge",
        healthy(
            gateways=(Gateway(name="edge", class_name="istio", conditions=(felt("Programmed", "False", "Invalid"),)),),
            routes=(Route(name="web", parents=("edge",), backends=(Backend(service="web", port="80"),)),),
        ),
    ),
    "a route to a Service that is not there": (
        "k8s.gateway_broken", "shop/HTTPRoute/web",
        healthy(routes=(Route(name="web", backends=(Backend(service="wbe", port="80"),)),)),
    ),
    "a route whose reference is not permitted": (
        "k8s.gateway_broken", "shop/HTTPRoute/web",
        healthy(
            routes=(
                Route(
                    name="web",
                    backends=(Backend(service="web", port="80"),),
                    conditions=(felt("ResolvedRefs", "False", "RefNotPermitted"),),
                ),
            )
        ),
    ),
    "a load balancer the cloud refuses": (
        "k8s.load_balancer_failed", "shop/Service/web",
        healthy(
            services=(service({"app": "web"}, kind="LoadBalancer"),),
            events=(said("Service", "web", "SyncLoadBalancerFailed", "could not find any suitable subnets"),),
        ),
    ),
    "a load balancer nobody makes": (
        "k8s.load_balancer_failed", "shop/Service/web",
        healthy(
            services=(
                service({"app": "web"}, kind="LoadBalancer").model_copy(
                    update={"addresses": (), "created": ago(hours=1)}
                ),
            ),
        ),
    ),
    "a budget on a node somebody drains": (
        "k8s.budget_blocks_drain", "shop/PodDisruptionBudget/web",
        healthy(nodes=(node("node-0", cordoned=True, cordoned_at=ago(minutes=30)), node("node-1"))),
    ),
    "an eviction a budget refused": (
        "k8s.budget_blocks_drain", "shop/PodDisruptionBudget/web",
        healthy(
            events=(
                said("Pod", "web-1-aaaaa", "FailedEviction",
                     "Cannot evict pod as it would violate the pod's disruption budget."),
            ),
        ),
    ),
    "a pod a finalizer holds": (
        "k8s.stuck_terminating", "shop/Deployment/web",
        healthy(
            pods=(
                well(),
                well("web-1-bbbbb", node="node-1"),
                well("web-1-old", deleting=True, deleting_since=ago(minutes=20), finalizers=("example.com/drain",)),
            ),
        ),
    ),
    "a Service none of whose pods is ready, and nobody says why": (
        "k8s.endpoints_not_ready", "shop/Service/web",
        healthy(pods=(unready(),), endpoints=(endpoints(0, not_ready=1),)),
    ),
}  # fmt: skip
