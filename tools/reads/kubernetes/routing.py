"""API server's JSON -> views of the ways in: Ingresses and their classes, Gateways, HTTPRoutes, NetworkPolicies."""

from __future__ import annotations

from collections.abc import Iterator

from tools.reads.kubernetes.authorship import last_written
from tools.reads.kubernetes.pods import conditions, conditions_in
from tools.reads.kubernetes.raw import items, member, moment, obj, text, texts
from tools.reads.kubernetes.views import (
    Backend,
    Condition,
    Gateway,
    Ingress,
    IngressClass,
    IngressRule,
    NetworkPolicy,
    Route,
)
from tools.values import JsonObject

CLASS_ANNOTATION = "kubernetes.io/ingress.class"
"""How classes were named before `ingressClassName`; still obeyed."""

DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
DIRECTIONS = ("Ingress", "Egress")


def ingress(raw: JsonObject) -> Ingress:
    """An Ingress."""
    default, wrote = obj(raw, "spec", "defaultBackend"), last_written(raw, "spec")
    named = text(raw, "spec", "ingressClassName") or text(raw, "metadata", "annotations", CLASS_ANNOTATION)
    return Ingress(
        name=text(raw, "metadata", "name"),
        class_name=named or None,
        default=_backend(default) if default else None,
        rules=tuple(_rules(raw)),
        tls_secrets=tuple(name for found in items(raw, "spec", "tls") if (name := text(found, "secretName"))),
        addresses=tuple(
            text(found, "ip") or text(found, "hostname") for found in items(raw, "status", "loadBalancer", "ingress")
        ),
        created=moment(raw, "metadata", "creationTimestamp"),
        changed_by=wrote.by,
        changed_at=wrote.at,
    )


def ingress_class(raw: JsonObject) -> IngressClass:
    """An IngressClass."""
    return IngressClass(
        name=text(raw, "metadata", "name"),
        controller=text(raw, "spec", "controller"),
        default=text(raw, "metadata", "annotations", DEFAULT_CLASS) == "true",
    )


def gateway(raw: JsonObject) -> Gateway:
    """A Gateway."""
    return Gateway(
        name=text(raw, "metadata", "name"),
        class_name=text(raw, "spec", "gatewayClassName"),
        conditions=conditions(raw),
    )


def route(raw: JsonObject) -> Route:
    """An HTTPRoute, with what every parent says of it."""
    return Route(
        name=text(raw, "metadata", "name"),
        parents=tuple(text(found, "name") for found in items(raw, "spec", "parentRefs")),
        backends=tuple(dict.fromkeys(_route_backends(raw))),
        conditions=tuple(_parents_conditions(raw)),
    )


def network_policy(raw: JsonObject) -> NetworkPolicy:
    """A NetworkPolicy. Without policyTypes it restricts what comes in, and what goes out only where it has rules."""
    written = member(raw, "spec", "policyTypes")
    named = tuple(kind for kind in DIRECTIONS if isinstance(written, list) and kind in written)
    directions = named or ("Ingress", *(("Egress",) if items(raw, "spec", "egress") else ()))
    selector, wrote = obj(raw, "spec", "podSelector"), last_written(raw, "spec")
    return NetworkPolicy(
        name=text(raw, "metadata", "name"),
        selector=texts(selector, "matchLabels"),
        selects_all=not texts(selector, "matchLabels") and not items(selector, "matchExpressions"),
        directions=directions,
        allows_nothing=tuple(kind for kind in directions if not _has_rules(raw, kind.lower())),
        created=moment(raw, "metadata", "creationTimestamp"),
        changed_by=wrote.by,
        changed_at=wrote.at,
    )


def _rules(raw: JsonObject) -> Iterator[IngressRule]:
    for rule in items(raw, "spec", "rules"):
        for path in items(rule, "http", "paths"):
            backend = _backend(obj(path, "backend"))
            yield IngressRule(host=text(rule, "host"), path=text(path, "path"), backend=backend)


def _backend(raw: JsonObject) -> Backend:
    port = obj(raw, "service", "port")
    return Backend(service=text(raw, "service", "name"), port=text(port, "name") or text(port, "number"))


def _route_backends(raw: JsonObject) -> Iterator[Backend]:
    for rule in items(raw, "spec", "rules"):
        for found in items(rule, "backendRefs"):
            if (text(found, "kind") or "Service") == "Service":
                name, port, place = (text(found, field) for field in ("name", "port", "namespace"))
                yield Backend(service=name, port=port, namespace=place)


def _parents_conditions(raw: JsonObject) -> Iterator[Condition]:
    for parent in items(raw, "status", "parents"):
        yield from conditions_in(parent, "conditions")


def _has_rules(raw: JsonObject, direction: str) -> bool:
    """Whether any rule lets something through; a rule without words (`{}`) lets everything through."""
    found = member(raw, "spec", direction)
    return isinstance(found, list) and bool(found)
