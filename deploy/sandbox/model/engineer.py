"""The default script: a deterministic engineer, who looks where the alert points and goes back to what worked.

Two or three rounds of reads, in the order they are offered, and then one conclusion with the words it rests on. It
stands for a model's reasoning with a table of symptoms (`guesses`); what it cannot explain it says it cannot.
"""

from __future__ import annotations

import json
from typing import Any

from deploy.sandbox.model.guesses import Guess, guess
from deploy.sandbox.model.reading import Reading
from deploy.sandbox.model.wire import Call, ChatRequest, Json, Reply

AT_ONCE, AT_MOST = 3, 8
"""Reads asked for in one turn, and in all."""
FIRST = ("list_workloads", "describe_workload", "changed", "pod_logs", "list_events", "list_services", "autoscalers")
"""Parts of the names of reads, the most telling first; the others follow in the order they are offered."""


def engineer(request: ChatRequest) -> Reply:
    """Look further while there is something to look at, then conclude."""
    reading = Reading(request)
    possible = sorted(reading.possible_calls(), key=_worth)
    next_looks = tuple(possible[: min(AT_ONCE, AT_MOST - len(reading.made))])
    if reading.answer_tool is not None:
        # At least one look of its own: what the rules saw may have passed, and it is asked for a second opinion.
        if next_looks and (not reading.made or guess(reading) is None):
            return Reply(calls=next_looks)
        return Reply(calls=(Call(reading.answer_tool, conclusion(reading)),))
    if next_looks:
        return Reply(calls=next_looks)
    return Reply(text=json.dumps(conclusion(reading)) if reading.wants_json else _in_words(reading))


def _worth(look: Call) -> int:
    """What an engineer looks at first: where most causes show."""
    return next((place for place, part in enumerate(FIRST) if part in look.name), len(FIRST))


def conclusion(reading: Reading) -> Json:
    """The answer, in the shape that is asked for."""
    found = guess(reading)
    if found is None:
        return {
            "hypothesis": "Nothing I could read explains this alert; a person has to look.",
            "findings": [],
            "actions": [],
            "confidence": 2,
        }
    quotes = [{"evidence_id": found.evidence_id, "quote": found.quote}]
    return {
        "hypothesis": found.statement,
        "findings": [_finding(found, reading, quotes)],
        "actions": [{"action": found.action, "quotes": quotes}],
        "confidence": 8,
    }


def _finding(found: Guess, reading: Reading, quotes: list[dict[str, str]]) -> dict[str, Any]:
    """The rules' first finding confirmed, where they have one; else the engineer's own."""
    rule = reading.findings[0] if reading.findings else None
    return {
        "code": rule["code"] if rule else found.code,
        "title": found.title,
        "statement": found.statement,
        "severity": "sev2",
        "confidence": 8,
        "resource": rule["resource"] if rule else found.resource,
        "quotes": quotes,
    }


def _in_words(reading: Reading) -> str:
    found = guess(reading)
    return found.statement if found else "I cannot say more from what I was shown."
