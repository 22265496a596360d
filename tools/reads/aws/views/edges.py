"""What the outside world meets first: APIs of API Gateway and certificates, as values."""

from __future__ import annotations

from tools import resources
from tools.reads.aws.views.basics import Utc
from tools.resources import Resource
from tools.values import Value


class Stage(Value):
    """A stage of an API; the throttle is in requests a second, None where the account's applies."""

    name: str
    deployment: str | None = None
    changed_at: Utc | None = None
    rate: float | None = None
    burst: int | None = None


class Api(Value):
    """An API of API Gateway: REST (known to CloudWatch by name) or HTTP (known by id)."""

    region: str
    id: str
    name: str
    kind: str
    """`REST` or `HTTP`."""
    stages: tuple[Stage, ...] = ()
    functions: tuple[str, ...] = ()
    """Names of the Lambda functions its integrations name."""

    @property
    def resource(self) -> Resource:
        """Its name everywhere."""
        return resources.aws(self.region, "Api", self.name)


class Certificate(Value):
    """A certificate of ACM."""

    region: str
    arn: str
    domain: str
    status: str
    expires_at: Utc | None = None
    renewal: str | None = None
    """How its managed renewal goes; None where AWS does not renew it."""
    in_use: bool = False

    @property
    def resource(self) -> Resource:
        """Its name everywhere."""
        return resources.aws(self.region, "Certificate", self.domain)
