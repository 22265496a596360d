"""Label selectors and field selectors: parsing what a query says, and matching objects against it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from deploy.sandbox.cluster.objects.refusals import Refusal, bad_request
from deploy.sandbox.cluster.objects.resources import Resource
from deploy.sandbox.cluster.objects.shapes import Object, labels_of

Matches: TypeAlias = Callable[[Object], bool]

_SET_TERM = re.compile(r"^([\w./-]+)\s+(in|notin)\s+\(([^)]*)\)$")
_EQUALITY_TERM = re.compile(r"^([\w./-]+)\s*(!=|==|=)\s*([\w.-]*)$")
_EXISTENCE_TERM = re.compile(r"^(!?)\s*([\w./-]+)$")
_FIELD_TERM = re.compile(r"^([\w.]+)(!=|==|=)(.*)$")

_FIELDS = {
    "Pod": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "Event": (
        *(f"involvedObject.{name}" for name in ("kind", "namespace", "name", "uid", "apiVersion", "fieldPath")),
        *("involvedObject.resourceVersion", "reason", "reportingComponent", "source", "type"),
    ),
    "Node": ("spec.unschedulable",),
    "Namespace": ("status.phase",),
    "Secret": ("type",),
    "ReplicaSet": ("status.replicas",),
    "Job": ("status.successful",),
}


def label_selector(text: str) -> Matches:
    """Parse `app=web,tier in (a, b),!legacy`; an empty text matches everything."""
    terms = [_label_term(term.strip()) for term in re.split(r",(?![^()]*\))", text) if term.strip()]
    return lambda item: all(term(labels_of(item)) for term in terms)


def _label_term(term: str) -> Callable[[Mapping[str, str]], bool]:
    if found := _SET_TERM.match(term):
        label, wanted = found[1], {value.strip() for value in found[3].split(",")}
        if found[2] == "in":
            return lambda labels: labels.get(label) in wanted
        return lambda labels: labels.get(label) not in wanted
    if found := _EQUALITY_TERM.match(term):
        label, value = found[1], found[3]
        if found[2] == "!=":
            return lambda labels: labels.get(label) != value
        return lambda labels: labels.get(label) == value
    if found := _EXISTENCE_TERM.match(term):
        label, absent = found[2], bool(found[1])
        return lambda labels: (label in labels) != absent
    raise bad_request(f'unable to parse requirement: found "{term}", expected a label selector term')


def field_selector(text: str, resource: Resource) -> Matches:
    """Parse `spec.nodeName=node-0,status.phase!=Running`; a field the kind does not index is refused."""
    terms = [_field_term(term, resource) for term in text.split(",") if term]
    return lambda item: all(term(item) for term in terms)


def _field_term(term: str, resource: Resource) -> Matches:
    found = _FIELD_TERM.match(term)
    if found is None:
        raise bad_request(f"invalid selector: '{term}'; can't understand '{term}'")
    if found[1] not in ("metadata.name", "metadata.namespace", *_FIELDS.get(resource.kind, ())):
        raise _unknown_field(found[1], resource)
    path, value, negated = found[1].split("."), found[3], found[2] == "!="
    return lambda item: (_text_at(item, path) == value) != negated


def _unknown_field(name: str, resource: Resource) -> Refusal:
    return bad_request(f'Unable to find "{resource.plural}" that match: field label not supported: {name}')


def _text_at(item: Object, path: list[str]) -> str:
    value: object = item
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, dict):  # the one indexed field that is an object: an event's source means its component
        value = value.get("component")
    return str(value).lower() if isinstance(value, bool) else str(value or "")


def selects(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector (matchLabels and matchExpressions) picks these labels. No selector picks nothing."""
    if selector is None:
        return False
    exact = selector.get("matchLabels") or {}
    if any(labels.get(name) != value for name, value in exact.items()):
        return False
    return all(_holds(rule, labels) for rule in selector.get("matchExpressions") or [])


def _holds(rule: Object, labels: Mapping[str, str]) -> bool:
    match rule["operator"]:
        case "In":
            return labels.get(rule["key"]) in (rule.get("values") or [])
        case "NotIn":
            return labels.get(rule["key"]) not in (rule.get("values") or [])
        case "Exists":
            return rule["key"] in labels
        case _:
            return rule["key"] not in labels


def selector_text(selector: Object | None) -> str:
    """A LabelSelector as kubectl and the Scale subresource write it: `app=web,tier in (a,b)`."""
    if not selector:
        return ""
    terms = [f"{name}={value}" for name, value in sorted((selector.get("matchLabels") or {}).items())]
    return ",".join(terms + [_rule_text(rule) for rule in selector.get("matchExpressions") or []])


def _rule_text(rule: Object) -> str:
    match rule["operator"]:
        case "In" | "NotIn":
            return f"{rule['key']} {rule['operator'].lower()} ({','.join(rule.get('values') or [])})"
        case "Exists":
            return str(rule["key"])
        case _:
            return f"!{rule['key']}"
