"""Answers to the few calls the product makes and moto lacks, or answers the same to everybody. Each is minimal."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from deploy.sandbox.aws.seed import ACCOUNT
from deploy.sandbox.aws.wire import READER_KEY, WRITER_KEY, Call, Effect
from tools.values import JsonValue

AUTOSCALING = "http://autoscaling.amazonaws.com/doc/2011-01-01/"
STS = "https://sts.amazonaws.com/doc/2011-06-15/"


def answers(
    managed: Callable[[], tuple[str, ...]], effects: Callable[[], Sequence[Effect]]
) -> dict[str, Callable[[Call], str | None]]:
    """By action. `managed` says which instances have an agent that is online, `effects` what was done."""
    return {
        # moto does not remember what its alarms were.
        "DescribeAlarmHistory": lambda _: json.dumps({"AlarmHistoryItems": []}),
        "DescribeInstanceInformation": lambda call: _instance_information(call, managed()),
        "DescribeInstanceRefreshes": lambda call: _xml(call.action, AUTOSCALING, "<InstanceRefreshes/>"),
        "GetCallerIdentity": _caller,
        "LookupEvents": lambda call: _recorded(effects()),
    }


def _instance_information(call: Call, managed: tuple[str, ...]) -> str:
    asked = [value for one in _list(call.parameters.get("Filters")) for value in _values(one)]
    found = [one for one in managed if not asked or one in asked]
    online = {"PingStatus": "Online", "PlatformType": "Linux", "AgentVersion": "3.3.987.0"}
    return json.dumps({"InstanceInformationList": [{"InstanceId": one, **online} for one in found]})


def _recorded(effects: Sequence[Effect]) -> str:
    """CloudTrail's record of what was done. The same for every question: whoever asks looks for its own names in it."""
    return json.dumps({"Events": [_event(number, one) for number, one in enumerate(effects)][::-1][:50]})


def _event(number: int, effect: Effect) -> dict[str, JsonValue]:
    return {
        "EventId": f"sandbox-{number}",
        "EventName": effect.action,
        "EventSource": f"{effect.service}.amazonaws.com",
        "EventTime": effect.at.timestamp(),
        "ReadOnly": "false",
        "Username": effect.identity,
        "CloudTrailEvent": json.dumps({"requestParameters": _said(effect)}, default=str),
    }


def _said(effect: Effect) -> dict[str, JsonValue]:
    """The parameters as CloudTrail has them: without what the old protocol adds to them."""
    return {name: value for name, value in effect.parameters.items() if name not in ("Action", "Version")}


def _caller(call: Call) -> str | None:
    """moto knows one user; here the two identities are two. An assumed role is moto's to name."""
    if call.identity not in (READER_KEY, WRITER_KEY):
        return None
    arn = f"arn:aws:iam::{ACCOUNT}:user/{call.identity}"
    inner = f"<Arn>{arn}</Arn><UserId>{call.identity}</UserId><Account>{ACCOUNT}</Account>"
    return _xml(call.action, STS, inner)


def _xml(action: str, namespace: str, inner: str) -> str:
    metadata = "<ResponseMetadata><RequestId>sandbox</RequestId></ResponseMetadata>"
    result = f"<{action}Result>{inner}</{action}Result>"
    return f'<{action}Response xmlns="{namespace}">{result}{metadata}</{action}Response>'


def _values(filter_: JsonValue) -> list[JsonValue]:
    return _list(filter_.get("Values")) if isinstance(filter_, dict) else []


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
