"""Alerts and silences, asked of Alertmanager and parsed; and which silence keeps an alert quiet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import AwareDatetime

from tools.clients.prometheus import AlertmanagerReader
from tools.redaction import redact
from tools.values import JsonObject, JsonValue, Value

MOST = 200
LONGEST_TEXT = 200


class Matcher(Value):
    """One condition of a silence on one label."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    def __str__(self) -> str:
        sign = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}
        return f'{self.name}{sign[self.is_equal, self.is_regex]}"{self.value}"'


class Silence(Value):
    """Alerts that are kept quiet, by whom, until when. All text in it was typed by a person."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    created_by: str
    comment: str
    state: str


class ActiveAlert(Value):
    """An alert Alertmanager has now."""

    labels: dict[str, str]
    summary: str
    state: str
    starts_at: AwareDatetime
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()


def alerts(reader: AlertmanagerReader) -> tuple[ActiveAlert, ...]:
    """The alerts that fire now, silenced and inhibited ones too."""
    return tuple(found for raw in reader.list("alerts")[:MOST] if (found := _alert(raw)) is not None)


def silences(reader: AlertmanagerReader) -> tuple[Silence, ...]:
    """The silences that are not over."""
    found = (_silence(raw) for raw in reader.list("silences"))
    return tuple(one for one in found if one is not None and one.state != "expired")[:MOST]


def silences_of(
    labels: Mapping[str, str], every_alert: Iterable[ActiveAlert], every_silence: Iterable[Silence]
) -> tuple[Silence, ...]:
    """The silences that keep an alert quiet, as Alertmanager itself has matched them."""
    ours = [one for one in every_alert if _is_same(one.labels, labels)]
    named = {silence for one in ours for silence in one.silenced_by}
    return tuple(one for one in every_silence if one.id in named)


def _is_same(found: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether two sets of labels are one alert's. Receivers may have added labels, so only shared ones must agree."""
    shared = [key for key in labels if key in found]
    return labels.get("alertname") == found.get("alertname") and all(labels[key] == found[key] for key in shared)


def _alert(raw: JsonObject) -> ActiveAlert | None:
    status = raw.get("status")
    status = status if isinstance(status, Mapping) else {}
    starts_at = _moment(raw.get("startsAt"))
    if starts_at is None:
        return None
    notes = _texts(raw.get("annotations"))
    return ActiveAlert(
        labels=_texts(raw.get("labels")),
        summary=notes.get("summary") or notes.get("description") or "",
        state=str(status.get("state") or "unknown"),
        starts_at=starts_at,
        silenced_by=_names(status.get("silencedBy")),
        inhibited_by=_names(status.get("inhibitedBy")),
    )


def _silence(raw: JsonObject) -> Silence | None:
    starts_at, ends_at = _moment(raw.get("startsAt")), _moment(raw.get("endsAt"))
    matchers, status = raw.get("matchers"), raw.get("status")
    if starts_at is None or ends_at is None or not isinstance(matchers, list):
        return None
    return Silence(
        id=str(raw.get("id") or ""),
        matchers=tuple(_matcher(one) for one in matchers if isinstance(one, Mapping)),
        starts_at=starts_at,
        ends_at=ends_at,
        created_by=_text(raw.get("createdBy")),
        comment=_text(raw.get("comment")),
        state=str(status.get("state") if isinstance(status, Mapping) else "unknown"),
    )


def _matcher(raw: JsonObject) -> Matcher:
    return Matcher(
        name=str(raw.get("name") or ""),
        value=str(raw.get("value") or ""),
        is_regex=raw.get("isRegex") is True,
        is_equal=raw.get("isEqual") is not False,  # Alertmanagers before 0.22 do not say
    )


def _names(raw: JsonValue) -> tuple[str, ...]:
    return tuple(str(one)[:100] for one in raw) if isinstance(raw, list) else ()


def _texts(raw: JsonValue) -> dict[str, str]:
    found = raw.items() if isinstance(raw, Mapping) else ()
    return {name[:LONGEST_TEXT]: _text(value) for name, value in found}


def _text(raw: JsonValue) -> str:
    """One redacted line of what somebody typed."""
    return " ".join(redact(str(raw or "")[: 4 * LONGEST_TEXT]).split())[:LONGEST_TEXT]


def _moment(raw: JsonValue) -> datetime | None:
    try:
        read = datetime.fromisoformat(raw) if isinstance(raw, str) else None
    except ValueError:
        return None
    return read if read is not None and read.tzinfo is not None else None
