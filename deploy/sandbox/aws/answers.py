"""Answers to the few calls the product makes and moto does not implement. Each is as small as AWS allows."""

from __future__ import annotations

import json
from collections.abc import Callable
from xml.sax.saxutils import escape

from deploy.sandbox.aws.wire import NAMESPACES, Call


def answers(managed: Callable[[], tuple[str, ...]]) -> dict[str, Callable[[Call], str]]:
    """By action. `managed` says which instances have a Systems Manager agent that is online."""
    return {
        "DescribeInstanceInformation": lambda call: _instance_information(call, managed()),
        "DescribeInstanceRefreshes": lambda call: _no_refreshes(),
    }


def _instance_information(call: Call, managed: tuple[str, ...]) -> str:
    filters = call.parameters.get("Filters") or []
    asked = [value for one in filters if isinstance(one, dict) for value in _texts(one.get("Values"))]  # type: ignore[union-attr]
    found = [one for one in managed if not asked or one in asked]
    online = {"PingStatus": "Online", "PlatformType": "Linux", "AgentVersion": "3.3.987.0"}
    return json.dumps({"InstanceInformationList": [{"InstanceId": one, **online} for one in found]})


def _texts(values: object) -> list[str]:
    return [str(one) for one in values] if isinstance(values, list) else []


def _no_refreshes() -> str:
    result = "<DescribeInstanceRefreshesResult><InstanceRefreshes/></DescribeInstanceRefreshesResult>"
    metadata = "<ResponseMetadata><RequestId>sandbox</RequestId></ResponseMetadata>"
    return (
        f'<DescribeInstanceRefreshesResponse xmlns="{escape(NAMESPACES["autoscaling"])}">'
        f"{result}{metadata}</DescribeInstanceRefreshesResponse>"
    )
