"""APIs of API Gateway and certificates of ACM, read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from tools.clients.aws import AwsIdentity, reading
from tools.reads.aws.views import Api, Certificate, Stage

MOST_APIS = 500
FUNCTION = re.compile(r"arn:aws[\w-]*:lambda:[\w-]+:\d+:function:(?P<name>[\w-]+)")


def rest_api(region: str, name: str, identity: AwsIdentity) -> Api | None:
    """A REST API by its name, as CloudWatch knows it, with its stages; None when there is none."""
    client = identity.of("apigateway", region)
    with reading("apigateway:GET"):
        pages = client.get_paginator("get_rest_apis").paginate()
        found = next((one for one in _items(pages) if one.get("name") == name), None)
        if found is None:
            return None
        stages = client.get_stages(restApiId=found["id"])["item"]
    return Api(region=region, id=found["id"], name=name, kind="REST", stages=tuple(_rest(one) for one in stages))


def http_api(region: str, id_: str, identity: AwsIdentity) -> Api | None:
    """An HTTP API by its id, with its stages; None when there is none."""
    client = identity.of("apigatewayv2", region)
    with reading("apigateway:GET"):
        try:
            found = client.get_api(ApiId=id_)
        except client.exceptions.NotFoundException:
            return None
        stages = client.get_stages(ApiId=id_)["Items"]
    name = found.get("Name") or id_
    return Api(region=region, id=id_, name=name, kind="HTTP", stages=tuple(_http(one) for one in stages))


def functions(region: str, api: Api, identity: AwsIdentity) -> tuple[str, ...]:
    """The names of the Lambda functions an API's integrations name; one that a stage variable names is not known."""
    with reading("apigateway:GET"):
        if api.kind == "HTTP":
            items = identity.of("apigatewayv2", region).get_integrations(ApiId=api.id, MaxResults="100")["Items"]
            uris = [one.get("IntegrationUri") or "" for one in items]
        else:
            client = identity.of("apigateway", region)
            items = client.get_resources(restApiId=api.id, embed=["methods"], limit=MOST_APIS)["items"]
            methods = [method for one in items for method in (one.get("resourceMethods") or {}).values()]
            uris = [(one.get("methodIntegration") or {}).get("uri") or "" for one in methods]
    named = (FUNCTION.search(one) for one in uris)
    return tuple(dict.fromkeys(one["name"] for one in named if one))


def certificate(region: str, arn: str, identity: AwsIdentity) -> Certificate | None:
    """A certificate's dates and renewal; None when there is none."""
    client = identity.of("acm", region)
    with reading("acm:DescribeCertificate"):
        try:
            raw = client.describe_certificate(CertificateArn=arn)["Certificate"]
        except client.exceptions.ResourceNotFoundException:
            return None
    return Certificate(
        region=region,
        arn=arn,
        domain=raw.get("DomainName") or "",
        status=raw.get("Status") or "",
        expires_at=raw.get("NotAfter"),
        renewal=(raw.get("RenewalSummary") or {}).get("RenewalStatus"),
        in_use=bool(raw.get("InUseBy")),
    )


def _items(pages: Any) -> Any:
    return islice((one for page in pages for one in page["items"]), MOST_APIS)


def _rest(raw: Mapping[str, Any]) -> Stage:
    everything = (raw.get("methodSettings") or {}).get("*/*") or {}
    return Stage(
        name=raw["stageName"],
        deployment=raw.get("deploymentId"),
        changed_at=raw.get("lastUpdatedDate"),
        rate=everything.get("throttlingRateLimit"),
        burst=everything.get("throttlingBurstLimit"),
    )


def _http(raw: Mapping[str, Any]) -> Stage:
    usual = raw.get("DefaultRouteSettings") or {}
    return Stage(
        name=raw["StageName"],
        deployment=raw.get("DeploymentId"),
        changed_at=raw.get("LastUpdatedDate"),
        rate=usual.get("ThrottlingRateLimit"),
        burst=usual.get("ThrottlingBurstLimit"),
    )
