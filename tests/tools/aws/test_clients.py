"""The two identities over the wire: what they may do, and what their failures mean."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deploy.sandbox.aws import Aws
from tools.clients.aws import AwsReader, AwsWriter, Permission, reading, writing
from tools.errors import Forbidden, PermanentError, TemporaryError, Uncertain, Unreachable

REGION = "eu-west-1"
ERROR = "<ErrorResponse><Error><Code>{}</Code><Message>no</Message></Error><RequestId>r</RequestId></ErrorResponse>"
PAGE = "<!doctype html><title>502 Bad Gateway"


class Canned(ThreadingHTTPServer):
    """Answers every request with the same status and body, and counts them."""

    status = 200
    body = ""
    asked = 0


class _Handler(BaseHTTPRequestHandler):
    server: Canned

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        body = self.server.body.encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def canned(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Canned]:
    server = Canned(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    server.server_close()


def set_desired(writer: AwsWriter, group: str = "prod-web", desired: int = 3) -> None:
    with writing("autoscaling:SetDesiredCapacity"):
        writer.autoscaling(REGION).set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=desired)


def describe(identity: AwsReader | AwsWriter) -> None:
    with reading("autoscaling:DescribeAutoScalingGroups"):
        identity.autoscaling(REGION).describe_auto_scaling_groups()


def test_the_two_identities_are_two_people(reader: AwsReader, writer: AwsWriter) -> None:
    assert reader.identity().arn.endswith("sandbox-reader")
    assert writer.identity().arn.endswith("sandbox-writer")
    assert reader.identity().account == "123456789012"


def test_the_reader_refuses_to_change_anything_before_it_asks(aws: Aws, reader: AwsReader) -> None:
    before = len(aws.effects)

    with pytest.raises(PermanentError, match="does not call TerminateInstances"):
        reader.ec2(REGION).terminate_instances(InstanceIds=[aws.instance_id])

    assert len(aws.effects) == before


def test_the_reader_refuses_to_read_secrets(reader: AwsReader) -> None:
    with pytest.raises(PermanentError, match="does not call GetParameter"):
        reader.ssm(REGION).get_parameter(Name="/prod/password")


def test_a_writer_without_the_permission_is_forbidden_by_name(aws: Aws) -> None:
    too_weak = AwsWriter.from_profile("sayso-reader")
    before = len(aws.effects)

    with pytest.raises(Forbidden, match="autoscaling:SetDesiredCapacity is not permitted"):
        set_desired(too_weak)

    assert len(aws.effects) == before


def test_a_write_whose_answer_is_lost_is_uncertain_and_is_not_sent_again(aws: Aws, writer: AwsWriter) -> None:
    before = len(aws.effects)
    aws.spoil_next("SetDesiredCapacity", "lose")

    with pytest.raises(Uncertain):
        set_desired(writer)

    assert [effect.action for effect in aws.effects[before:]] == ["SetDesiredCapacity"]


def test_a_read_whose_answer_is_lost_is_asked_again(aws: Aws, reader: AwsReader) -> None:
    aws.spoil_next("DescribeAutoScalingGroups", "lose")

    describe(reader)


def test_a_failing_write_is_uncertain(aws: Aws, writer: AwsWriter) -> None:
    aws.spoil_next("SetDesiredCapacity", "fail")

    with pytest.raises(Uncertain):
        set_desired(writer)


def test_a_write_to_nobody_was_never_sent(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    writer, reader = AwsWriter.from_profile("sayso-writer"), AwsReader.from_profile("sayso-reader")

    with pytest.raises(Unreachable):
        set_desired(writer)
    with pytest.raises(Unreachable):
        describe(reader)


@pytest.mark.parametrize(
    ("status", "body", "on_write", "on_read"),
    [
        pytest.param(400, ERROR.format("Throttling"), TemporaryError, TemporaryError, id="throttled"),
        pytest.param(403, ERROR.format("AccessDenied"), Forbidden, Forbidden, id="denied"),
        pytest.param(403, ERROR.format("ExpiredToken"), Forbidden, Forbidden, id="expired"),
        pytest.param(400, ERROR.format("ValidationError"), PermanentError, PermanentError, id="invalid"),
        pytest.param(503, ERROR.format("ServiceUnavailable"), Uncertain, Unreachable, id="unavailable"),
        pytest.param(502, PAGE, Uncertain, Unreachable, id="a gateway's page"),
    ],
)
def test_what_an_answer_means(
    canned: Canned, status: int, body: str, on_write: type[Exception], on_read: type[Exception]
) -> None:
    canned.status, canned.body = status, body
    writer = AwsWriter.from_profile("sayso-writer")

    with pytest.raises(on_write) as wrote:
        set_desired(writer)
    with pytest.raises(on_read) as read:
        describe(writer)

    assert (type(wrote.value), type(read.value)) == (on_write, on_read)
    assert canned.asked == 2


def test_iam_is_asked_about_the_role_behind_the_identity(canned: Canned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", f"http://127.0.0.1:{canned.server_port}")
    decided = "".join(
        f"<member><EvalActionName>{name}</EvalActionName><EvalDecision>{decision}</EvalDecision></member>"
        for name, decision in (("ecs:UpdateService", "allowed"), ("ssm:SendCommand", "implicitDeny"))
    )
    caller = "<Arn>arn:aws:sts::123456789012:assumed-role/sayso/x</Arn><Account>123456789012</Account>"
    # One body serves both calls: each parser takes its own result out of it.
    canned.body = (
        f"<R><GetCallerIdentityResult>{caller}</GetCallerIdentityResult>"
        f"<SimulatePrincipalPolicyResult><EvaluationResults>{decided}</EvaluationResults>"
        "</SimulatePrincipalPolicyResult></R>"
    )
    writer = AwsWriter.from_profile("sayso-writer")

    said = writer.permitted(["ecs:UpdateService", "ssm:SendCommand"])

    assert said == (
        Permission(name="ecs:UpdateService", granted=True),
        Permission(name="ssm:SendCommand", granted=False),
    )


def test_a_permission_iam_does_not_tell_about_is_unknown(writer: AwsWriter) -> None:
    assert writer.permitted(["ecs:UpdateService"]) == (Permission(name="ecs:UpdateService", granted=None),)


def test_a_role_is_assumed_from_the_profile(aws: Aws) -> None:
    role = "arn:aws:iam::123456789012:role/sayso-reader"

    reader = AwsReader.from_profile("sayso-reader", role)

    assert reader.identity().arn == "arn:aws:sts::123456789012:assumed-role/sayso-reader/sayso-reader"
    with pytest.raises(PermanentError, match="does not call"):
        reader.ecs(REGION).delete_cluster(cluster="prod")


def test_a_profile_nobody_configured_is_a_permanent_error(aws: Aws) -> None:
    with pytest.raises(PermanentError, match="nobody"):
        AwsReader.from_profile("nobody")


def test_a_client_is_made_once_however_many_threads_ask(reader: AwsReader) -> None:
    with ThreadPoolExecutor(16) as threads:
        clients = {id(one) for one in threads.map(lambda _: reader.logs("us-east-1"), range(64))}

    assert len(clients) == 1


def test_a_subscription_is_confirmed_by_the_reader(aws: Aws, reader: AwsReader) -> None:
    reader.confirm_subscription(aws.topic_arn, "sandbox-confirmation-token")

    with pytest.raises(PermanentError):
        reader.confirm_subscription(aws.topic_arn + "-of-somebody-else", "sandbox-confirmation-token")
