"""Rows about the ways in and between: Services and their endpoints, Ingresses, Gateways, NetworkPolicies."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tools.clients import Readers
from tools.evidence import Evidence
from tools.reads.kubernetes import kinds, prose, prose_around, routing, surroundings
from tools.reads.kubernetes.rows.asked import InNamespace, listed, listed_if_any, reader_of, status
from tools.reads.read import Read


def list_services(asked: InNamespace, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """Every Service of a namespace: its selector, its ports and its endpoints."""
    reader = reader_of(readers)
    slices = listed(kinds.ENDPOINT_SLICES, asked.namespace, reader)
    endpoints = {found.service: found for found in surroundings.endpoints(slices)}
    found = [surroundings.service(raw) for raw in listed(kinds.SERVICES, asked.namespace, reader)]
    lines = [prose.service(one, endpoints.get(one.name)) for one in found]
    return status("k8s_list_services", f"{asked.namespace}/services", f"{len(found)} services", lines, at)


def list_ingresses(asked: InNamespace, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """Every Ingress with its class and backends; Gateways and HTTPRoutes where the cluster serves them."""
    reader = reader_of(readers)
    ingresses = [routing.ingress(raw) for raw in listed(kinds.INGRESSES, asked.namespace, reader)]
    classes = [routing.ingress_class(raw) for raw in listed(kinds.INGRESS_CLASSES, None, reader)]
    gateways, no_gateways = listed_if_any(kinds.GATEWAYS, asked.namespace, reader)
    routes, no_routes = listed_if_any(kinds.ROUTES, asked.namespace, reader)
    lines = [*map(prose_around.ingress, ingresses), *map(prose_around.ingress_class, classes)]
    lines += [prose_around.gateway(routing.gateway(raw)) for raw in gateways]
    lines += [prose_around.route(routing.route(raw)) for raw in routes]
    summary = f"{len(ingresses)} Ingresses, {len(gateways)} Gateways, {len(routes)} HTTPRoutes"
    return status("k8s_list_ingresses", f"{asked.namespace}/ingresses", summary, [*lines, no_gateways, no_routes], at)


def list_network_policies(asked: InNamespace, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """Every NetworkPolicy: whom it selects and what it lets through."""
    raws = listed(kinds.NETWORK_POLICIES, asked.namespace, reader_of(readers))
    lines = [prose_around.network_policy(routing.network_policy(raw)) for raw in raws]
    query = f"{asked.namespace}/networkpolicies"
    return status("k8s_list_network_policies", query, f"{len(lines)} NetworkPolicies", lines, at)


ROWS: tuple[Read[Any], ...] = (
    Read(
        name="k8s_list_services",
        description="Services of a namespace with their selectors, ports and ready endpoints.",
        arguments=InNamespace,
        run=list_services,
        permissions=(kinds.SERVICES.permission, kinds.ENDPOINT_SLICES.permission),
    ),
    Read(
        name="k8s_list_ingresses",
        description="Ingresses, Gateways and HTTPRoutes of a namespace with their classes and backends.",
        arguments=InNamespace,
        run=list_ingresses,
        permissions=tuple(
            kind.permission for kind in (kinds.INGRESSES, kinds.INGRESS_CLASSES, kinds.GATEWAYS, kinds.ROUTES)
        ),
    ),
    Read(
        name="k8s_list_network_policies",
        description="NetworkPolicies of a namespace: which pods they close, and in which direction.",
        arguments=InNamespace,
        run=list_network_policies,
        permissions=(kinds.NETWORK_POLICIES.permission,),
    ),
)
