"""How far trouble reaches: the four groups, each resource in one of them, and nothing acquitted without a cause."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.kubernetes.pictures import NOW, ago, deployment, endpoints, node, picture, pod, service, template
from tools.changes import Change
from tools.diagnosis.kubernetes.radius import radius
from tools.evidence import Finding, Severity
from tools.radius import BlastRadius
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Backend, Claim, Ingress, IngressRule, Route, Service, Workload
from tools.resources import Resource, kubernetes


def finding(resource: Resource) -> Finding:
    """Something that is wrong with a resource."""
    return Finding(
        code="k8s.oom_killed",
        title=f"{resource.name} runs out of memory",
        statement="x",
        severity=Severity.SEV2,
        confidence=9,
        resource=resource,
        evidence_ids=(),
    )


def change(resource: Resource, source: str = "rollout") -> Change:
    """A change of a resource a moment ago."""
    return Change(at=ago(minutes=2), resource=resource, what="revision 2: app image: a:1 -> a:2", source=source)


def named(name: str, **changes: Any) -> Workload:
    """A Deployment whose pods are labelled with its name."""
    return deployment(template(labels={"app": name}), name=name, **changes)


def groups(found: BlastRadius) -> dict[str, dict[str, str]]:
    """Each group as resource -> detail."""
    return {
        name: {str(one.resource): one.detail for one in getattr(found, name)}
        for name in ("affected", "healthy", "changed", "unchecked")
    }


WEB, API = kubernetes("shop", "Deployment", "web"), kubernetes("shop", "Deployment", "api")
WAY_IN = Ingress(
    name="edge", class_name="nginx", rules=(IngressRule(host="", path="/", backend=Backend(service="web")),)
)


def shop(**parts: Any) -> Picture:
    """Deployment web is ill behind its Service and Ingress; api is well."""
    known: dict[str, Any] = {
        "workloads": (named("web", available=1), named("api")),
        "services": (service({"app": "web"}), service({"app": "api"}, "api")),
        "endpoints": (endpoints(1, 1), endpoints(2, name="api")),
        "ingresses": (WAY_IN,),
        "pods": (pod(node="node-0"),),
    }
    return picture(**(known | parts))


def test_what_rests_on_the_ill_is_affected_and_the_rest_is_checked() -> None:
    found = groups(radius(shop(), [finding(WEB)], ()))

    assert found["affected"] == {
        "shop/Deployment/web": "web runs out of memory",
        "shop/Service/web": "1 of 2 endpoints ready",
        "shop/Ingress/edge": "leads to shop/Service/web: 1 of 2 endpoints ready",
    }
    assert found["healthy"] == {
        "shop/Deployment/api": "2 of 2 available",
        "shop/Service/api": "2 ready endpoints",
        "Node/node-0": "ready",
    }
    assert (found["changed"], found["unchecked"]) == ({}, {})


def test_what_changed_and_is_well_is_told_apart() -> None:
    found = groups(radius(shop(), [finding(WEB)], [change(API), change(WEB)]))

    assert found["changed"] == {"shop/Deployment/api": "revision 2: app image: a:1 -> a:2; 2 of 2 available"}
    assert "shop/Deployment/api" not in found["healthy"]


@pytest.mark.parametrize(
    ("changed", "source"),
    [(kubernetes("", "Node", "node-0"), "node"), (kubernetes("shop", "ConfigMap", "conf"), "config"), (API, "job")],
)
def test_what_the_ill_rests_on_is_never_acquitted(changed: Resource, source: str) -> None:
    assert radius(shop(), [finding(WEB)], [change(changed, source)]).changed == ()


def test_a_well_workload_under_an_ill_service_may_be_the_cause_and_is_not_acquitted() -> None:
    well = shop(workloads=(named("web"), named("api")))

    found = radius(well, [finding(kubernetes("shop", "Service", "web"))], [change(WEB), change(API)])

    assert [one.resource for one in found.changed] == [API]


def test_without_a_cause_no_change_is_acquitted() -> None:
    assert radius(shop(), [], [change(API)]).changed == ()


def test_a_resource_is_in_one_group_only() -> None:
    found = radius(shop(), [finding(WEB), finding(API)], [change(API), change(WEB)])

    everything = [one.resource.key for group in (found.affected, found.healthy, found.changed) for one in group]
    assert len(everything) == len(set(everything))


@pytest.mark.parametrize(
    ("workload", "detail"),
    [
        (named("web"), "2 of 2 available"),
        (named("web", wanted=0, available=0, replicas=0, updated=0), "scaled to 0"),
        (named("web", paused=True), "2 of 2 available, paused"),
        (named("web", updated=1), "2 of 2 available, 1 updated"),
    ],
)
def test_a_workload_that_has_what_it_wants_is_well(workload: Workload, detail: str) -> None:
    assert groups(radius(picture(workloads=(workload,)), (), ()))["healthy"] == {"shop/Deployment/web": detail}


@pytest.mark.parametrize(
    ("seen", "parts", "affected"),
    [
        (service({"app": "web"}), {"endpoints": (endpoints(2),)}, None),
        (service({"app": "web"}), {}, "no endpoints"),
        (service({}), {}, None),
        (service({"app": "web"}), {"unread": ("endpointslices",)}, None),
        (service({"app": "web"}), {"workloads": (named("web", wanted=0, available=0, replicas=0, updated=0),)}, None),
    ],
)
def test_a_service_is_ill_only_when_it_should_lead_somewhere(
    seen: Service, parts: dict[str, Any], affected: str | None
) -> None:
    found = groups(radius(picture(services=(seen,), **parts), (), ()))

    assert found["affected"] == ({"shop/Service/web": affected} if affected else {})


def test_a_claim_nobody_mounts_yet_is_not_ill() -> None:
    claim = Claim(name="data", phase="Pending", storage_class="fast")

    assert radius(picture(claims=(claim,)), (), ()).affected == ()


def test_nodes_are_told_only_where_the_namespace_runs() -> None:
    nodes = (node("node-0", ready=False), node("node-1", ready=False))

    found = groups(radius(picture(nodes=nodes, pods=(pod(node="node-0"),)), (), ()))

    assert found["affected"] == {"Node/node-0": "not ready"}


def test_what_nobody_could_see_is_said_with_the_reason() -> None:
    route = Route(name="web", backends=(Backend(service="pay", namespace="billing"),))
    out = service({}, "db", "ExternalName")
    gap = "persistentvolumeclaims could not be read: not permitted"
    seen = picture(unread=("persistentvolumeclaims", "jobs"), gaps=(gap,), routes=(route,), services=(out,), now=NOW)

    assert groups(radius(seen, (), ()))["unchecked"] == {
        "shop/persistentvolumeclaims/*": "not permitted",
        "shop/jobs/*": "could not be read",
        "shop/Service/db": "leads out of the cluster",
        "billing/Service/pay": "in another namespace",
    }
