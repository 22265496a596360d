"""The two AWS identities, one to see and one to change, and what their failures mean.

Everything that knows about boto3 sessions, retries, timeouts and error codes belongs here; what to ask for does not.
`AWS_ENDPOINT_URL`, profiles and assumed roles work as everywhere else in boto3.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from tools.errors import Forbidden, PermanentError, TemporaryError, Uncertain, Unreachable
from tools.values import Value

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

HOME_REGION = "us-east-1"
"""Where account-wide questions are asked when no region is configured."""
CONNECT_SECONDS = 3
ANSWER_SECONDS = 20.0
READ_ATTEMPTS = 3
LOOKING = ("Describe", "Get", "List", "Filter", "Lookup", "Simulate", "ConfirmSubscription")
"""How the names of operations that change nothing begin; and the one that changes only what is heard."""
SECRETS = frozenset(
    {
        "GetSecretValue",
        "GetParameter",
        "GetParameters",
        "GetParametersByPath",
        "GetPasswordData",
        "DescribeInstanceAttribute",  # user data
        "GetFunction",  # a link to the code
        "GetObject",
        "GetApiKey",
        "GetApiKeys",
        "GetItem",
    }
)
"""Operations that change nothing and still must not be called: their answer is a secret."""
THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})
THROTTLED_SECONDS = 5.0
DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthFailure",
        "AuthorizationError",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "OptInRequired",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    }
)


class Caller(Value):
    """Who AWS says an identity is."""

    account: str
    arn: str


class Permission(Value):
    """Whether an identity may do one thing; None where AWS would not say."""

    name: str
    granted: bool | None


class AwsIdentity:
    """One session and its clients, made on first use and kept.

    Clients may be used by many threads; making one may not, hence the lock.
    """

    def __init__(self, session: Session, config: Config) -> None:
        self._session = session
        self._config = config
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}

    @property
    def region(self) -> str:
        """The configured region, for questions that belong to no other."""
        return self._session.region_name or HOME_REGION

    def autoscaling(self, region: str) -> AutoScalingClient:
        """Auto Scaling groups."""
        client: AutoScalingClient = self._client("autoscaling", region)
        return client

    def cloudwatch(self, region: str) -> CloudWatchClient:
        """Metrics and alarms."""
        client: CloudWatchClient = self._client("cloudwatch", region)
        return client

    def ec2(self, region: str) -> EC2Client:
        """Instances."""
        client: EC2Client = self._client("ec2", region)
        return client

    def ecs(self, region: str) -> ECSClient:
        """Container services."""
        client: ECSClient = self._client("ecs", region)
        return client

    def logs(self, region: str) -> CloudWatchLogsClient:
        """Log groups."""
        client: CloudWatchLogsClient = self._client("logs", region)
        return client

    def s3(self) -> Any:
        """Buckets, wherever they are: S3 itself says in which region."""
        return self._client("s3", self.region)

    def sns(self, region: str) -> SNSClient:
        """Topics, to confirm a subscription."""
        client: SNSClient = self._client("sns", region)
        return client

    def ssm(self, region: str) -> SSMClient:
        """Managed instances and the documents run on them."""
        client: SSMClient = self._client("ssm", region)
        return client

    def of(self, service: str, region: str) -> Any:
        """Any other service, by the name boto3 has for it."""
        return self._client(service, region)

    def identity(self) -> Caller:
        """Who this is, asked of AWS."""
        client: STSClient = self._client("sts", self.region)
        with reading("sts:GetCallerIdentity"):
            answer = client.get_caller_identity()
        return Caller(account=answer["Account"], arn=answer["Arn"])

    def permitted(self, names: Sequence[str]) -> tuple[Permission, ...]:
        """Which of these IAM permissions the identity has, by IAM's own simulation (resource policies not counted)."""
        try:
            caller = self.identity()
            with reading("iam:SimulatePrincipalPolicy"):
                answer = self._client("iam", HOME_REGION).simulate_principal_policy(
                    PolicySourceArn=_principal(caller.arn), ActionNames=list(names)
                )
        except (PermanentError, TemporaryError):
            return tuple(Permission(name=name, granted=None) for name in names)
        said = {result["EvalActionName"]: result["EvalDecision"] == "allowed" for result in answer["EvaluationResults"]}
        return tuple(Permission(name=name, granted=said.get(name)) for name in names)

    def _client(self, service: str, region: str) -> Any:
        with self._lock:
            if (service, region) not in self._clients:
                make: Any = self._session.client
                with reading(f"a client of {service}"):
                    self._clients[service, region] = make(service, region_name=region, config=self._config)
            return self._clients[service, region]


class AwsReader(AwsIdentity):
    """The identity that looks. Its clients refuse every operation that could change something or show a secret."""

    @classmethod
    def from_profile(
        cls, profile: str | None, role_arn: str | None = None, answer_seconds: float = ANSWER_SECONDS
    ) -> Self:
        """The reader by a profile of the AWS configuration, or by a role assumed from it; None takes the default."""
        session = _session(profile, role_arn, "sayso-reader")
        session.events.register("before-parameter-build", _refuse_unless_looking)
        return cls(session, _config(READ_ATTEMPTS, answer_seconds))

    def confirm_subscription(self, topic: str, token: str) -> None:
        """Agree to be told by an SNS topic. Changes nothing but what is heard; the token proves that SNS asked."""
        with reading("sns:ConfirmSubscription"):
            # With AuthenticateOnUnsubscribe nobody who merely sees the message can end the subscription.
            self.sns(topic.split(":")[3]).confirm_subscription(
                TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true"
            )


class AwsWriter(AwsIdentity):
    """The identity that may change things. It never repeats a call by itself: a lost answer is looked into."""

    @classmethod
    def from_profile(
        cls, profile: str | None, role_arn: str | None = None, answer_seconds: float = ANSWER_SECONDS
    ) -> Self:
        """The writer by a profile of the AWS configuration, or by a role assumed from it; None takes the default."""
        return cls(_session(profile, role_arn, "sayso-writer"), _config(1, answer_seconds))


@contextmanager
def reading(permission: str) -> Iterator[None]:
    """Errors of a call that changes nothing, as `tools.errors`; `permission` is the IAM name of the call."""
    with _meaning(permission, Unreachable):
        yield


@contextmanager
def writing(permission: str) -> Iterator[None]:
    """Errors of a call that changes something. Unless AWS refused it or it was never sent, it may have happened."""
    with _meaning(permission, Uncertain):
        yield


@contextmanager
def _meaning(permission: str, lost: type[Unreachable] | type[Uncertain]) -> Iterator[None]:
    """`lost` is what it means when a request left and no understandable answer came back."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        raise _refused(permission, error) or lost(f"{permission}: {_said(error)}") from error
    except BotoCoreError as error:
        raise _not_sent(permission, error) or lost(f"{permission}: {error}") from error
    except ResponseParserError as error:
        # A gateway's page instead of AWS' own answer. It is long, and says nothing.
        raise lost(f"{permission}: the answer was not AWS'") from error


def _refused(permission: str, error: ClientError) -> TemporaryError | PermanentError | None:
    """What AWS' refusal means; None for a server error, after which nobody knows what happened."""
    code = error.response.get("Error", {}).get("Code", "")
    name = "sts:AssumeRole" if error.operation_name == "AssumeRole" else permission
    if code in THROTTLED:
        return TemporaryError(f"{name}: {_said(error)}", delay=THROTTLED_SECONDS)
    if code in DENIED:
        return Forbidden(f"{name} is not permitted: {_said(error)}")
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) >= 500:
        return None
    return PermanentError(f"{name}: {_said(error)}")


def _not_sent(permission: str, error: BotoCoreError) -> TemporaryError | PermanentError | None:
    """What a failure before the request left means; None where it had left."""
    from botocore import exceptions as known

    if isinstance(error, known.ConnectTimeoutError | known.EndpointConnectionError | known.ProxyConnectionError):
        return Unreachable(f"{permission}: {error}")
    if isinstance(error, known.HTTPClientError | known.ResponseStreamingError):
        return None
    return PermanentError(f"{permission}: {error}")


def _said(error: ClientError) -> str:
    answer = error.response.get("Error", {})
    return f"{answer.get('Code', 'error')}: {answer.get('Message', 'no message')}"


def _refuse_unless_looking(model: Any, params: Mapping[str, object], **_: object) -> None:
    """Stop the reader's call before it is built. IAM forbids it as well; this holds when IAM is set up too wide."""
    name = str(model.name)
    if name == "GetObject" and "VersionId" in params:
        return  # another permission (s3:GetObjectVersion): how copies of the audit chain are read back
    if name in SECRETS or not name.startswith(LOOKING):
        raise PermanentError(f"the read-only identity does not call {name}")


def _config(attempts: int, answer_seconds: float) -> Config:
    from botocore.config import Config

    return Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=answer_seconds,
        max_pool_connections=25,
        user_agent_extra="sayso",
        proxies={} if _endpoint_is_loopback() else None,
    )


def _endpoint_is_loopback() -> bool:
    """A proxy from the environment cannot reach this machine's loopback, so it must not be asked to."""
    return urlsplit(os.environ.get("AWS_ENDPOINT_URL", "")).hostname in ("127.0.0.1", "localhost", "::1")


def _session(profile: str | None, role_arn: str | None, name: str) -> Session:
    import boto3

    with reading("the AWS configuration"):
        base = botocore_session()
        session = boto3.Session(botocore_session=base, profile_name=profile)
        # A profile nobody configured is found out here, and not at the first call.
        base.get_scoped_config()
        return session if role_arn is None else _assumed(session, role_arn, name)


def botocore_session() -> Any:
    """A session that shares the parsed service models with every other one: they are most of what a session costs."""
    from botocore.session import get_session

    session: Any = get_session()
    session.register_component("data_loader", _models())
    return session


@cache
def _models() -> Any:
    from botocore.session import get_session

    made: Any = get_session()
    return made.get_component("data_loader")


def _assumed(source: Session, role_arn: str, name: str) -> Session:
    """A session of the role, whose credentials renew themselves; made the way botocore does it for profiles."""
    import boto3
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    base: Any = source._session
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=base.create_client,
        source_credentials=base.get_credentials(),
        role_arn=role_arn,
        extra_args={"RoleSessionName": name},
    )
    assumed = botocore_session()
    assumed._credentials = DeferredRefreshableCredentials(method="assume-role", refresh_using=fetcher.fetch_credentials)
    return boto3.Session(botocore_session=assumed, region_name=source.region_name)


def _principal(arn: str) -> str:
    """The role behind an assumed-role ARN, which is what IAM simulates (a role's own path is not in the ARN)."""
    if ":assumed-role/" not in arn:
        return arn
    account, role = arn.split(":")[4], arn.split("/")[1]
    return f"arn:aws:iam::{account}:role/{role}"
