"""Rules about the way in from outside: Ingresses, Gateways and HTTPRoutes that point at what is not there.

Whether the pods behind a Service are well is judged elsewhere; here only the references are followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from tools import resources
from tools.diagnosis.kubernetes import citing, owners
from tools.diagnosis.kubernetes.citing import Found
from tools.evidence import Severity
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Backend, Condition, Gateway, Ingress, Route, ServicePort
from tools.resources import Resource

BY_ANNOTATION = "use-annotation"
"""The port under which the AWS load balancer controller looks for an action, not a Service."""

GATEWAY_CONDITIONS = ("Accepted", "Programmed")
ROUTE_CONDITIONS = ("Accepted", "ResolvedRefs")


@dataclass(frozen=True)
class Fault:
    """One reference that leads nowhere: where it stands, what it says, and what is wrong with it in words."""

    path: str
    text: str
    words: str
    confidence: int
    whole: bool = False
    """Nothing that enters here arrives, rather than one path of it."""


def findings(picture: Picture) -> Iterator[Found]:
    """What is wrong with the ways into the namespace."""
    for ingress in picture.ingresses:
        faults = tuple(ingress_faults(ingress, picture))
        if faults:
            yield _broken("k8s.ingress_broken", "Ingress", ingress.name, faults, picture)
    for gateway in picture.gateways:
        yield from _refused("Gateway", gateway, GATEWAY_CONDITIONS, (), picture)
    for route in picture.routes:
        yield from _refused("HTTPRoute", route, ROUTE_CONDITIONS, tuple(_route_faults(route, picture)), picture)


def ingress_faults(ingress: Ingress, picture: Picture) -> Iterator[Fault]:
    """k8s.ingress_broken: no class or a class that is missing, a backend Service or port or TLS Secret that is."""
    yield from _class_faults(ingress, picture)
    backends = [("spec.defaultBackend", "everything else", ingress.default)] if ingress.default else []
    backends += [
        (f"spec.rules[{rule.host or '*'}].paths[{rule.path or '/'}].backend", f"{rule.host}{rule.path}", rule.backend)
        for rule in ingress.rules
    ]
    faults = [fault for path, what, backend in backends for fault in backend_faults(path, what, backend, picture)]
    yield from (_whole(fault, len(faults) >= len(backends)) for fault in faults)
    # Names of Secrets are read only where the reader may: None proves nothing.
    for secret in ingress.tls_secrets if picture.secrets is not None else ():
        if secret not in (picture.secrets or ()):
            yield Fault("spec.tls[*].secretName", secret, f"its TLS Secret {secret} does not exist", 7)


def meant(picture: Picture) -> Iterator[tuple[str, str, Resource]]:
    """The Services that broken backends probably mean: kind and name of the way in, and the Service."""
    named = [
        ("Ingress", one.name, [rule.backend for rule in one.rules] + ([one.default] if one.default else []))
        for one in picture.ingresses
    ]
    named += [("HTTPRoute", one.name, list(one.backends)) for one in picture.routes]
    for kind, name, backends in named:
        for backend in backends:
            near = _near(backend, picture) if picture.service(backend.service) is None else None
            if near is not None:
                yield kind, name, resources.kubernetes(picture.namespace, "Service", near)


def backend_faults(path: str, what: str, backend: Backend, picture: Picture) -> Iterator[Fault]:
    """What is wrong with one backend of an Ingress or a route."""
    elsewhere = backend.namespace not in ("", picture.namespace)
    if not backend.service or backend.port == BY_ANNOTATION or elsewhere or not picture.has_read("services"):
        return
    service = picture.service(backend.service)
    if service is None:
        near = _near(backend, picture)
        hint = f"; {near} exists" if near else ""
        yield Fault(path, backend.service, f"{what} leads to Service {backend.service}, which does not exist{hint}", 9)
    elif service.ports and backend.port and backend.port not in _ports(service.ports):
        known = ", ".join(str(port.port) for port in service.ports)
        words = f"{what} leads to port {backend.port} of Service {service.name}, which has only {known}"
        yield Fault(path, f"{backend.service}:{backend.port}", words, 9)


def _near(backend: Backend, picture: Picture) -> str | None:
    """The Service whose name comes nearest to a backend's."""
    return next(iter(get_close_matches(backend.service, [found.name for found in picture.services], 1)), None)


def _class_faults(ingress: Ingress, picture: Picture) -> Iterator[Fault]:
    # An Ingress with an address has been taken by some controller, whatever its class says.
    if ingress.addresses or not picture.has_read("ingressclasses"):
        return
    names = [found.name for found in picture.ingress_classes]
    if ingress.class_name is None:
        if not any(found.default for found in picture.ingress_classes):
            words = "it names no class and no IngressClass is the default, so no controller takes it"
            yield Fault("spec.ingressClassName", "absent", words, 7, whole=True)
    elif ingress.class_name not in names:
        near = get_close_matches(ingress.class_name, names, 1)
        hint = f"; {near[0]} does" if near else ""
        words = f"its class {ingress.class_name} does not exist{hint}"
        yield Fault("spec.ingressClassName", ingress.class_name, words, 8, whole=True)


def _route_faults(route: Route, picture: Picture) -> Iterator[Fault]:
    faults = [
        fault for one in route.backends for fault in backend_faults("spec.rules[*].backendRefs", "it", one, picture)
    ]
    yield from (_whole(fault, len(faults) >= len(route.backends)) for fault in faults)


def _refused(
    kind: str, one: Gateway | Route, wanted: tuple[str, ...], faults: tuple[Fault, ...], picture: Picture
) -> Iterator[Found]:
    """k8s.gateway_broken: Accepted, Programmed or ResolvedRefs is not True for a while, or a backend is not there."""
    refusals = [
        found
        for found in one.conditions
        if found.type in wanted and found.status != "True" and owners.is_older(found.since, owners.MOMENT, picture)
    ]
    all_faults = (*faults, *(_refusal(found) for found in refusals))
    if all_faults:
        since = min((found.since for found in refusals if found.since), default=None)
        yield _broken("k8s.gateway_broken", kind, one.name, all_faults, picture, since=since)


def _refusal(condition: Condition) -> Fault:
    said = " ".join(word for word in (condition.reason, condition.message) if word)
    words = f"{condition.type} is {condition.status}" + (f": {said[:200]}" if said else "")
    path = f"status.conditions[{condition.type}]"
    sure = 9 if condition.status == "False" else 6
    return Fault(path, f"{condition.status} {said}", words, sure, whole=condition.type != "ResolvedRefs")


def _broken(
    code: str, kind: str, name: str, faults: tuple[Fault, ...], picture: Picture, *, since: datetime | None = None
) -> Found:
    more = f" (and {len(faults) - 2} more)" if len(faults) > 2 else ""
    return citing.found(
        code,
        f"{kind} {name} is broken",
        f"{kind} {name}: {'; '.join(fault.words for fault in faults[:2])}{more}.",
        resource=resources.kubernetes(picture.namespace, kind, name),
        severity=Severity.SEV1 if any(fault.whole for fault in faults) else Severity.SEV2,
        confidence=max(fault.confidence for fault in faults),
        since=since,
        evidence=tuple(
            citing.quote(picture, f"{_plural(kind)}/{name}", fault.path, fault.text, fault.words) for fault in faults
        ),
    )


def _plural(kind: str) -> str:
    return "ingresses" if kind == "Ingress" else f"{kind.lower()}s"


def _whole(fault: Fault, whole: bool) -> Fault:
    return Fault(fault.path, fault.text, fault.words, fault.confidence, whole)


def _ports(ports: tuple[ServicePort, ...]) -> set[str]:
    return {str(port.port) for port in ports} | {port.name for port in ports if port.name}
