"""What a model is told about the shape of reads and of its answer: as few words as it takes, because every request
carries them. What arrives is judged by the full types (`compiling`, `looking`), so nothing here needs to be strict.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import TypeAdapter

from bot.investigation.values import HYPOTHESIS
from tools.actions import Action
from tools.evidence import Severity
from tools.reads.read import Read
from tools.resources import Provider

Schema = dict[str, Any]
"""A JSON schema, as the endpoint takes it."""
KEPT = ("type", "enum", "description")
PREFIX = {Provider.KUBERNETES: "k8s.", Provider.AWS: "aws."}
"""How the kinds of a provider's actions begin."""
ANSWER = "ModelProposal"


@functools.cache
def of_read(read: Read[Any]) -> Schema:
    """A read's arguments, without titles, defaults, patterns and prose."""
    whole = read.arguments.model_json_schema()
    properties = {name: _small(about, whole.get("$defs", {})) for name, about in whole.get("properties", {}).items()}
    schema: Schema = {"type": "object", "properties": properties}
    return {**schema, "required": whole["required"]} if whole.get("required") else schema


def of_answer(providers: Sequence[Provider]) -> Schema:
    """The answer: actions in one line a kind, where their own schemas would take ten times the room."""
    quotes = _listed(_object(evidence_id=TEXT, quote=TEXT))
    resource = _object(provider={"enum": [one.value for one in Provider]}, scope=TEXT, kind=TEXT, name=TEXT)
    finding = _object(
        code=TEXT,
        title=TEXT,
        statement=TEXT,
        severity={"enum": [one.value for one in Severity]},
        confidence=NUMBER,
        resource=resource,
        quotes=quotes,
    )
    kind: Schema = {"type": "string", "enum": [name for name, _ in _kinds(providers)]} if providers else TEXT
    # Said expressly: an endpoint that generates by grammar would allow no other member.
    action: Schema = {**_object(kind=kind), "additionalProperties": True}
    kinds = "; ".join(f"{name}({takes})" for name, takes in _kinds(providers))
    told = f"One of, with exactly these members: {kinds or 'none'}"
    answer = _object(hypothesis=TEXT, confidence=NUMBER)
    answer["properties"] |= {
        "findings": _listed(finding),
        "actions": {**_listed(_object(action=action, quotes=quotes)), "description": told},
    }
    about = f"Your answer. Call it once. The hypothesis has at most {HYPOTHESIS} characters."
    return {"title": ANSWER, "description": about, **answer}


TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": dict(properties), "required": list(properties)}


def _listed(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _kinds(providers: Sequence[Provider]) -> Iterator[tuple[str, str]]:
    """Every kind of action on these providers, and what it takes: `replicas: integer`, `memory_limit?`."""
    prefixes = tuple(PREFIX[one] for one in providers)
    for kind in get_args(get_args(Action)[0]):
        schema = TypeAdapter(kind).json_schema()
        name = schema["properties"]["kind"]["const"]
        if name.startswith(prefixes):
            members = ((member, about) for member, about in schema["properties"].items() if member != "kind")
            yield name, ", ".join(_argument(*one, schema["required"]) for one in members)


def _argument(name: str, about: Schema, required: Sequence[str]) -> str:
    small = _small(about, {})
    optional = "" if name in required else "?"
    type_ = "|".join(map(str, small["enum"])) if "enum" in small else small.get("type", "string")
    return f"{name}{optional}" + ("" if type_ == "string" else f": {type_}")


def _small(about: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    """One member's schema, its references resolved and `or null` left out."""
    if "$ref" in about:
        # What a shared type says of itself is for readers of our code.
        meant = _small(definitions[about["$ref"].rpartition("/")[2]], definitions)
        return {name: value for name, value in meant.items() if name != "description"} | _described(about)
    chosen = next((one for one in about.get("anyOf", ()) if one.get("type") != "null"), None)
    if chosen is not None:
        return _small(chosen, definitions) | _described(about)
    small = {name: about[name] for name in KEPT if name in about}
    if "const" in about:
        small["enum"] = [about["const"]]
    if "items" in about:
        small["items"] = _small(about["items"], definitions)
    if isinstance(about.get("additionalProperties"), dict):
        small["additionalProperties"] = _small(about["additionalProperties"], definitions)
    return small


def _described(about: Mapping[str, Any]) -> Schema:
    return {"description": about["description"]} if "description" in about else {}
